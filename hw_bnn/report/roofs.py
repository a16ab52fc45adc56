"""What bounds the rate: roofs of the accelerator's streams and of its board."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ..accelerator import Description
from ..accelerator.netlists import NetlistDocument
from .documents import Verification
from .headline import device, taken
from .markup import Markup, meter, paragraph, section, table

BLOCK_RAM_BITS = 72
"""That a block RAM of 36 kbit gives a cycle, at its widest (UG473)."""


@dataclass(frozen=True)
class Roof:
    """Least cycles a frame, and by what."""

    name: str
    cycles: int
    why: str


def roofs(accelerator: Description, counted: NetlistDocument | None) -> list[Roof]:
    """The roofs, each as if the others were not there.

    The streams': a word a cycle. The weights': each is read once for MMV uses, BLOCK_RAM_BITS a
    cycle from each block RAM of the board; weights in LUTs pass it. The LUTs': as many products a
    cycle as they have room for, at what the accelerator takes for one now.
    """
    words, results = accelerator.input.words, accelerator.output.frame_words
    found = [
        Roof("input stream", words, f"{_words(words)} of {accelerator.input.word_bits:,} bits"),
        Roof("output stream", results, _words(results)),
    ]
    whole, layers = device(accelerator), [n for n in accelerator.nodes if n.pe and n.simd and n.mw]
    if whole is None or not layers:
        return found
    bits = sum(n.products // n.mmv * int(n.parameters.get("WEIGHT_BITS", 1)) for n in layers)
    if whole.bram:
        least = max(1, ceil(bits / (BLOCK_RAM_BITS * whole.bram)))
        why = f"{bits:,} bits a frame from {whole.bram:g} block RAMs"
        found.append(Roof("weights in block RAM", least, why))
    needs = taken(accelerator, counted)
    if needs is not None and needs["lut"]:
        lanes = sum((n.pe or 0) * (n.simd or 0) * n.mmv for n in layers)
        price = needs["lut"] / lanes
        least = max(1, ceil(sum(n.products for n in layers) * price / whole.lut))
        found.append(Roof("LUTs", least, f"{price:.2f} a product, of {whole.lut:,.0f}"))
    return found


def roofs_section(
    accelerator: Description, verification: Verification | None, counted: NetlistDocument | None
) -> Markup:
    """The section."""
    seen = verification.cycles_per_frame if verification is not None else None
    present = float(seen or accelerator.bound_cycles)
    rows = []
    for roof in sorted(roofs(accelerator, counted), key=lambda roof: -roof.cycles):
        rate = 1e9 / (accelerator.clk_period_ns * roof.cycles) if roof.cycles else None
        reached = meter(roof.cycles / present)
        rows.append(
            [roof.name, roof.cycles, None if rate is None else round(rate), reached, roof.why]
        )
    columns = ["roof", "least cycles per frame", "frames per second", "reached", "by"]
    told = (
        f"The accelerator takes {present:,.6g} cycles per frame; each roof is as if it were alone, "
        "and weights in LUTs are above that of block RAM."
    )
    return section("Roofline", paragraph(told), table("what bounds the rate", columns, rows))


def _words(count: int) -> str:
    return "1 word" if count == 1 else f"{count:,} words"
