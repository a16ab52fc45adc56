"""What the folding search may choose for one op, and what each choice costs by the estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from ..kernels.memory_cost import DEEPEST_LUT_ROM
from ..synth.estimate import KINDS, estimate_kernel
from .boards import price_of
from .hardwiring import Twin
from .ops.folds import divisors
from .ops.kernel import KernelOp
from .ops.mvau import STYLES

HEAD = "AffineArgmax_rtl"
"""What a choice takes of a device: UltraRAM holds weights alone."""

LIMITS = {
    "PE": ("MH", "NumChannels", "Channels", "Labels"),
    "SIMD": ("MW", "IFMChannels", "NumChannels"),
}
"""Attribute -> the attribute it has to divide, the first that the op has, unless it has `folds`."""

FOLDING = (*LIMITS, "MMV")
"""The attributes of a folding."""


def folds(op, attribute: str) -> list[int]:
    """Every PE, SIMD or MMV that this op could take; empty if the op has no such attribute, or no
    choice of MMV."""
    types = op.get_nodeattr_types()
    if attribute not in types:
        return []
    if attribute == "MMV":
        groups = op.groups() if hasattr(op, "groups") else [1]
        return groups if len(groups) > 1 else []
    if hasattr(op, "folds"):  # an op whose SIMD divides more than its channels
        return op.folds(attribute)
    return next((divisors(int(op.get_nodeattr(n))) for n in LIMITS[attribute] if n in types), [])


def choices(op) -> list[dict[str, int]]:
    """Every PE/SIMD that the op could take, fewest lanes first, then those with MMV, of whole
    windows; [{}] without folding."""
    found: list[dict[str, int]] = [{}]
    for attribute in FOLDING:
        values = folds(op, attribute)
        if attribute == "MMV" and values:
            whole = max(c["SIMD"] for c in found)
            found = [{**c, "MMV": n} for c in found for n in values if n == 1 or c["SIMD"] == whole]
        elif values:
            found = [{**c, attribute: d} for c in found for d in values]
    if hasattr(op, "admits"):
        found = [c for c in found if op.admits(c["PE"], c["SIMD"])]
    return sorted(
        found, key=lambda c: (c.get("MMV", 1), c.get("PE", 1) * c.get("SIMD", 1), c.get("PE", 1))
    )


class Prices(NamedTuple):
    """LUTs that a block RAM, a DSP block and an UltraRAM block are worth."""

    bram: float
    dsp: float
    uram: float


def prices_of(board: str) -> Prices:
    """What blocks are worth on a board."""
    return Prices(*(price_of(blocks, board) for blocks in ("brams", "dsps", "urams")))


@dataclass
class Table:
    """One op's choices. Arrays have a row a choice; costs also a column a variant of its memories.

    Attributes:
        ins, outs: bits of a stream's word, by choice; ins has a column an input.
        variants: attributes of each variant.
        lut, ff, bram, dsp, uram: inf where a variant cannot be.
    """

    op: KernelOp
    choices: list[dict[str, int]]
    cycles: np.ndarray
    ins: np.ndarray
    outs: np.ndarray
    variants: list[dict[str, str | int]]
    lut: np.ndarray
    ff: np.ndarray
    bram: np.ndarray
    dsp: np.ndarray
    uram: np.ndarray
    twin: Twin | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.op.onnx_node.name

    def variant(self, prices: Prices) -> np.ndarray:
        """The cheapest variant of each choice."""
        return self.worth(prices).argmin(axis=1)

    def worth(self, prices: Prices) -> np.ndarray:
        """What each variant of each choice costs in LUTs, blocks at their prices."""
        blocks = prices.bram * self.bram + prices.dsp * self.dsp + prices.uram * self.uram
        return self.lut + blocks

    @cached_property
    def _held(self) -> list[int]:
        return [self._words_held(row) for row in range(len(self.choices))]

    def held(self, row: int) -> int:
        """Words that a FIFO in front of the op has to hold, about: a unit that reads a vector once
        and works on it for several rounds lets the next vector wait, which comes word by word."""
        return self._held[row]

    def _words_held(self, row: int) -> int:
        chosen = self.choices[row]
        if "MW" not in self.op.get_nodeattr_types() or "PE" not in chosen or not self.op.dense:
            return 1
        rounds = int(self.op.get_nodeattr("MH")) // chosen["PE"]
        return int(self.op.get_nodeattr("MW")) // chosen["SIMD"] if rounds > 1 else 1

    def convertible(self, bits: int, element: int) -> int:
        """Bits of the widest word that a width converter may take or give in front of the op.

        The head's words are its layer's, and so are a grouped layer's windows, whose order is its
        folding's. A word of several windows (MMV) is none of the tensor's.
        """
        if self.op.onnx_node.op_type == HEAD:
            return 0
        if not self.op.dense:
            return 0 if self.op.taps() > 1 else bits
        whole = "MW" in self.op.get_nodeattr_types()
        return int(self.op.get_nodeattr("MW")) * element if whole else bits

    def chosen(self, row: int, column: int) -> dict[str, int | str]:
        """The attributes of a choice in a variant; the hard-wired form has none of memories."""
        choice = self.choices[row]
        return {**choice, **({} if choice.get("hardwired") else self.variants[column])}

    def count(self, row: int) -> bool:
        """Count the netlist of a choice of constants; whether that is news."""
        if not self.choices[row].get("hardwired") or self.twin is None or self.twin.counted:
            return False
        self.twin.count()
        cost = self.twin.cost()
        self.lut[row, 0], self.ff[row, 0] = cost["lut"], cost["ff"]
        return True

    def some(self, rows: Sequence[int]) -> Table:
        """The table of these choices."""
        arrays = ("cycles", "ins", "outs", *KINDS)
        made = replace(
            self,
            choices=[self.choices[row] for row in rows],
            **{k: getattr(self, k)[list(rows)] for k in arrays},
        )
        made.twin = self.twin
        return made

    def pinned(self, values: Mapping[str, int]) -> Table:
        """The table of the choices with these attributes, and of the one as constants."""
        return self.some(
            [
                row
                for row, choice in enumerate(self.choices)
                if choice.get("hardwired") or values.items() <= choice.items()
            ]
        )

    def put(self, row: int, column: int) -> None:
        """Set the op's attributes."""
        for key, value in self.chosen(row, column).items():
            self.op.set_nodeattr(key, value)


def table_of(
    op: KernelOp, model: ModelWrapper, memory: str, twin: Twin | None = None, must: bool = False
) -> Table:
    """An op's choices and their costs.

    Args:
        model: the graph it stands in; memory: where weights stand (`FoldingSearch`).
        twin: the hard-wired form that may take its place, or where it `must`.
    """
    before = {k: op.get_nodeattr(k) for k in FOLDING if folds(op, k)}
    found, cycles, ins, outs = choices(op), [], [], []
    for choice in found:
        for key, value in choice.items():
            op.set_nodeattr(key, value)
        cycles.append(int(op.get_exp_cycles()))
        ins.append([int(op.get_instream_width(i)) for i in op.stream_inputs()])
        outs.append(int(op.get_outstream_width(0)))
    variants = _variants(op, memory)
    costs = np.array(
        [[_cost(k, p, v, memory) for v in variants] for k, p in _kernels(op, model, found)]
    )
    for key, value in before.items():
        op.set_nodeattr(key, value)
    folded = Table(
        op,
        found,
        np.array(cycles),
        np.array(ins),
        np.array(outs),
        variants,
        **{name: costs[:, :, i] for i, name in enumerate(KINDS)},
    )
    return folded if twin is None else _with_wired(folded, twin, 0 if must else len(found))


def _with_wired(table: Table, twin: Twin, kept: int) -> Table:
    """The hard-wired form behind the first `kept` choices of a table."""
    wired, cost = twin.op, twin.cost()
    lanes = {key: int(wired.get_nodeattr(key)) for key in table.choices[0]}

    def more(values: np.ndarray, last) -> np.ndarray:
        return np.concatenate([values[:kept], [last]])

    def costs(kind: str) -> np.ndarray:  # it has no memories: one variant
        others = [np.inf] * (len(table.variants) - 1)
        return more(getattr(table, kind), [cost.get(kind, 0), *others])

    made = Table(
        table.op,
        [c | {"hardwired": 0} for c in table.choices[:kept]] + [lanes | {"hardwired": 1}],
        more(table.cycles, int(wired.get_exp_cycles())),
        more(table.ins, [int(wired.get_instream_width(i)) for i in wired.stream_inputs()]),
        more(table.outs, int(wired.get_outstream_width(0))),
        table.variants,
        **{kind: costs(kind) for kind in KINDS},
    )
    made.twin = twin
    return made


def _kernels(op, model: ModelWrapper, found: list[dict[str, int]]):
    """The kernel and its parameters at each choice."""
    # Nothing else depends on PE and SIMD, and thresholds take time.
    if "MW" in op.get_nodeattr_types():
        once = op.kernel_parameters(model)
        return [(op.kernel, op.configured(once | c | op.sharing(c.get("MMV", 1)))) for c in found]
    result = []
    for choice in found:
        for key, value in choice.items():
            op.set_nodeattr(key, value)
        result.append((op.kernel, op.module_parameters(model)))
    return result


def _variants(op, memory: str) -> list[dict[str, str | int]]:
    types = op.get_nodeattr_types()
    if "ram_style_thresholds" in types:
        weights = {
            "auto": ("distributed", "block"),
            "lut": ("distributed", "block"),
            "block": ("block",),
            "ultra": ("distributed", "block", "ultra"),
        }[memory]
        return [
            {"ram_style": w, "ram_style_thresholds": t, **lanes}
            for w in weights
            for t in ("distributed", "block")
            for lanes in _lanes(op)
        ]
    if "ram_style" in types and op.onnx_node.op_type == "SlidingWindow_rtl":
        return [{"ram_style": s} for s in ("distributed", "block")]
    return [{}]


def _cost(
    kernel: str, parameters: dict, variant: dict[str, str | int], memory: str
) -> tuple[float, ...]:
    """What a choice takes, in the order of KINDS; inf for what cannot be."""
    p, never = dict(parameters), (np.inf,) * len(KINDS)
    if "ram_style_thresholds" in variant:
        nf, sf = p["MH"] // p["PE"], p["MW"] // p["SIMD"]
        for style, words in (
            (variant["ram_style"], nf * sf),
            (variant["ram_style_thresholds"], nf * p.get("N_SETS", 1)),
        ):
            deep = words > DEEPEST_LUT_ROM
            if (style == "distributed" and deep) or (
                memory == "lut" and style == "block" and not deep
            ):
                return never
        if variant["ram_style"] == "ultra" and nf * sf < 2:  # constants
            return never
        p |= {STYLES[k]: v for k, v in variant.items() if k in STYLES}
        p |= {"MULTIPLY": variant["multiply"]} if "multiply" in variant else {}
    elif variant:
        p["RAM_STYLE"] = variant["ram_style"]
        if memory == "lut" and variant["ram_style"] == "block":
            return never
    cost = estimate_kernel(kernel, p)
    if cost is None:  # an op without a formula has nothing to choose by its cost
        return (0,) * len(KINDS)
    return tuple(cost[kind] for kind in KINDS)


def _lanes(op) -> list[dict[str, str | int]]:
    """What an op's lanes may be made of."""
    if "multiply" not in op.get_nodeattr_types():
        return [{}]
    return [{"multiply": n} for n in range(1 + op.multiplies())]
