"""The report on one accelerator as a single HTML file that loads nothing from anywhere.

It is made from what lies in the accelerator folder: accelerator.json, and where they are there
reports/verification.json (written by verify) and synth/<family>.json (written by synth).
"""

from __future__ import annotations

import json
from pathlib import Path

from .. import __version__
from ..accelerator import Description, Node
from ..accelerator.folder import read_accelerator
from ..accelerator.netlists import FAMILIES, NetlistDocument, read_netlist
from ..files.inside import within
from ..files.output import output_file
from .documents import Verification, read_verification
from .markup import (
    Markup,
    cards,
    code,
    meter,
    page,
    paragraph,
    section,
    table,
    verdict,
)  # fmt: skip


def report(folder: str | Path, output: str | Path | None = None) -> Path:
    """Write the report on the accelerator FOLDER.

    Args:
        folder: what `compile` wrote.
        output: the HTML file to write; by default FOLDER/reports/report.html.

    Returns:
        The path of the file.

    Raises:
        BadInput: FOLDER is no accelerator, holds a damaged document, or the file cannot be written.
    """
    folder = Path(folder)
    text = html_report(folder)
    output = Path(output) if output is not None else within(folder, "reports", "report.html")
    with output_file(output) as partial:
        partial.write_text(text, encoding="utf-8")
    return output


def html_report(folder: Path) -> str:
    """The text of the report on the accelerator in `folder`."""
    accelerator = read_accelerator(folder)
    verification = read_verification(folder)
    netlists = (read_netlist(folder, family) for family in FAMILIES)
    body = (
        cards(_figures(accelerator, verification))
        + _verification(verification)
        + _layers(accelerator)
        + _fifos(accelerator, verification)
        + _resources([document for document in netlists if document is not None])
        + _interface(accelerator)
        + _provenance(accelerator)
    )
    target = accelerator.board or accelerator.part
    subtitle = f"accelerator for {target}, {accelerator.clk_period_ns:g} ns clock period"
    return page(accelerator.name, subtitle, body, f"Written by hw_bnn {__version__}.")


def _figures(
    accelerator: Description, verification: Verification | None
) -> list[tuple[str, object]]:
    """The cards on top."""
    seen = verification or Verification()
    cycles = seen.cycles_per_frame or accelerator.bound_cycles
    rate = 1e9 / (accelerator.clk_period_ns * cycles)
    figures: list[tuple[str, object]] = [
        ("cycles per frame" if seen.cycles_per_frame else "cycles per frame (by folding)",
         cycles),
        ("frames per second", f"{rate:,.0f}"),
    ]  # fmt: skip
    if latency := seen.latency_cycles:
        microseconds = latency * accelerator.clk_period_ns / 1000
        figures.append((f"latency ({latency:,} cycles)", f"{microseconds:.3g} \u00b5s"))
    figures.append(("weight bits", accelerator.weight_bits))
    if (accuracy := seen.accuracy.get("rtl")) is not None:
        figures.append(("accuracy of the RTL", f"{100 * accuracy:.2f} %"))
    return figures


def _verification(verification: Verification | None) -> str:
    if verification is None:
        return section(
            "Verification", paragraph(Markup("Not run yet: <code>hw-bnn verify</code> does it."))
        )
    frames, wrong = verification.frames, verification.mismatches
    ties, seconds = verification.float_ties, verification.seconds
    passed = verification.passed
    if passed is None:
        passed = sum(wrong.values()) == 0
    rows = [
        [
            stage,
            frames[stage],
            verdict(wrong[stage] == 0, f"{wrong[stage]:,}") if stage in wrong else "reference",
            ties.get(stage),
            round(seconds[stage], 1) if stage in seconds else None,
        ]
        for stage in frames
    ]
    head = verdict(passed, "Bit-exact." if passed else "Stages differ.")
    told = Markup(
        f"{head} Frames whose raw integer scores differ from the golden model's, by stage; "
        f"input: {code(verification.input)}."
    )
    columns = ["stage", "frames", "differing frames", "proven float ties", "seconds"]
    parts = [paragraph(told), table(columns, rows)]
    for divergence in verification.divergences:
        parts.append(paragraph(verdict(False, divergence.text)))
    return section("Verification", *parts)


def _is_fifo(node: Node) -> bool:
    return "fifo" in node.op.lower()


def _layers(accelerator: Description) -> str:
    slowest = max((n.cycles for n in accelerator.nodes), default=1) or 1
    nodes = [n for n in accelerator.nodes if not _is_fifo(n)]
    rows = [
        [
            code(n.name),
            n.layer,
            n.op,
            f"{n.mw} \u00d7 {n.mh}" if n.mw and n.mh else None,
            n.pe,
            n.simd,
            n.cycles,
            meter(n.cycles / slowest, hot=n.cycles == slowest),
        ]
        for n in nodes
    ]
    bottleneck = [n for n in nodes if n.cycles == slowest]
    names = ", ".join(code(n.name) for n in bottleneck)
    told = Markup(
        f"The slowest layer sets the rate: {names} with {slowest:,} cycles per frame by folding."
    )
    columns = ["node", "model's layer", "op", "MW \u00d7 MH", "PE", "SIMD", "cycles", "busy"]
    return section("Layers and folding", paragraph(told), table(columns, rows))


def _fifos(accelerator: Description, verification: Verification | None) -> str:
    fifos = [n for n in accelerator.nodes if _is_fifo(n)]
    if not fifos:
        return section("FIFOs", paragraph("There are none."))
    streams = {s.name: s for s in accelerator.streams}
    filled = (verification.fifo_max if verification else None) or {}
    rows, bits = [], 0
    for node in fifos:
        stream = streams.get(node.inputs[0]) if node.inputs else None
        width = stream.word_bits if stream else None
        depth = node.depth
        size = width * depth if width and depth else None
        bits += size or 0
        rows.append([
            code(node.name), stream.producer if stream else None, width, depth, size,
            filled.get(node.name),
        ])  # fmt: skip
    columns = ["FIFO", "fed by", "bits per word", "depth (words)", "bits", "most words held"]
    return section("FIFOs", paragraph(f"{bits:,} bits in all."), table(columns, rows))


def _resources(documents: list[NetlistDocument]) -> str:
    if not documents:
        return section(
            "Resources", paragraph(Markup("Not counted yet: <code>hw-bnn synth</code> does it."))
        )
    parts = []
    for document in documents:
        kinds = [kind for kind, amount in document.total.items() if amount]
        rows = [
            [code(name), *(amounts.get(kind) for kind in kinds)]
            for name, amounts in [*document.layers.items(), ("all", document.total)]
        ]
        told = f"Yosys for {document.part}"
        if document.depth.lut_levels:
            told += f"; longest path {document.depth.lut_levels} LUTs"
        if document.pnr:
            told += f"; {document.pnr.fmax_mhz:g} MHz after place and route"
        parts += [paragraph(told + "."), table(["layer", *kinds], rows)]
    return section("Resources", *parts)


def _interface(accelerator: Description) -> str:
    i, o = accelerator.input, accelerator.output
    rows = [
        ["input", i.datatype, f"{i.minimum:,} \u2026 {i.maximum:,}", str(tuple(i.shape)), i.words,
         i.tdata_bits, code(i.tensor)],
        ["output", f"{o.mode} (scores {o.datatype})" if o.mode != "label" else "label",
         f"{o.minimum:,} \u2026 {o.maximum:,}", str((o.scores,)), o.words, o.tdata_bits,
         code(o.tensor)],
    ]  # fmt: skip
    columns = ["port", "type", "range", "shape", "words per frame", "tdata bits", "model's tensor"]
    return section("Interface", table(columns, rows))


def _provenance(accelerator: Description) -> str:
    versions = table(["tool", "version"], [[k, v] for k, v in sorted(accelerator.versions.items())])
    options = table(
        ["option", "value"],
        [[k, code(json.dumps(v))] for k, v in sorted(accelerator.options.items())],
    )
    hashes = table(
        ["file", "SHA-256"], [[code(k), code(v)] for k, v in sorted(accelerator.hashes.items())]
    )
    fold = "<details><summary class='dim'>{}</summary>{}</details>"
    return section(
        "Versions and options", versions, options,
        fold.format(f"{len(accelerator.hashes)} files with their hashes", hashes),
    )  # fmt: skip
