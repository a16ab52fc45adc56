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
from ..files.given import given_path
from ..files.inside import within
from ..files.output import at_home, output_file
from .accuracy import labels_section
from .curves import training_section
from .documents import (
    Folding,
    Verification,
    Waits,
    read_folding,
    read_labels,
    read_training,
    read_verification,
)
from .flow import flow
from .headline import device, headline
from .ladder import ladder
from .markup import (
    Markup,
    cards,
    code,
    meter,
    page,
    paragraph,
    section,
    table,
    text,
    verdict,
)
from .roofs import roofs_section
from .thresholds import thresholds_section
from .waveform import waveform


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
    folder = given_path(folder)
    content = html_report(folder)
    output = at_home(output) if output is not None else within(folder, "reports", "report.html")
    with output_file(output, keeps=[folder], suffix=".html") as partial:
        partial.write_text(content, encoding="utf-8")
    return output


def html_report(folder: Path) -> str:
    """The text of the report on the accelerator in `folder`."""
    accelerator = read_accelerator(folder)
    verification, folding = read_verification(folder), read_folding(folder)
    netlists = {family: read_netlist(folder, family) for family in FAMILIES}
    counted = netlists["xc7"]
    body = (
        headline(accelerator, verification, counted)
        + cards(_figures(accelerator, verification))
        + _verification(accelerator, verification)
        + labels_section(accelerator, read_labels(folder))
        + section("Flow", flow(accelerator))
        + _layers(accelerator, folding, counted, verification)
        + roofs_section(accelerator, verification, counted)
        + thresholds_section(folder, accelerator)
        + _fifos(accelerator, verification)
        + _resources([document for document in netlists.values() if document is not None])
        + training_section(read_training(folder))
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


def _verification(accelerator: Description, verification: Verification | None) -> str:
    if verification is None or verification.exact is None:
        return section(
            "Verification", paragraph(Markup("Not run yet: <code>hw-bnn verify</code> does it."))
        )
    frames, wrong = verification.frames, verification.mismatches
    ties, seconds = verification.float_ties, verification.seconds
    good = verification.exact
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
    stopped = verification.failures and not (verification.divergences or any(wrong.values()))
    said = "Bit-exact." if good else "A stage stopped." if stopped else "Stages differ."
    head = verdict(good, said)
    told = Markup(
        f"{head} Frames whose raw integer scores differ from the golden model's, by stage; "
        f"input: {code(verification.input)}."
    )
    columns = ["stage", "frames", "differing frames", "proven float ties", "seconds"]
    parts = [paragraph(told), table("stages against the golden model", columns, rows)]
    for stage, why in verification.failures.items():
        parts.append(paragraph(verdict(False, f"{stage}: {why}")))
    for number, divergence in enumerate(verification.divergences, 1):
        parts += [paragraph(verdict(False, divergence.text)), ladder(accelerator, divergence)]
        parts.append(waveform(divergence, number))
    return section("Verification", *parts)


def _is_fifo(node: Node) -> bool:
    return "fifo" in node.op.lower()


def _layers(
    accelerator: Description,
    folding: Folding | None,
    counted: NetlistDocument | None,
    verification: Verification | None,
) -> str:
    slowest = max((n.cycles for n in accelerator.nodes), default=1) or 1
    nodes = [n for n in accelerator.nodes if not _is_fifo(n)]
    synthesised, waits = (
        counted.layers if counted else {},
        verification.waits if verification else {},
    )
    whole = device(accelerator)
    bottleneck = next((n.name for n in nodes if n.cycles == slowest), None)
    rows = []
    for n in nodes:
        lut, cost = synthesised.get(n.name, {}).get("lut"), n.resources
        best = lut if lut is not None else cost.lut if cost else None
        share = round(100 * best / whole.lut, 2) if whole and best is not None else None
        shape = Markup(f"{n.mw}&nbsp;\u00d7&nbsp;{n.mh}") if n.mw and n.mh else None
        busy = meter(n.cycles / slowest, hot=n.name == bottleneck)
        costs = (
            [cost.lut, lut, cost.bram, cost.uram, cost.dsp] if cost else [None, lut, *3 * [None]]
        )
        waited = [_percent(waits[n.name], kind) if n.name in waits else None for kind in WAITS]
        rows.append(
            [code(n.name), n.layer, shape, n.pe, n.simd, n.cycles, busy, *costs, share, *waited]
        )
    columns = [
        "node", "model's layer", "MW \u00d7 MH", "PE", "SIMD", "cycles", "busy",
        "LUTs (estimate)", "LUTs (synthesis)", "block RAMs", "UltraRAM blocks", "DSP blocks",
        "% of the board's LUTs",
        *(f"{kind}, %" for kind in WAITS),
    ]  # fmt: skip
    kept = [i for i in range(len(columns)) if i < 8 or any(row[i] for row in rows)]
    told = table(
        "cycles a frame and resources, node by node", [columns[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
    )  # fmt: skip
    return section("Layers and folding", paragraph(_bottleneck(nodes, folding, slowest)), told)


WAITS = ("starved", "stalled")


def _percent(waits: Waits, kind: str) -> float:
    return round(100 * getattr(waits, kind), 1)


def _bottleneck(nodes: list[Node], folding: Folding | None, slowest: int) -> Markup:
    """The one node that sets the rate (the first of equals), and the price of the next step."""
    equals = [n.name for n in nodes if n.cycles == slowest]
    if not equals:
        return Markup("There are no layers.")
    told = f"{code(equals[0])} sets the rate with {slowest:,} cycles per frame by folding"
    if len(equals) > 1:
        told += f" (and {len(equals) - 1} more of as many)"
    if folding is not None and folding.bottleneck.node in equals:
        told += f": {text(folding.bottleneck.why)}"
    return Markup(f"{told}.")


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
        held = filled.get(node.name)
        rows.append([
            code(node.name), stream.producer if stream else None, width, depth, held,
            meter(held / depth) if depth and held is not None else None, size,
        ])  # fmt: skip
    columns = ["FIFO", "fed by", "bits per word", "depth (words)", "most words held", "filled",
               "bits"]  # fmt: skip
    told = table("FIFO depths against what they held", columns, rows)
    return section("FIFOs", paragraph(f"{bits:,} bits in all."), told)


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
        parts += [
            paragraph(told + "."),
            table(f"resources on {document.part}", ["layer", *kinds], rows),
        ]
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
    return section("Interface", table("input and output", columns, rows))


def _provenance(accelerator: Description) -> str:
    versions = table(
        "versions", ["tool", "version"], [[k, v] for k, v in sorted(accelerator.versions.items())]
    )
    options = table(
        "options",
        ["option", "value"],
        [[k, code(json.dumps(v))] for k, v in sorted(accelerator.options.items())],
    )
    hashes = table(
        "hashes",
        ["file", "SHA-256"],
        [[code(k), code(v)] for k, v in sorted(accelerator.hashes.items())],
    )
    fold = "<details><summary class='dim'>{}</summary>{}</details>"
    return section(
        "Versions and options", versions, options,
        fold.format(f"{len(accelerator.hashes)} files with their hashes", hashes),
    )  # fmt: skip
