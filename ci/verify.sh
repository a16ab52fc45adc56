#!/bin/bash
# What the action and the GitLab template run. Environment: MODEL, and where wanted OPTIONS,
# BASELINE, MAX_LUTS, SYNTH; results in hw_bnn_verified/. Exit code as hw-bnn's: 1 where stages
# differ or a limit is passed.
set -u
out=hw_bnn_verified
rm -rf "$out"
arguments=(--out "$out" --junit results.xml)
[ -z "${BASELINE:-}" ] || arguments+=(--baseline "$BASELINE")
[ -z "${MAX_LUTS:-}" ] || arguments+=(--max-luts "$MAX_LUTS")
[ -z "${SYNTH:-}" ] || arguments+=(--synth "$SYNTH")
read -r -a more <<< "${OPTIONS:-}"
hw-bnn verify "$MODEL" "${arguments[@]}" "${more[@]}" | tee hw_bnn_verify.txt
code=${PIPESTATUS[0]}
if [ -d "$out" ]; then
    mv results.xml "$out/"
    [ -z "${GITHUB_OUTPUT:-}" ] || echo "folder=$out" >> "$GITHUB_OUTPUT"
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    { echo '```'; cat hw_bnn_verify.txt; echo '```'; } >> "$GITHUB_STEP_SUMMARY"
fi
rm -f hw_bnn_verify.txt
exit "$code"
