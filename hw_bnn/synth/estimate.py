"""Resources of an accelerator before synthesis, by formulas fitted to synthesis.

    estimate("digits_accelerator")["total"]["lut"]

A kernel is a sum of parts (hw_bnn/kernels): of some the number of LUTs is known exactly (the
popcount tree of SIMD bits PE times, a memory of so many words), of others up to a factor (an
accumulator's bits). The factors are fitted once, by least squares, to the grid of kernels in
benchmarks/results/estimator.json (`python benchmarks/estimator.py grid fit`), for xc7, and stand in
estimate.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ..errors import BadInput
from ..kernels import KERNELS
from ..kernels.base import CONFIGURED, CONTEXTS

if TYPE_CHECKING:
    from ..accelerator import Description

COEFFICIENTS_FILE = Path(__file__).resolve().parent / "estimate.json"
KINDS = ("lut", "ff", "bram", "dsp", "uram")
"""What a device has of and a kernel costs: xc7 LUTs, registers, RAMB36, DSP48, UltraRAM."""


PLACE_LUTS, PLACE_FFS = 12, 56
"""Of bnn_config_node, besides its word."""
QUEUE_LUTS, QUEUE_FFS = 24, 8
"""Of bnn_context_queue, with what makes addresses of it."""


@lru_cache(maxsize=1)
def coefficients() -> dict:
    """kernel -> {"lut", "ff"} -> part -> factor."""
    return json.loads(COEFFICIENTS_FILE.read_text())


def calibrate(rows: Sequence[Mapping]) -> dict:
    """Fit the factors to synthesised kernels: rows with "kernel", "parameters", "lut" and "ff".

    Least squares of the relative error, factors not negative; the exact parts keep the factor 1.
    """
    import numpy as np
    from scipy.optimize import nnls

    found: dict = {}
    for kernel, description in KERNELS.items():
        mine = [row for row in rows if row["kernel"] == kernel]
        if not mine:
            continue
        found[kernel] = {}
        for kind in ("lut", "ff"):
            parts = [getattr(description.cost(row["parameters"]), kind) for row in mine]
            names = [name for name in parts[0] if name != "exact"]
            target = np.array(
                [row[kind] - part.get("exact", 0) for row, part in zip(mine, parts, strict=True)],
                float,
            )
            scale = 1 / np.maximum([row[kind] for row in mine], 20)
            matrix = np.array([[part[name] for name in names] for part in parts], float)
            factors = nnls(matrix * scale[:, None], target * scale)[0] if names else []
            found[kernel][kind] = {
                name: round(float(f), 4) for name, f in zip(names, factors, strict=True)
            }
    return found


def estimate_kernel(kernel: str, parameters: Mapping) -> dict[str, float] | None:
    """Each of KINDS of a kernel on xc7, or None where there is no formula for it.

    LUTs and registers are whole numbers, block RAM is in RAMB36.
    """
    parts = KERNELS[kernel].cost(parameters) if kernel in KERNELS else None
    if parts is None or kernel not in coefficients():
        return None
    result: dict[str, float] = {"bram": parts.bram, "dsp": parts.dsp, "uram": parts.uram}
    word = int(parameters.get(CONFIGURED, 0))
    if word:  # its place in the chain of the config port
        parts.lut["exact"] = parts.lut.get("exact", 0) + PLACE_LUTS
        parts.ff["exact"] = parts.ff.get("exact", 0) + PLACE_FFS + word
    if CONTEXTS in parameters:
        parts.lut["exact"] = parts.lut.get("exact", 0) + QUEUE_LUTS
        parts.ff["exact"] = parts.ff.get("exact", 0) + QUEUE_FFS
    for kind in ("lut", "ff"):
        factors = coefficients()[kernel][kind]
        result[kind] = round(
            sum(
                value * (1.0 if name == "exact" else factors[name])
                for name, value in getattr(parts, kind).items()
            )
        )
    return result


def _gate(contexts: int) -> dict[str, float]:
    """Of bnn_config_gate."""
    more = contexts > 1
    lut, ff = 160 + (60 + 12 * contexts) * more, 172 + (45 + 2 * contexts) * more
    return {"lut": lut, "ff": ff, "bram": 0.0, "dsp": 0, "uram": 0}


class Estimate(TypedDict):
    """What :func:`estimate` says."""

    layers: dict[str, dict[str, float]]  # node -> KINDS, cycles
    total: dict[str, float]  # of KINDS
    cycles_per_frame: int
    not_estimated: list[str]  # nodes without a formula


def estimate(folder: str | Path, accelerator: Description | None = None) -> Estimate:
    """Estimate an accelerator on xc7.

    Args:
        accelerator: the folder's description, while `compile` writes it; otherwise it is read.

    Raises:
        BadInput: no accelerator, or a damaged one.
    """
    from ..accelerator.folder import read_accelerator

    folder = Path(folder)
    accelerator = accelerator or read_accelerator(folder)
    layers: dict[str, dict[str, float]] = {}
    unknown: list[str] = []
    cost: dict[str, float] | None
    for node in accelerator.nodes:
        if node.planned is not None:  # hard-wired: the generator's own count
            cost = dict.fromkeys(KINDS, 0.0)
            cost |= {"lut": node.planned.lut, "ff": node.planned.ff}
        else:
            files = {memory.parameter: memory.file for memory in node.memories}
            try:
                cost = estimate_kernel(node.kernel, node.parameters | files)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise BadInput(
                    f"its parameters describe no {node.kernel} ({type(error).__name__}: {error})",
                    node=node.name,
                    remedy="compile the model again",
                ) from error
        if cost is None:
            unknown.append(node.name)
        else:
            layers[node.name] = {**cost, "cycles": node.cycles}
    if not layers and not unknown:
        raise BadInput(f"{folder} has no layers", remedy="compile the model again")
    counted = [*layers.values(), *([_gate(accelerator.contexts)] if accelerator.config else [])]
    total = {kind: sum(layer[kind] for layer in counted) for kind in KINDS}
    return {
        "layers": layers,
        "total": total,
        "cycles_per_frame": accelerator.bound_cycles,
        "not_estimated": unknown,
    }
