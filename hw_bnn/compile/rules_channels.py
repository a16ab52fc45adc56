"""Rules of the import for channels side by side (Concat) and for some of them (Split, Slice)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..errors import Unsupported
from ..onnxfile.axes import axis as read_axis
from ..onnxfile.parts import Part, parts
from ..onnxfile.support import REFUSED
from .bends import Bends
from .integer_graph import Op
from .registry import rule
from .values import Activation, RealInput
from .windows import settled, written_pools

if TYPE_CHECKING:
    from .emit import Emitter

Item = TypeVar("Item")


@dataclass
class Concat(Op):
    """The channels of inputs[0], then those of inputs[1], pixel by pixel; where the output is a
    vector, all elements of their frames."""

    def emit(self, emitter: Emitter) -> None:
        left, right = (emitter.graph.tensors[n] for n in self.inputs)
        target = emitter.graph.tensors[self.output]
        names = [t.name for t in (left, right)]  # no Reshape: the op takes a stream, of any shape
        if self.inputs[0] == self.inputs[1]:
            names = emitter.fork(left, self)
        shape = left.shape
        if len(target.shape) == 1:
            shape = (1, 1, left.pixels * left.channels)
        emitter.map(
            "StreamConcat_rtl",
            names,
            emitter.out(target),
            left,
            shape,
            **emitter.whose(self),
            channels2=target.channels - shape[2],
            inputDataType2=right.datatype,
            outputDataType=target.datatype,
        )


@dataclass
class Channels(Op):
    """Channels first..first + count - 1 of every pixel."""

    first: int = 0

    def emit(self, emitter: Emitter) -> None:
        source, target = (emitter.graph.tensors[n] for n in (self.inputs[0], self.output))
        emitter.map(
            "StreamChannels_rtl",
            [source.name],
            emitter.out(target),
            source,
            source.shape if len(source.shape) == 3 else (1, 1, source.channels),
            **emitter.whose(self),
            first=self.first,
            taken=target.channels,
        )


@rule("Concat")
def concat(state, node):
    """Channels side by side; each keeps its own scale. Precondition: quantised, or sums."""
    values = [state.value(node, i) for i in range(len(node.inputs))]
    if not all(isinstance(v, Activation) for v in values):
        raise Unsupported(
            "it joins an activation with constants or with the graph input",
            node=node.name,
            remedy=REFUSED["Concat"],
        )
    values = [written_pools(state, settled(v, node), node) for v in values]
    first = values[0]
    axis = read_axis(node, node.integer("axis"), len(first.shape))
    if any(v.bends for v in values):
        raise Unsupported(
            "it joins activations behind a ReLU or another function, with no quantiser between",
            node=node.name,
            remedy="quantise each branch before joining them",
        )
    others = {v.shape[:axis] + v.shape[axis + 1 :] for v in values}
    if any(v.labels != first.labels for v in values) or first.labels[axis] != "C":
        raise Unsupported(
            f"it joins activations along axis {axis} of {first.labels}",
            node=node.name,
            remedy="join channels",
        )
    if len(others) > 1:
        raise Unsupported(
            f"it joins activations of shapes {', '.join(str(v.shape) for v in values)}",
            node=node.name,
            remedy="give all branches one height and width",
        )
    whole = values[0]
    for value in values[1:]:
        whole = joined(state, node, whole, value)
    state.values[node.output] = whole


def joined(state, node, left: Activation, right: Activation) -> Activation:
    """The channels of both, those of `left` first; without pools or bends."""
    tensors = [state.tensors[v.tensor] for v in (left, right)]
    vector = len(left.shape) == 2 and any(t.pixels > 1 for t in tensors)
    sizes = [t.channels * (t.pixels if vector else 1) for t in tensors]
    types = {t.datatype for t in tensors}
    output = state.fresh()
    shape = (sum(sizes),) if len(left.shape) == 2 else (*tensors[0].shape[:-1], sum(sizes))
    state.add_tensor(
        output,
        shape,
        min(t.minimum for t in tensors),
        max(t.maximum for t in tensors),
        node.output,
        "BIPOLAR" if types == {"BIPOLAR"} else None,
    )
    state.ops.append(Concat(node.name, [t.name for t in tensors], output))
    ends = [_ends(state, t, size) for t, size in zip(tensors, sizes, strict=True)]
    state.bounds[output] = tuple(a + b for a, b in zip(*ends, strict=True))
    places = [
        np.arange(size) if v.flat is None else v.flat
        for v, size in zip((left, right), sizes, strict=True)
    ]
    flat = np.concatenate([places[0], places[1] + sizes[0]])
    c = left.labels.index("C")
    return replace(
        left,
        tensor=output,
        shape=(*left.shape[:c], left.shape[c] + right.shape[c], *left.shape[c + 1 :]),
        alpha=_beside(left.alpha, right.alpha, sizes),
        beta=_beside(left.beta, right.beta, sizes),
        flat=None if np.array_equal(flat, np.arange(len(flat))) else flat,
    )


def _ends(state, tensor, size: int) -> tuple[list[int], list[int]]:
    """Reachable integers, a channel of the tensor or an element of the frame."""
    known = state.bounds.get(tensor.name, (tensor.minimum, tensor.maximum))
    low, high = (np.resize(np.asarray(end, dtype=object), size).tolist() for end in known)
    return low, high


def _beside(left: list[Item], right: list[Item], sizes: list[int]) -> list[Item]:
    if len({*left, *right}) == 1:
        return left[:1]
    each = [v * size if len(v) == 1 else v for v, size in zip((left, right), sizes, strict=True)]
    return each[0] + each[1]


@rule("Split", "Slice")
def some(state, node):
    """Neighbouring channels. Precondition: a map of channels, or a vector that is none."""
    value = state.value(node, 0)
    if isinstance(value, RealInput) or not isinstance(value, Activation):
        raise Unsupported(
            f"{node.op_type} of the graph input or of a constant",
            node=node.name,
            remedy=REFUSED[node.op_type],
        )
    value = settled(value, node)
    readers = state.graph.readers
    for part in parts(node, value.shape, state.numbers):
        if readers.get(part.output):
            state.values[part.output] = part_of(state, node, value, part)


def part_of(state, node, value: Activation, part: Part) -> Activation:
    """Neighbouring channels of a map or vector.

    Raises:
        Unsupported: the part is another one.
    """
    inside = [(axis, r) for axis, r in enumerate(part.ranges) if r != range(value.shape[axis])]
    if not inside:
        return value
    ((axis, kept), *more), source = inside, state.tensors[value.tensor]
    if more or value.labels[axis] != "C" or kept.step != 1 or not len(kept):
        raise Unsupported(
            f"{node.op_type} of other axes than the channels, or not of neighbouring ones",
            node=node.name,
            remedy=REFUSED["Slice"],
        )
    if source.channels != value.channels:
        raise Unsupported(
            f"{node.op_type} of a flattened map",
            node=node.name,
            remedy="cut the channels of the map before flattening it",
        )
    output = state.fresh()
    low, high = _ends(state, source, source.channels)
    low, high = (end[kept.start : kept.stop] for end in (low, high))
    state.add_tensor(
        output, (*source.shape[:-1], len(kept)), source.minimum, source.maximum,
        part.output, source.datatype,
    )  # fmt: skip
    state.bounds[output] = (low, high)
    state.ops.append(Channels(node.name, [source.name], output, kept.start))

    def of(values: list) -> list:
        return values if len(values) == 1 else values[kept.start : kept.stop]

    pools = [replace(p, minimum=p.minimum[kept.start : kept.stop]) for p in value.pools]
    shape = tuple(len(r) for r in part.ranges)
    return replace(
        value, tensor=output, shape=shape, alpha=of(value.alpha), beta=of(value.beta),
        bends=[Bends(of(b.each)) for b in value.bends], pools=pools, flat=None,
    )  # fmt: skip
