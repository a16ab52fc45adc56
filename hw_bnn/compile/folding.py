"""Folding: how many neurons (PE) and inputs (SIMD) a layer computes in a cycle, and of a
convolution for how many output pixels (MMV), which share each weight word.

A layer of MW inputs, MH neurons and V vectors a frame takes V * MH/PE * MW/SIMD cycles, with
MMV > 1 V/MMV * max(MH/PE, MMV). The search (search.py) chooses them for every layer, and where its
weights stand; a folding file or FINN's SetFolding may instead, then the search chooses the memories
alone. SetFolding stops where a weight word is wider than its HLS can hold; here nothing does.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import onnx
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from ..errors import BadInput
from ..files.jsonfile import read_json
from .boards import NAMES, NOTHING, Budget, budget, priced_by
from .choices import FOLDING, choices, folds
from .hardwiring import ALL, AUTO, Wiring
from .ops.mvau import KernelMVAU
from .provenance import layers
from .search import FoldingSearch, Plan

DEFAULT_TARGET_CYCLES = 1024

__all__ = [
    "DEFAULT_TARGET_CYCLES",
    "aliases",
    "apply_folding",
    "choices",
    "choose",
    "fold",
    "folds",
    "match_head",
    "read_folding",
]


def fold(
    model: ModelWrapper, folding, *, target: int | None, board: str | None, memory: str,
    wiring: Wiring | None, reserve: Budget = NOTHING,
) -> tuple[FoldingSearch, Plan]:  # fmt: skip
    """Fold a graph of our ops, whose datatypes are final.

    Args:
        folding, target, board, memory: see `build_dataflow`; with "finn" the graph stands folded
            already.
        wiring: which layers become constants; None for no layer. A layer that the folding names
            does not; that both name it is refused.
        reserve: what of the board is for what the search does not count.

    Returns:
        (the search, the plan that the graph now has).
    """
    if wiring is not None and folding is not None:
        return _fold_beside(model, folding, target, board, memory, wiring)
    search, plan = searched(model, memory, board, wiring), None
    if folding != "finn" and (target is not None or folding is None):
        plan = choose(search, target, board, default_target(wiring), reserve)
        search.apply(plan)
    if isinstance(folding, dict):
        apply_folding(model, folding, aliases(model, layers(model)))
        plan = None
    match_head(model)
    match_windows(model)
    plan = plan or search.present()  # a given folding's memories are chosen for it
    search.apply(plan)
    return search, plan


def _fold_beside(
    model: ModelWrapper, folding, target: int | None, board: str | None, memory: str, wiring: Wiring
) -> tuple[FoldingSearch, Plan]:
    """`fold` with a folding and constants: what the folding says is fixed, the search does the
    rest.

    Constants are numbered apart from folded units: a file names units as the model does, or by
    FINN's names, which count both.
    """
    named: dict[str, list[str]] = {}
    if folding == "finn":
        named = {n.name: [k for k in FOLDING if folds(getCustomOp(n), k)] for n in model.graph.node}
    else:
        known = aliases(model, layers(model), own_names=False)
        apply_folding(model, folding, known)
        named = {known[name].name: list(values) for name, values in folding.items()}
    search = searched(
        model, memory, board, wiring, folded=set() if folding == "finn" else set(named)
    )
    values = {
        node.name: {k: int(getCustomOp(node).get_nodeattr(k)) for k in named[node.name]}
        for node in model.graph.node if node.name in named
    }  # fmt: skip
    slowest = search.pin(values)
    target = None if target is None else max(target, slowest)
    plan = choose(search, target, board, default_target(wiring))
    search.apply(plan)
    return search, plan


def searched(
    model: ModelWrapper, memory: str, board: str | None, wiring: Wiring | None,
    op_of: Callable[[NodeProto], Any] = getCustomOp, folded: Collection[str] = (),
) -> FoldingSearch:  # fmt: skip
    """The search of a graph, for `fold`'s arguments; folded: nodes that become no constants."""
    twins = None if wiring is None else wiring.twins(model, op_of, folded)
    return FoldingSearch(
        model, memory, board or priced_by(memory), op_of=op_of, twins=twins,
        must=wiring is not None and wiring.asked != AUTO,
    )  # fmt: skip


def default_target(wiring: Wiring | None) -> int:
    """Cycles a frame where nothing is asked for: hard-wired layers take a vector a cycle."""
    return 1 if wiring is not None and wiring.asked == ALL else DEFAULT_TARGET_CYCLES


def choose(
    search: FoldingSearch,
    target: int | None,
    board: str | None,
    default: int = DEFAULT_TARGET_CYCLES,
    reserve: Budget = NOTHING,
) -> Plan:
    """The plan for a target rate, or without one the fastest that the board holds.

    Args:
        target: cycles a frame; None for the best rate of the board, or without one for the default.
        board: what has to hold it; None for no limit.
        default: cycles a frame where nothing is asked for; more where no folding is as fast.
        reserve: what of the board is for what the search does not count.

    Raises:
        BadInput: the target cannot be reached, on any device or on this board; tells the
            nearest that can.
    """
    if board is None:
        return search.plan(target or max(default, search.fastest()))
    room = budget(board, reserve)
    plan = search.best(room) if target is None else search.fit(target, room)
    if plan is not None:
        return plan
    best = search.best(room) if target is not None else None
    wanted = search.slowest() if target is None else search.plan(target)
    what = "even fully folded it" if target is None else f"{target} cycles a frame"
    remedy = (
        "use a larger board, or a smaller network"
        if best is None
        else f"use target_cycles={best.cycles} or more, or a larger board"
    )
    raise BadInput(
        f"{what} does not fit {board}: {_excess(search, wanted, room, board)}", remedy=remedy
    )


def _excess(search: FoldingSearch, plan: Plan, room: Budget, board: str) -> str:
    """By how much a plan is too large, and for which layer most."""
    parts: list[str] = []
    over = plan.excess(room)
    for kind, name in NAMES.items():
        if kind in over:
            costs = [
                getattr(t, kind)[r, c]
                for t, r, c in zip(search.tables, plan.rows, plan.columns, strict=True)
            ]
            most = max(range(len(costs)), key=costs.__getitem__)
            parts.append(
                f"about {getattr(plan, kind):,.0f} {name} are {over[kind]:,.0f} more than "
                f"the {getattr(room, kind):,.0f} it may fill, {costs[most]:,.0f} of them for "
                f"{search.tables[most].name}"
            )
    return "; ".join(parts)


def match_head(model: ModelWrapper) -> None:
    """The argmax stage takes words as wide as the last layer gives them."""
    for node in model.graph.node:
        if node.op_type == "AffineArgmax_rtl":
            producer = model.find_producer(node.input[0])
            op = getCustomOp(node)
            if producer is not None:
                op.set_nodeattr("PE", int(getCustomOp(producer).get_folded_output_shape()[-1]))


def match_windows(model: ModelWrapper) -> None:
    """Windows come as their layer takes them where it takes several at once (MMV), and where it is
    one of groups.

    Raises:
        BadInput: a layer's MMV asks for whole windows, and its SIMD is of a part; a layer of groups
            asks for several taps of some channels.
    """
    for node in model.graph.node:
        op = getCustomOp(node)
        if not op.dense:
            _match_groups(model, op)
        if not folds(op, "MMV") or "MW" not in op.get_nodeattr_types():
            continue
        mmv, simd, whole = (int(op.get_nodeattr(k)) for k in ("MMV", "SIMD", "MW"))
        if mmv > 1 and simd != whole:
            raise BadInput(
                f"MMV = {mmv} needs whole windows, and SIMD = {simd} is of a part",
                node=node.name, remedy=f"use SIMD = {whole}, or MMV = 1",
            )  # fmt: skip
        window = getCustomOp(model.find_producer(node.input[0]))
        window.set_nodeattr("MMV", mmv)
        if mmv > 1:
            window.set_nodeattr("SIMD", whole)


def _match_groups(model: ModelWrapper, op: Any) -> None:
    """Give a depthwise or grouped layer's windows its folding."""
    _, channels, pe, simd = op.folding()
    if not op.admits(pe, simd):
        raise BadInput(
            f"SIMD = {simd} is several taps, which come with all channels only, and PE = {pe}",
            node=op.onnx_node.name,
            remedy=f"use PE = {channels}, or SIMD = {op.group()[0]}",
        )
    source = model.find_producer(op.onnx_node.input[0])
    if source is not None and source.op_type == "SlidingWindow_rtl":
        getCustomOp(source).set_nodeattr("SIMD", op.word())


def read_folding(path: str | Path) -> dict[str, dict[str, int]]:
    """A folding file: {"node": {"PE": p, "SIMD": s, "MMV": m}, ...}, what it leaves out of a node
    that it names stays, but for MMV, which is 1 then; FINN's format ("Defaults" is passed over).

    Raises:
        BadInput: it cannot be read, or holds anything but positive integers for these.
    """
    try:
        document = read_json(path, remedy="write a folding file")
    except OSError as error:
        raise BadInput(f"the folding file {path} cannot be read ({error})") from error
    if not isinstance(document, dict) or not all(isinstance(v, dict) for v in document.values()):
        raise BadInput(
            f"{path} is no folding file", remedy='write {"node name": {"PE": 4, "SIMD": 8}, ...}'
        )
    folding = {}
    for name, attributes in document.items():
        if name == "Defaults":
            continue
        folding[name] = {k: v for k, v in attributes.items() if k in FOLDING}
        for key, value in folding[name].items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BadInput(
                    f"{key} is {value!r} in {path}", node=name, remedy="use a positive whole number"
                )
    return folding


def apply_folding(
    model: ModelWrapper,
    folding: dict[str, dict[str, int]],
    known: dict[str, onnx.NodeProto],
) -> None:
    """Set PE, SIMD and MMV by name: one of the names that are `known` (`aliases`).

    Raises:
        BadInput: an unknown name (with the nearest right one), or a value that does not divide.
    """
    for name, attributes in folding.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise BadInput(
                f"the folding names no node {name!r}",
                remedy=f"did you mean {near[0]!r}?"
                if near
                else f"nodes are {', '.join(sorted(known))}",
            )
        node = known[name]
        op = getCustomOp(node)
        single = {"MMV": 1} if folds(op, "MMV") else {}
        for key, value in (single | attributes).items():
            allowed = folds(op, key)
            if not allowed and (key, value) == ("MMV", 1):
                continue
            if not allowed:
                raise BadInput(f"it has no {key}", node=name, remedy="leave it out")
            if value not in allowed:
                raise BadInput(
                    f"{key} = {value} does not divide {allowed[-1]}"
                    + (" into whole pixels" if allowed[-1] % value == 0 else ""),
                    node=name,
                    remedy=f"use one of {', '.join(map(str, allowed))}",
                )
            op.set_nodeattr(key, value)
    match_head(model)
    match_windows(model)
    for name, attributes in folding.items():
        op = getCustomOp(known[name])
        mmv, simd = attributes.get("MMV", 1), attributes.get("SIMD")
        grouped = "depthwise" in op.get_nodeattr_types() and op.get_nodeattr("depthwise")
        if grouped and simd not in (None, int(op.get_nodeattr("SIMD"))):
            raise BadInput(
                f"SIMD = {simd}, and its layer takes other words", node=known[name].name,
                remedy="fold the layer: its windows follow",
            )  # fmt: skip
        if mmv > 1 and int(op.get_nodeattr("MMV")) != mmv:
            raise BadInput(
                f"MMV = {mmv}, and its layer has another", node=known[name].name,
                remedy="give MMV to the layer: its windows follow",
            )  # fmt: skip


def aliases(
    model: ModelWrapper, layers: dict[str, str], own_names: bool = True
) -> dict[str, onnx.NodeProto]:
    """Every name that a folding file may call a node by -> the node: FINN's names, the user's layer
    (layers: node -> it; its matrix unit, where it has one), and the node's own name; that of a
    matrix unit only with `own_names`."""
    known: dict[str, onnx.NodeProto] = {}
    counts: dict[str, int] = {}
    units = [n for n in model.graph.node if isinstance(getCustomOp(n), KernelMVAU)]
    known.update({layers[n.name]: n for n in reversed(units) if n.name in layers})
    for node in model.graph.node:
        kind = node.op_type.removesuffix("_hls").removesuffix("_rtl")
        kind = "MVAU" if kind.endswith("MVAU") else kind.removeprefix("Bnn")
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        for name in (
            f"{kind}_{index}",
            f"{kind}_hls_{index}",
            f"{kind}_rtl_{index}",
            layers.get(node.name),
        ):
            if name:
                known.setdefault(name, node)
    for node in model.graph.node:
        if own_names or not isinstance(getCustomOp(node), KernelMVAU):
            known[node.name] = node
    return known
