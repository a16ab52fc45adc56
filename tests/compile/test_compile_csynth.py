"""Reports of Vitis HLS read back: what is as expected, what is not,
and files that are no such report.

The reports are of csynth_xml.py: in the shape of published ones, written by no Vitis.
"""

from __future__ import annotations

import json

import onnx
import pytest

from tests.compile.csynth_xml import csynth_xml
from tests.networks.support_case import end, net, norm

pytest.importorskip("finn")

from hw_bnn import cli
from hw_bnn.hls.top import TOP
from hw_bnn.hls.write import hls

FIRST, SECOND = "XnorMVAU_rtl_0", "XnorMVAU_rtl_1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(accelerator folder, its manifest)."""
    from hw_bnn.compile import compile_model

    place = tmp_path_factory.mktemp("csynth")
    network = net((16,))
    network.linear(16, 12)
    norm(network, 12)
    network.bipolar()
    onnx.save(end(network), place / "net.onnx")
    folder = compile_model(place / "net.onnx", place / "accelerator", target_cycles=48,
                           fifo_sizing="none", check=False)  # fmt: skip
    return folder, hls(folder)


@pytest.fixture
def read(made, tmp_path, capsys):
    """Text of a report -> (exit code, document or None, the error)."""
    path = tmp_path / "csynth.xml"

    def run(text: str | bytes) -> tuple[int, dict | None, str]:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        code = cli.run(["hls", str(made[0]), "--report", str(path), "--json"])
        printed = capsys.readouterr()
        document = json.loads(printed.out) if printed.out else None
        errors = [line for line in printed.err.splitlines() if line.startswith("error: ")]
        return code, document, "\n".join(errors)

    return run


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("outlined", [False, True])
def test_what_is_as_expected(made, read, frames, outlined):
    folder, manifest = made
    code, document, error = read(csynth_xml(manifest, frames=frames, outlined=outlined))
    assert (code, error, document["wrong"]) == (0, "", [])
    assert document["tool"] == "2022.2" and document["part"] == "xc7z020-clg400-1"
    assert document["frames_per_call"] == frames and document["expected"] == 48
    assert document["interval"] == frames * 48 + 3 and document["latency"] == 1000
    assert (document["luts"], document["ffs"], document["bram18s"]) == (582, 298, 3)
    assert document["clock"] == {"target_ns": 10.0, "uncertainty_ns": 2.7, "estimated_ns": 7.3,
                                 "slack_ns": 0.0}  # fmt: skip
    assert [p["name"] for p in document["processes"]] == [p["name"] for p in manifest["processes"]]
    for row in document["processes"]:
        assert row["trip_count"] == frames * row["expected"] and row["ii"] == 1
        assert (row["depth"], row["luts"], row["dsps"]) == (3, 291, 2)
    assert document == json.loads((folder / "hls/csynth.json").read_text())


def test_dsps_of_older_versions(made, read):
    assert read(csynth_xml(made[1], dsp="DSP48E"))[1]["processes"][0]["dsps"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ii": {FIRST: 2}}, f"{FIRST} takes 2 cycles a step (II), not 1"),
        ({"ii": {FIRST: 2}, "outlined": True}, f"{FIRST} takes 2 cycles a step (II), not 1"),
        ({"trips": {SECOND: 49}}, f"{SECOND} takes 49 steps, not {{expected}}"),
        ({"trips": {FIRST: "undef"}}, f"the report does not tell the steps of {FIRST}"),
        ({"trips": {FIRST: "48 ~ 50"}}, f"{FIRST} takes 50 steps, not 48"),
        ({"ii": {FIRST: "?"}}, f"the report does not tell the steps of {FIRST}"),
        ({"estimated": "7.310"}, "the clock of 10 ns is missed: 7.31 ns are estimated"),
    ],
)
def test_what_is_not_as_expected(made, read, changes, words):
    code, document, error = read(csynth_xml(made[1], **changes))
    (expected,) = (p["expected"] for p in document["processes"] if p["name"] == SECOND)
    words = words.format(expected=expected)
    assert code == 1
    assert error.startswith("error: the synthesis is not as the manifest expects: ")
    assert words in error and words in document["wrong"][0]


def test_a_process_with_no_loop_or_two(made, read):
    text = csynth_xml(made[1])
    start, end = text.index("<SummaryOfLoopLatency>"), text.index("</SummaryOfLoopLatency>")
    loop = text[start + len("<SummaryOfLoopLatency>") : end]
    for changed, count in ((text.replace(loop, "", 1), 0), (text.replace(loop, 2 * loop, 1), 2)):
        code, _, error = read(changed)
        assert code == 1 and f"has {count} loops in the report, not one" in error


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "is no report of a synthesis ("),
        (lambda text: "", "is no report of a synthesis ("),
        (lambda text: text.encode("utf-16"), "is no report of a synthesis (it is no UTF-8)"),
        (lambda text: '<!DOCTYPE a [<!ENTITY b "c">]>' + text, "(a declaration in it)"),
        (lambda text: text.replace("UserAssignments", "Others"),
         "it lacks UserAssignments/TopModelName"),
        (lambda text: text.replace(">2.70<", ">nan?<"),
         "UserAssignments/ClockUncertainty is no number"),
        (lambda text: text.replace(">2.70<", ">nan<"),
         "UserAssignments/ClockUncertainty is no number"),
        (lambda text: text.replace(f">{TOP}<", ">top<"),
         "the report is not one of this code: it is of top"),
        (lambda text: text.replace(f"<Name>{SECOND}<", "<Name>other<"),
         f"the report is not one of this code: it lacks {SECOND}"),
    ],
)  # fmt: skip
def test_what_is_no_report_of_this_code(made, read, change, words):
    before = (made[0] / "hls/csynth.json").exists()
    code, document, error = read(change(csynth_xml(made[1])))
    assert (code, document) == (2, None)
    assert words in error and "\n" not in error
    assert (made[0] / "hls/csynth.json").exists() == before


def test_figures_of_any_length_are_read_or_unknown(made, read):
    code, document, _ = read(csynth_xml(made[1], trips={FIRST: "9" * 5000}))
    assert code == 1 and "does not tell the steps" in document["wrong"][0]


def test_a_report_or_code_that_is_not_there(made, tmp_path, capsys):
    assert cli.run(["hls", str(made[0]), "--report", str(tmp_path / "none.xml")]) == 2
    assert "none.xml cannot be read (No such file or directory)" in capsys.readouterr().err
    assert cli.run(["hls", str(tmp_path), "--report", str(tmp_path)]) == 2
    assert "is not an accelerator folder" in capsys.readouterr().err


def test_the_table_that_is_printed(made, tmp_path, capsys):
    path = tmp_path / "csynth.xml"
    path.write_text(csynth_xml(made[1]))
    assert cli.run(["hls", str(made[0]), "--report", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "Vitis HLS 2022.2 on xc7z020-clg400-1" in printed and FIRST in printed
    assert "interval: 51 cycles for 1 frame, expected 48 and the start" in printed
