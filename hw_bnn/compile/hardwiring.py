"""Which layers become constants (ops/hardwired.py): all, those that are named, or those that the
search finds cheaper so.

    wiring = Wiring("auto", "xc7z020clg400-1", 10.0)
    twins = wiring.twins(model, op_of)  # node name -> the hard-wired form for its place
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveUniqueNodeNames

from ..errors import BadInput, Unsupported
from .ops.kernel import DOMAIN
from .ops.mvau import KernelMVAU
from .provenance import layers

ALL, AUTO = "all", "auto"
HARDWIRED = "HardwiredMVAU_rtl"
LEAST_LUTS = 0.2
"""LUTs a weight that no generated netlist goes below, but for neurons whose output is constant."""


@dataclass
class Twin:
    """The hard-wired form of a node. To count its netlist may take many seconds: until that is
    asked for there is a bound."""

    op: Any
    model: ModelWrapper
    wiring: Wiring
    counted: bool = False

    def count(self) -> None:
        """Generate the netlist, and prove it."""
        self.op.generate(self.model, self.wiring.part, self.wiring.clk_period_ns)
        self.counted = True

    def cost(self) -> dict[str, float]:
        """LUTs and registers, or no more than these."""
        if self.counted:
            return self.op.planned()
        return {"lut": LEAST_LUTS * self.op.live(self.model) * self.op.get_nodeattr("MW"), "ff": 0}


@dataclass(frozen=True)
class Wiring:
    """What was asked for: "all", "auto", or names of layers with commas between them."""

    asked: str
    part: str
    clk_period_ns: float

    @property
    def names(self) -> list[str]:
        """The layers that are named."""
        asked = [name.strip() for name in self.asked.split(",")]
        return [] if self.asked in (ALL, AUTO) else asked

    def twins(
        self, model: ModelWrapper, op_of: Callable[[NodeProto], Any], folded: Collection[str] = ()
    ) -> dict[str, Twin]:
        """Node name -> its hard-wired form, of those that have one and may be it.

        Args:
            folded: names of nodes whose folding is given.

        Raises:
            BadInput: an unknown name, or a layer that is to be folded and to be constants.
            Unsupported: a layer that is asked for has no such form.
        """
        wanted = self._wanted(model, op_of)
        found: dict[str, Twin] = {}
        for node in model.graph.node:
            op = op_of(node)
            if node.name not in wanted or (node.name in folded and self.asked == AUTO):
                continue
            if node.name in folded:
                raise BadInput(
                    f"hardwired={self.asked!r} makes it constants, and the folding folds it",
                    node=op.get_nodeattr("layer") or node.name,
                    remedy=f"leave it out of one of the two, or give hardwired={AUTO!r}",
                )
            reason = _obstacle(op, model)
            if reason and self.asked == AUTO:
                continue
            if reason:
                raise Unsupported(
                    reason, node=op.get_nodeattr("layer") or node.name,
                    remedy=f"compile without it in hardwired={self.asked!r}"
                    if self.names else f"compile without hardwired={ALL!r}, or with {AUTO!r}",
                )  # fmt: skip
            twin = op_of(_retyped(deepcopy(node)))
            twin.unfold()
            found[node.name] = Twin(twin, model, self)
        return found

    def _wanted(self, model: ModelWrapper, op_of) -> set[str]:
        """Names of nodes."""
        units = [n.name for n in model.graph.node if isinstance(op_of(n), KernelMVAU)]
        if not self.names:
            return set(units)
        of_layer, known = layers(model), dict[str, set[str]]()
        for name in units:  # a layer may be several: one for each group of a convolution
            known.setdefault(of_layer.get(name, name), set()).add(name)
        for name in self.names:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise BadInput(
                    f"hardwired= names no layer {name!r}",
                    remedy=f"did you mean {near[0]!r}?" if near
                    else f"{ALL}, {AUTO}, or of {', '.join(sorted(known))}",
                )  # fmt: skip
        return set[str]().union(*(known[name] for name in self.names))


def _obstacle(op, model: ModelWrapper) -> str | None:
    """Why a layer has no hard-wired form; None if it has one."""
    kind = op.get_nodeattr("weightDataType")
    if DataType[kind] != DataType["BIPOLAR"]:
        return f"weights of the type {kind} have no hard-wired form"
    if not op.dense:
        return "a depthwise or grouped layer has no hard-wired form"
    table = op.thresholds(model)
    if table is not None and table.shape[1] > 1:
        return f"a hard-wired layer gives bits, this one has {table.shape[1] + 1} levels"
    return None


def _retyped(node: NodeProto) -> NodeProto:
    node.op_type, node.domain = HARDWIRED, DOMAIN
    return node


def hardwire(model: ModelWrapper, names: set[str]) -> None:
    """Make nodes hard-wired ones, in place; nodes are numbered anew."""
    for node in model.graph.node:
        if node.name in names:
            _retyped(node)
    model.transform(GiveUniqueNodeNames(), make_deepcopy=False)
