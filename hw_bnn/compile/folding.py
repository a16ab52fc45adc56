"""Folding: how many neurons (PE) and inputs (SIMD) a layer computes in a cycle.

A layer of MW inputs, MH neurons and V vectors a frame takes V * MH/PE * MW/SIMD cycles. For a target of
cycles a frame, each layer takes the cheapest PE and SIMD that meet it; among equals, those whose words fit
the neighbours' by an integer ratio, which makes width converters small. FINN's SetFolding stops where a
weight word is wider than its HLS can hold; here nothing does.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from ..errors import BadInput

DEFAULT_TARGET_CYCLES = 1024
LIMITS = {"PE": ("MH", "NumChannels", "Channels", "Labels"), "SIMD": ("MW", "IFMChannels", "NumChannels")}
"""Attribute -> the attribute it has to divide, the first that the op has."""


def divisors(n: int) -> list[int]:
    """All divisors of n in ascending order."""
    return [d for d in range(1, n + 1) if n % d == 0]


def dividend(op, attribute: str) -> int | None:
    """What PE or SIMD of this op has to divide; None if the op has no such attribute."""
    types = op.get_nodeattr_types()
    if attribute not in types:
        return None
    return next((int(op.get_nodeattr(n)) for n in LIMITS[attribute] if n in types), None)


def apply_target(model: ModelWrapper, target_cycles: int) -> None:
    """Fold every node to at most target_cycles a frame, at the least cost.

    Raises:
        BadInput: a node cannot be that fast; names it and the nearest possible target.
    """
    nodes = [n for n in model.graph.node if choices(getCustomOp(n))]
    options = {}
    for node in nodes:
        op = getCustomOp(node)
        scored = [(c, _cycles(op, c)) for c in choices(op)]
        possible = [c for c, cycles in scored if cycles <= target_cycles]
        if not possible:
            fastest = min(cycles for _, cycles in scored)
            raise BadInput(f"{target_cycles} cycles a frame is not possible, fully unfolded it takes {fastest}",
                           node=node.name, remedy=f"use --target-cycles {fastest} or more")
        cheapest = sorted(possible, key=lambda c: (_lanes(c), c.get("PE", 1)))
        least = _lanes(cheapest[0])
        options[node.name] = [c for c in cheapest if _lanes(c) <= 1.25 * least][:64]
        _set(op, cheapest[0])
    for _ in range(4):  # neighbours settle on matching words in a few rounds
        changed = False
        for node in nodes:
            op = getCustomOp(node)
            current = {k: op.get_nodeattr(k) for k in options[node.name][0]}
            best = min(options[node.name], key=lambda c: (_try(op, c) or _cost(model, node, op), c.get("PE", 1)))
            _set(op, best)
            changed |= best != current
        if not changed:
            break
    match_head(model)


def match_head(model: ModelWrapper) -> None:
    """The argmax stage takes words as wide as the last layer gives them."""
    for node in model.graph.node:
        if node.op_type == "AffineArgmax_rtl":
            producer = model.find_producer(node.input[0])
            op = getCustomOp(node)
            if producer is not None:
                op.set_nodeattr("PE", int(getCustomOp(producer).get_folded_output_shape()[-1]))


def choices(op) -> list[dict[str, int]]:
    """Every PE/SIMD that the op could take; empty for ops without folding or that follow a neighbour."""
    if op.onnx_node.op_type in ("AffineArgmax_rtl", "HardwiredMVAU_rtl"):
        return []
    found: list[dict[str, int]] = [{}]
    for attribute in ("PE", "SIMD"):
        limit = dividend(op, attribute)
        if limit:
            found = [{**c, attribute: d} for c in found for d in divisors(limit)]
    return [c for c in found if c]


def read_folding(path: str | Path) -> dict[str, dict[str, int]]:
    """A folding file: {"node": {"PE": p, "SIMD": s}, ...}, FINN's format ("Defaults" is passed over).

    Raises:
        BadInput: it cannot be read, or holds anything but positive integers for PE and SIMD.
    """
    try:
        document = json.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"the folding file {path} cannot be read ({error})") from error
    if not isinstance(document, dict) or not all(isinstance(v, dict) for v in document.values()):
        raise BadInput(f"{path} is no folding file",
                       remedy='write {"node name": {"PE": 4, "SIMD": 8}, ...}')
    folding = {}
    for name, attributes in document.items():
        if name == "Defaults":
            continue
        folding[name] = {k: v for k, v in attributes.items() if k in LIMITS}
        for key, value in folding[name].items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BadInput(f"{key} is {value!r} in {path}", node=name,
                               remedy="use a positive whole number")
    return folding


def apply_folding(model: ModelWrapper, folding: dict[str, dict[str, int]], layers: dict[str, str]) -> None:
    """Set PE and SIMD by name: a node's name, FINN's name for it, or the user's layer (layers: node -> it).

    Raises:
        BadInput: an unknown name (with the nearest right one), or a value that does not divide.
    """
    known = aliases(model, layers)
    for name, attributes in folding.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise BadInput(f"the folding names no node {name!r}",
                           remedy=f"did you mean {near[0]!r}?" if near else
                           f"nodes are {', '.join(sorted({n.name for n in model.graph.node}))}")
        node = known[name]
        op = getCustomOp(node)
        for key, value in attributes.items():
            limit = dividend(op, key)
            if limit is None:
                raise BadInput(f"it has no {key}", node=name, remedy="leave it out")
            if limit % value:
                raise BadInput(f"{key} = {value} does not divide {limit}", node=name,
                               remedy=f"use one of {', '.join(map(str, divisors(limit)))}")
            op.set_nodeattr(key, value)
    match_head(model)


def aliases(model: ModelWrapper, layers: dict[str, str]) -> dict[str, object]:
    """Every name that a folding file may call a node by -> the node."""
    known, counts = {}, {}
    for node in model.graph.node:
        kind = node.op_type.removesuffix("_hls").removesuffix("_rtl")
        kind = "MVAU" if kind.endswith("MVAU") else kind
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        for name in (f"{kind}_{index}", f"{kind}_hls_{index}", f"{kind}_rtl_{index}", layers.get(node.name)):
            if name:
                known.setdefault(name, node)
    for node in model.graph.node:
        known[node.name] = node
    return known


def _set(op, choice: dict[str, int]) -> None:
    for key, value in choice.items():
        op.set_nodeattr(key, value)


def _try(op, choice) -> None:
    _set(op, choice)


def _cycles(op, choice) -> int:
    _set(op, choice)
    return int(op.get_exp_cycles())


def _lanes(choice: dict[str, int]) -> int:
    return choice.get("PE", 1) * choice.get("SIMD", 1)


def _cost(model: ModelWrapper, node, op) -> float:
    """LUTs, roughly: lanes, a comparator a PE, and the width converters on both sides."""
    pe, simd = (int(op.get_nodeattr(k)) if dividend(op, k) else 1 for k in ("PE", "SIMD"))
    cost = 1.4 * pe * simd * op.get_input_datatype(0).bitwidth() + 12 * pe
    if model.find_producer(node.input[0]) is None:  # the input stream: 64 bits suit a DMA
        cost += 4 * max(0, int(op.get_instream_width(0)) - 64)
    for neighbour, own, other in _joints(model, node, op):
        if own != other:
            wide, narrow = max(own, other), min(own, other)
            cost += wide if wide % narrow == 0 else 3 * (wide + narrow)
    return cost


def _joints(model: ModelWrapper, node, op):
    producer = model.find_producer(node.input[0])
    if producer is not None:
        yield producer, int(op.get_instream_width(0)), int(getCustomOp(producer).get_outstream_width(0))
    for consumer in model.find_consumers(node.output[0]):
        if consumer.op_type != "AffineArgmax_rtl":
            yield consumer, int(op.get_outstream_width(0)), int(getCustomOp(consumer).get_instream_width(0))
