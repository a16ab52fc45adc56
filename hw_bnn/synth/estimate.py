"""Resources of an accelerator before synthesis, by formulas fitted to synthesis.

    estimate("digits_accelerator")["total"]["lut"]

A kernel's LUTs are a sum of parts whose number is known exactly (the popcount tree of SIMD bits PE
times,
a memory of so many words) or up to a factor (an accumulator's bits); the factors are fitted once,
by least
squares, to the grid of single kernels in benchmarks/results/area.json (`python benchmarks/area.py
fit`), for xc7. The trees follow the kernels' own recursion (popcount_tree, xnor_popcount).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ..accelerator import Accelerator
from ..errors import BadInput
from ..hardwired import planned

CHAIN = 3  # of xnor_popcount


def bits_for(n: int) -> int:
    """$clog2(n)."""
    return max(n - 1, 0).bit_length()


@lru_cache(maxsize=None)
def tree_luts(n: int) -> int:
    """LUTs of popcount_tree #(n)."""
    if n <= 7:
        return (0, 0, 1, 1, 2, 2, 2, 2)[n]
    groups = n // 7
    ones = groups + n - 7 * groups
    single = min(ones - 1, 4)
    parts = tree_luts(ones - single) + tree_luts(groups - (groups > 1)) + tree_luts(groups)
    return 2 * groups + parts + bits_for(n + 1)


def xnor_popcount_luts(n: int) -> int:
    """LUTs of xnor_popcount #(n)."""
    if n == 1:
        return 1
    pairs = n // 2
    chains = -(-pairs // CHAIN)
    merge = bits_for(n + 1) if n > 3 else 0
    return pairs + n % 2 + tree_luts(chains) + tree_luts(pairs) + merge


def rom_luts(width: int, depth: int) -> float:
    """LUTs of a read-only memory of random contents (see xc7_rom_map.v)."""
    if depth <= 1:
        return 0
    if depth <= 4:  # shared functions of the address; those of one address bit are free
        functions = 2**2 ** bits_for(depth)
        return functions * (1 - math.exp(-width / functions)) if depth > 2 else 0
    if depth <= 32:
        return math.ceil(width / 2)
    return width * math.ceil(depth / 64)


def _xnor(p: Mapping[str, int]) -> tuple[dict[str, float], dict[str, float]]:
    pe, simd = p["PE"], p["SIMD"]
    nf, sf = p["MH"] // pe, p["MW"] // simd
    levels = p.get("N_THRESHOLDS", 1)
    acc, th = bits_for(p["MW"] + 1), bits_for(p["MW"] + 2)
    sets = p.get("N_SETS", 1)
    lut = {
        "exact": pe * xnor_popcount_luts(simd)
        + rom_luts(pe * simd, nf * sf)
        + rom_luts(pe * levels * th, nf * sets)
        + (simd * sf / 16 / 2 if nf > 1 and sf > 1 else 0),
        "acc": pe * acc * (sf > 1),
        "compare": pe * max(levels, 1) * th,
        "word": simd,
        "address": bits_for(nf * sf),
        "one": 1,
    }
    first = pe * (-(-(simd // 2) // CHAIN) + simd // 2)
    ff = {
        "exact": (pe * simd if nf * sf > 1 else 0) + (first if p.get("PIPELINE", 1) else 0),
        "acc": pe * acc,
        "compare": pe * levels * th * (nf > 1),
        "word": simd,
        "address": bits_for(nf * sf),
        "one": 1,
    }
    return lut, ff


def _int(p: Mapping[str, int]) -> tuple[dict[str, float], dict[str, float]]:
    pe, simd, bits = p["PE"], p["SIMD"], p.get("IN_BITS", 8)
    nf, sf = p["MH"] // pe, p["MW"] // simd
    levels, acc = p.get("N_THRESHOLDS", 1), p["ACC_BITS"]
    lut = {
        "exact": rom_luts(pe * simd, nf * sf)
        + rom_luts(pe * levels * (acc + 1), nf * p.get("N_SETS", 1))
        + (simd * bits * sf / 16 / 2 if nf > 1 and sf > 1 else 0),
        "planes": (pe + 1) * bits * tree_luts(simd),
        "gates": pe * bits * simd,
        "acc": pe * acc,
        "word": simd * bits,
        "address": bits_for(nf * sf),
        "one": 1,
    }
    ff = {
        "exact": pe * simd if nf * sf > 1 else 0,
        "acc": pe * acc,
        "planes": (pe + 1) * bits * bits_for(simd + 1),
        "word": simd * bits,
        "address": bits_for(nf * sf),
        "one": 1,
    }
    return lut, ff


def _fifo(p: Mapping[str, int]) -> tuple[dict[str, float], dict[str, float]]:
    bits, depth = p["BITS"], p["DEPTH"]
    big = depth > 2
    return (
        {
            "register": bits * (not big),
            "memory": big * bits * math.ceil(depth / 32),
            "address": bits_for(depth),
            "one": 1,
        },
        {"register": bits * (not big), "memory": big * bits, "address": bits_for(depth), "one": 1},
    )


def _converter(p: Mapping[str, int]) -> tuple[dict[str, float], dict[str, float]]:
    wide = max(p["IN_BITS"], p["OUT_BITS"])
    low = min(p["IN_BITS"], p["OUT_BITS"])
    ragged = wide if wide % low else 0
    features = {"wide": wide, "narrow": low, "ragged": ragged, "one": 1}
    return features, dict(features)


FEATURES = {"xnor_mvau": _xnor, "int_mvau": _int, "fifo": _fifo, "width_converter": _converter}

COEFFICIENTS_FILE = Path(__file__).resolve().parent / "estimate.json"


@lru_cache(maxsize=1)
def coefficients() -> dict:
    """kernel -> {"lut", "ff"} -> part -> factor."""
    return json.loads(COEFFICIENTS_FILE.read_text())


def calibrate(rows: Sequence[Mapping]) -> dict:
    """Fit the factors to synthesised kernels: rows with "kernel", "parameters", "lut" and "ff".

    Least squares of the relative error, factors not negative; the exact parts keep the factor 1.
    """
    import numpy as np

    found: dict = {}
    for kernel, features in FEATURES.items():
        mine = [row for row in rows if row["kernel"] == kernel]
        if not mine:
            continue
        found[kernel] = {}
        for which, kind in enumerate(("lut", "ff")):
            parts = [features(row["parameters"])[which] for row in mine]
            names = [name for name in parts[0] if name != "exact"]
            target = np.array(
                [row[kind] - part.get("exact", 0) for row, part in zip(mine, parts)], float
            )
            scale = 1 / np.maximum([row[kind] for row in mine], 20)
            matrix = np.array([[part[name] for name in names] for part in parts], float)
            factors = _nonnegative(matrix * scale[:, None], target * scale)
            found[kernel][kind] = {name: round(float(f), 4) for name, f in zip(names, factors)}
    return found


def _nonnegative(matrix, target):
    """argmin |matrix x - target| for x >= 0, by coordinate descent (small problems)."""
    import numpy as np

    x = np.zeros(matrix.shape[1])
    norms = (matrix**2).sum(axis=0) + 1e-12
    for _ in range(20000):
        before = x.copy()
        for j in range(len(x)):
            rest = target - matrix @ x + matrix[:, j] * x[j]
            x[j] = max(0.0, float(matrix[:, j] @ rest / norms[j]))
        if np.abs(x - before).max() < 1e-9:
            break
    return x


def estimate_kernel(kernel: str, parameters: Mapping[str, int]) -> dict[str, int] | None:
    """{"lut", "ff"} of a kernel on xc7, or None where there is no formula for it."""
    if kernel not in FEATURES or kernel not in coefficients():
        return None
    lut, ff = FEATURES[kernel](parameters)
    result = {}
    for kind, parts in (("lut", lut), ("ff", ff)):
        factors = coefficients()[kernel][kind]
        result[kind] = round(
            sum(
                value * (1.0 if name == "exact" else factors[name]) for name, value in parts.items()
            )
        )
    return result


_WRAPPED = re.compile(r"\b(\w+)\s*#\s*\((.*?)\)\s*(?:kernel|\w+)\s*\(", re.S)
_PARAMETER = re.compile(r"\.(\w+)\s*\(\s*(\d+'[sS]?[bdhBDH])?(-?\w+)\s*\)")


def kernel_parameters(text: str) -> tuple[str, dict[str, int]] | None:
    """The kernel that a node's wrapper instantiates, and its integer parameters."""
    found = _WRAPPED.search(text)
    if found is None:
        return None
    bases = {"b": 2, "d": 10, "h": 16}
    values = {}
    for name, prefix, value in _PARAMETER.findall(found.group(2)):
        try:
            values[name] = int(value, bases[prefix[-1].lower()] if prefix else 10)
        except ValueError:
            continue
    return found.group(1), values


def estimate(folder: str | Path) -> dict:
    """Estimate an accelerator on xc7.

    Returns:
        {"layers": node -> {"lut", "ff", "cycles"}, "total": {"lut", "ff"}, "cycles_per_frame",
        "not_estimated": nodes without a formula}.

    Raises:
        BadInput: no accelerator.
    """
    folder = Path(folder)
    accelerator = Accelerator.load(folder)
    layers, unknown = {}, []
    for node in accelerator.nodes:
        wrapper = folder / "rtl" / f"{node.name}.v"
        found = kernel_parameters(wrapper.read_text()) if wrapper.is_file() else None
        cost = estimate_kernel(*found) if found else None
        core = folder / "rtl" / f"{node.name}_core.sv"
        if core.is_file():  # hard-wired: the generator's own count, and the handshake's registers
            cost = planned(core.read_text())
            cost["ff"] += found[1]["LATENCY"]
        if cost is None:
            unknown.append(node.name)
        else:
            layers[node.name] = {**cost, "cycles": node.cycles}
    if not layers and not unknown:
        raise BadInput(f"{folder} has no layers", remedy="compile the model again")
    total = {kind: sum(layer[kind] for layer in layers.values()) for kind in ("lut", "ff")}
    return {
        "layers": layers,
        "total": total,
        "cycles_per_frame": accelerator.bound_cycles,
        "not_estimated": unknown,
    }
