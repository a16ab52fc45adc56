"""Rules of the import for shapes: axes are renamed, since the integer graph is channel-fastest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import BadInput, Unsupported
from ..onnxfile.axes import axes as read_axes
from ..onnxfile.axes import flatten_axis, permutation, sizes
from .bends import Bends
from .registry import rule
from .values import Activation, Constant, QuantConstant, RealInput, Value


@rule("Transpose")
def transpose(state, node):
    """Permutes constants; on activations it permutes the axis labels."""
    value = state.value(node, 0)
    rank = len(_shape(value))
    perm = permutation(node, rank)
    if isinstance(value, Constant):
        result: Value = Constant(value.array.transpose(perm))
    elif isinstance(value, QuantConstant):
        scale = value.scale.reshape((1,) * (rank - value.scale.ndim) + value.scale.shape)
        result = replace(
            value, integers=value.integers.transpose(perm), scale=scale.transpose(perm)
        )
    else:
        shape = tuple(value.shape[p] for p in perm)
        if perm[0] != 0:
            raise Unsupported(
                "a transpose of the batch dimension",
                node=node.name,
                remedy="keep the batch first",
            )
        if isinstance(value, Activation):
            result = replace(value, shape=shape, labels=tuple(value.labels[p] for p in perm))
        else:
            result = replace(value, shape=shape, path=(*value.path, tuple(perm)))
    state.values[node.output] = result


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(state, node):
    """Flattens (batch, ...) to (batch, features) or drops axes of size 1."""
    value = state.value(node, 0)
    if node.inputs[0] in state.labels:
        state.labels.update(node.outputs)
        state.values[node.output] = value
        return
    shape = _shape(value)
    constant = isinstance(value, Constant | QuantConstant)
    target = _target(state, node, shape, constant)
    if isinstance(value, Constant):
        state.values[node.output] = Constant(value.array.reshape(target))
        return
    if isinstance(value, QuantConstant):
        state.values[node.output] = replace(
            value,
            integers=value.integers.reshape(target),
            scale=_reshaped_scale(value, target, node),
        )
        return
    if target[0] != shape[0]:
        raise Unsupported(
            f"a reshape of {shape} to {target} mixes the batch with other dimensions",
            node=node.name,
            remedy="keep the batch first",
        )
    if isinstance(value, RealInput):
        state.values[node.output] = replace(value, shape=target, path=(*value.path, target))
        return
    state.values[node.output] = _reshape_activation(state, value, target, node)


def _reshaped_scale(value: QuantConstant, target: tuple[int, ...], node) -> np.ndarray:
    """The scale of reshaped weights: one, or one a channel where only axes of 1 come and go."""
    if value.scale.size == 1:
        return value.scale.reshape(())
    if [s for s in value.shape if s != 1] != [s for s in target if s != 1]:
        raise Unsupported(
            "a reshape of weights with a scale per channel",
            node=node.name,
            remedy="reshape before the quantiser",
        )
    whole = value.scale.reshape((1,) * (len(value.shape) - value.scale.ndim) + value.scale.shape)
    kept = iter([have for have, size in zip(whole.shape, value.shape, strict=True) if size != 1])
    return whole.reshape([1 if size == 1 else next(kept) for size in target])


@rule("Shape")
def shape_of(state, node):
    shape = _shape(state.value(node, 0))[node.integer("start", 0) : node.integer("end", None)]
    state.values[node.output] = Constant(np.array(shape, dtype=np.int64))


def _shape(value) -> tuple[int, ...]:
    if isinstance(value, Constant):
        return value.array.shape
    return value.integers.shape if isinstance(value, QuantConstant) else value.shape


def _target(state, node, shape, constant: bool) -> tuple[int, ...]:
    """The whole shape, batch included, that a reshaping node gives a constant or an activation."""
    if node.op_type == "Flatten":
        axis = flatten_axis(node, len(shape))
        return (int(np.prod(shape[:axis])), int(np.prod(shape[axis:])))
    if node.op_type == "Reshape":
        wanted = sizes(node, state.numbers(node, 1))
        if not node.integer("allowzero", 0):
            wanted = [shape[i] if w == 0 else w for i, w in enumerate(wanted)]
        if -1 in wanted:
            known = -int(np.prod(wanted))
            wanted[wanted.index(-1)] = int(np.prod(shape)) // max(known, 1)
        if int(np.prod(wanted)) != int(np.prod(shape)):
            raise Unsupported(
                f"a reshape of {tuple(shape)} to {tuple(wanted)} does not fit",
                node=node.name,
                remedy="check the shapes of the exported model",
            )
        return tuple(wanted)
    axes = node.integers("axes", None)
    if axes is None and node.has(1):
        axes = state.numbers(node, 1)
    if node.op_type == "Squeeze":
        first = 0 if constant else 1  # the batch of an activation stays
        drop = [i for i, s in enumerate(shape) if s == 1 and i >= first] if axes is None else axes
        drop = read_axes(node, drop, len(shape))
        if any(shape[i] != 1 for i in drop):
            raise BadInput(
                f"it drops axes of {shape} that are longer than 1",
                node=node.name,
                remedy="export the model again",
            )
        return tuple(s for i, s in enumerate(shape) if i not in drop)
    if axes is None:
        raise BadInput("it names no axes", node=node.name, remedy="export the model again")
    out, rank = list(shape), len(shape) + len(axes)
    for axis in sorted(read_axes(node, axes, rank)):
        out.insert(axis, 1)
    return tuple(out)


def _reshape_activation(state, value: Activation, target: tuple[int, ...], node) -> Activation:
    if target == value.shape:
        return value
    if len(target) == 1:  # the batch alone: a single score, as torch's squeeze(1) leaves it
        value.no_border(node.name)
        flat = _flat(state, value, (*target, 1))
        return replace(flat, shape=target, labels=("N",))
    if len(target) == 2:
        value.no_border(node.name)
        return _flat(state, value, target)
    if [s for s in value.shape[1:] if s != 1] == [s for s in target[1:] if s != 1]:
        labels = _labels_with_ones(value, target)
        if labels is not None:
            return replace(value, shape=target, labels=labels)
    if (merged := _merged(value, target)) is not None:
        value.no_border(node.name)
        return merged
    raise Unsupported(
        f"a reshape of an activation from {value.shape} to {target}",
        node=node.name,
        remedy="flatten to (batch, features), or add and drop axes of size 1; reshape to a map "
        "before the input quantiser",
    )


def _labels_with_ones(value: Activation, target: tuple[int, ...]) -> tuple[str, ...] | None:
    """Labels of the same numbers with other axes of size 1; None where the channels get lost."""
    axes = zip(value.labels[1:], value.shape[1:], strict=True)
    kept = [label for label, size in axes if size != 1]
    sizes = [s for s in target[1:] if s != 1]
    names = iter(kept)
    labels = ["1" if s == 1 else next(names) for s in target[1:]]
    for usual in (["C", "H", "W"], ["H", "W", "C"]):
        if len(labels) == 3 and all(a in ("1", b) for a, b in zip(labels, usual, strict=True)):
            return ("N", *usual)
    if "C" not in labels and "1" in labels:
        labels[labels.index("1")] = "C"  # a single channel
    missing = [axis for axis in "HW" if axis not in labels]
    if len(labels) == 3 and labels.count("1") == len(missing) == 1:
        labels[labels.index("1")] = missing[0]
    return ("N", *labels) if "C" in labels and len(sizes) == len(kept) else None


def _merged(value: Activation, target: tuple[int, ...]) -> Activation | None:
    """A map as channels of positions, or positions of channels: view(N, C, -1), say, for a mean.

    None where the target is something else, or a pool waits: then the tensor has another size.
    """
    at = next((i for i in range(1, len(value.labels)) if value.labels[i : i + 2] == ("H", "W")), 0)
    height, width = value.shape[at : at + 2] if at else (0, 0)
    if (
        not at
        or value.pools
        or target != (*value.shape[:at], height * width, *value.shape[at + 2 :])
    ):
        return None
    labels = (*value.labels[:at], "HW", *value.labels[at + 2 :])
    return replace(value, shape=target, labels=labels)


def _flat(state, value: Activation, target: tuple[int, ...]) -> Activation:
    """A map as a vector, in the user's order of axes."""
    axes = [axis for label in value.labels if label not in ("N", "1") for axis in label]
    if value.flat is not None or axes == ["C"]:
        return replace(value, shape=target, labels=("N", "C"))
    sizes = dict(zip(value.labels, value.shape, strict=True))
    if "HW" in value.labels:
        sizes["H"], sizes["W"] = state.tensors[value.tensor].shape[:2]
    canonical = np.arange(int(np.prod(target[1:]))).reshape(
        [sizes.get(axis, 1) for axis in ("H", "W", "C")]
    )
    order = ["HWC".index(axis) for axis in (*axes, *(a for a in "HWC" if a not in axes))]
    flat = canonical.transpose(order).reshape(-1)
    return replace(
        value,
        shape=target,
        labels=("N", "C"),
        alpha=_flattened(value.alpha, axes, sizes),
        beta=_flattened(value.beta, axes, sizes),
        bends=[Bends(_flattened(b.each, axes, sizes)) for b in value.bends],
        flat=None if np.array_equal(flat, np.arange(len(flat))) else flat,
    )


def _flattened(values: list, axes: list[str], sizes: dict[str, int]) -> list:
    if len(values) == 1:
        return values
    index = np.arange(sizes["C"]).reshape([sizes["C"] if axis == "C" else 1 for axis in axes])
    index = np.broadcast_to(index, [sizes[axis] for axis in axes]).reshape(-1)
    return [values[i] for i in index]
