"""Counting a netlist's cells as a device's resources.

xc7, xcup:
    lut     LUT1 .. LUT6 and LUT6_2, one each (LUT6_2: a six-input LUT with both outputs in use),
            and lutram: memories and shift registers made of LUTs, as many as they take
    carry   CARRY4;  ff  FD*;  bram  RAMB36 = 1, RAMB18 = 0.5;  mux  MUXF7 .. MUXF9
    uram  URAM288 (xcup)
ecp5:
    lut     LUT4; a CCU2C is two; a DPR16X4 is four and two for its write logic (lutram)
    carry   CCU2C;  ff  TRELLIS_FF;  bram  DP16KD (18 kbit);  mux  PFUMX, L6MUX21

Inverters that Yosys leaves (INV) are absorbed by the LUT or register they drive and count nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

_LUTRAM = {  # six-input LUTs of a SLICEM, UG474 table 2-3
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM32M": 4,
    "RAM32M16": 8,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM64M": 4,
    "RAM64M8": 8,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "TRELLIS_DPR16X4": 6,
}
_FREE = ("IBUF", "OBUF", "BUFG", "INV", "VCC", "GND", "EHXPLLL", "$scopeinfo")
KINDS = ("lut", "lutram", "ff", "carry", "bram", "mux", "dsp", "uram")


def count_resources(cells: Mapping[str, int]) -> dict[str, float]:
    """Resources of a netlist's cells.

    Args:
        cells: cell type -> number.

    Returns:
        lut (memories and shift registers included), lutram (those alone), ff, carry, bram, mux,
        dsp, uram; and under "unknown" the number of cells that belong to none.
    """
    found: defaultdict[str, float] = defaultdict(float, dict.fromkeys(KINDS, 0.0))
    for kind, number in cells.items():
        if kind in _LUTRAM:
            found["lutram"] += _LUTRAM[kind] * number
            found["lut"] += _LUTRAM[kind] * number
        elif kind.startswith("LUT"):
            found["lut"] += number
        elif kind in ("CARRY4", "CARRY8"):
            found["carry"] += number
        elif kind == "CCU2C":
            found["carry"] += number
            found["lut"] += 2 * number
        elif kind.startswith("FD") or kind in ("TRELLIS_FF", "LDCE", "LDPE"):
            found["ff"] += number
        elif kind.startswith("RAMB36") or kind == "DP16KD":
            found["bram"] += number
        elif kind.startswith("URAM288"):
            found["uram"] += number
        elif kind.startswith("RAMB18"):
            found["bram"] += 0.5 * number
        elif kind.startswith(("MUXF", "PFUMX", "L6MUX21")):
            found["mux"] += number
        elif kind.startswith("DSP") or kind == "MULT18X18D":
            found["dsp"] += number
        elif not kind.startswith(_FREE):
            found["unknown"] += number
    return {kind: int(value) if value == int(value) else value for kind, value in found.items()}


def module_cells(modules: Mapping[str, dict], top: str) -> Counter[str]:
    """Leaf cells of a hierarchy, from the "modules" of `stat -json`-like documents.

    Args:
        modules: module -> {"num_cells_by_type": {type: number}}.
        top: where to start.
    """
    total: Counter[str] = Counter()
    for kind, number in modules[top]["num_cells_by_type"].items():
        if kind in modules:
            for leaf, inner in module_cells(modules, kind).items():
                total[leaf] += inner * number
        else:
            total[kind] += number
    return total
