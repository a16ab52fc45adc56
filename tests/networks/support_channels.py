"""Support cases of channels side by side and of some of them."""

from __future__ import annotations

import numpy as np

from tests.networks.qonnx_networks import shape_of
from tests.networks.support_case import case, end, net, norm, several


def _branch(made, source, channels=3, quantiser="bipolar", inputs=3):
    made.at = source
    made.conv(inputs, channels, 3, 1, (1, 1, 1, 1))
    norm(made, channels)
    return made.bipolar() if quantiser == "bipolar" else made.quant(float(quantiser[3:]), 0.25)


def _joined(way):
    made = net((3, 5, 5))
    source = made.at
    if way == "twice":
        made.conv(3, 4, 3, 1, (1, 1, 1, 1))
        norm(made, 4)
        source = made.quant(4.0, 0.25)
        made.add("Concat", source, source=source, axis=1)
        made.bipolar()
        made.conv(8, 4, 3)
        made.bipolar()
    elif way == "sums":  # each on a scale of its own, 1-bit weights of a scale a channel
        first = made.conv(3, 2, 3, habit="per channel")
        made.at = source
        second = made.conv(3, 4, 3)
        made.add("Concat", second, source=first, axis=-3)
        norm(made, 6)
        made.quant(3.0, 0.5)
    elif way == "three":
        names = [_branch(made, source, c) for c in (2, 4, 6)]
        made.add("Concat", *names[1:], source=names[0], axis=1)
        made.conv(12, 4, 3, 1, (1, 1, 1, 1))
        norm(made, 4)
        made.bipolar()
    elif way == "types":
        names = [_branch(made, source, 2, q) for q in ("bipolar", "int4", "int8")]
        made.add("Concat", *names[1:], source=names[0], axis=1)
        norm(made, 6)
        made.quant(2.0, 0.5)
    elif way == "pool":
        first = _branch(made, source, 2)
        made.at = source
        made.conv(3, 2, 3, 1, (1, 1, 1, 1))
        second = made.add("MaxPool", kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])
        made.add("Concat", second, source=first, axis=1)
        norm(made, 4)
        made.bipolar()
    elif way == "dense":  # a dense block: each layer reads all maps before it
        for channels in (3, 5, 7):
            before = made.at
            new = _branch(made, before, 2, inputs=channels)
            made.add("Concat", new, source=before, axis=1)
    made.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
    return end(made)


several(
    "Concat",
    [
        ("of a map with itself", ("twice",)),
        ("of sums on scales of their own", ("sums",)),
        ("of three branches, read by a convolution", ("three",)),
        ("of 1, 4 and 8 bits", ("types",)),
        ("behind a max-pool", ("pool",)),
        ("a dense block", ("dense",)),
    ],
    _joined,
)


def _vectors(maps):
    made = net((2, 4, 4)) if maps else net((12,))
    if maps:
        first = made.conv(2, 2, 3)
        first = made.bipolar()
        first = made.add("Flatten", axis=1)
        made.at = first
        second = made.linear(8, 5)
        second = made.bipolar()
        made.add("Concat", second, source=first, axis=1)
        made.linear(13, 4)
    else:
        source = made.at
        made.linear(12, 8)
        made.bipolar()
        made.add("Concat", source, axis=1)
        made.linear(20, 4)
    return made.model()


several("Concat", [("of vectors", (False,)), ("of a flattened map", (True,))], _vectors)


def flat_maps(kinds):
    """Flattened maps of several sizes, and a vector; behind them a quantiser or a layer."""
    made = net((2, 4, 3), quantiser="uint4")
    source, found, size = made.at, [], 0
    for kind in kinds:
        made.at = source
        if kind == "dense":
            made.add("Flatten", axis=1)
            made.linear(24, 5)
        else:
            made.conv(2, 3, {"2x1": 3, "3x2": 2}[kind])
        made.quant(4.0, 0.5)
        if kind != "dense":
            made.add("Flatten", axis=1)
        found.append(made.at)
        size += int(np.prod(shape_of(made)[1:]))
    made.at = found[0]
    made.add("Concat", *found[1:], axis=1)
    if len(kinds) == 2:
        made.quant(3.0, 1.0)
    made.linear(size, 4)
    return made.model()


several(
    "Concat",
    [
        ("of two flattened maps", (("2x1", "3x2"),)),
        ("of a vector and a flattened map", (("dense", "3x2"),)),
        ("of three flattened maps and a vector", (("3x2", "2x1", "dense", "3x2"),)),
    ],
    flat_maps,
)


@case("Concat", "behind a ReLU", refused="behind a ReLU or another function|clipped")
def _():
    made = net((12,))
    source = made.at
    made.linear(12, 8)
    made.add("Relu")
    made.add("Concat", source, axis=1)
    made.linear(20, 4)
    return made.model()


@case("Concat", "along the height", refused="joins activations along axis 2")
def _():
    made = net((3, 5, 5))
    first = _branch(made, made.at)
    made.add("Concat", first, axis=2)
    return end(made)


@case("Concat", "with a constant", refused="with constants")
def _():
    made = net((12,))
    made.add("Concat", made.constant(np.ones((2, 4))), axis=1)
    made.linear(16, 4)
    return made.model()


def _parted(way):
    made = net((6, 5, 5)) if way != "vector" else net((16,))
    if way == "vector":
        bounds = (made.constant([v], np.int64) for v in (4, 12, 1))
        made.add("Slice", *bounds)
        made.linear(8, 4)
        return made.model()
    if way == "slice":
        bounds = (made.constant([v], np.int64) for v in (-4, 2**31 - 1, 1))
        made.add("Slice", *bounds)
        made.conv(4, 3, 3)
        made.bipolar()
        return end(made)
    if way == "sums":
        made.conv(6, 6, 3, 1, (1, 1, 1, 1), habit="per channel")
        norm(made, 6)
    first = made.add("Split", made.constant([2, 4], np.int64), axis=1, outputs=2)
    second = f"{first}_"
    if way == "sums":
        made.bipolar()
        made.at = second
        made.quant(3.0, 0.5)
        return end(made)
    made.at = first
    made.conv(2, 3, 3, 1, (1, 1, 1, 1))
    norm(made, 3)
    first = made.bipolar()
    if way == "shuffle":  # ShuffleNet's unit: one part passes by
        made.add("Concat", second, source=first, axis=1)
        made.conv(7, 3, 3)
        made.bipolar()
        return end(made)
    made.at = second
    made.conv(4, 3, 3, 1, (1, 1, 1, 1))
    norm(made, 3)
    made.bipolar()
    made.add("Add", first)
    made.bipolar()
    return end(made)


several(
    "Split, Slice",
    [
        ("into a layer each", ("layers",)),
        ("one part passes by (ShuffleNet)", ("shuffle",)),
        ("of sums, before their quantisers", ("sums",)),
        ("the last channels", ("slice",)),
        ("of a vector", ("vector",)),
    ],
    _parted,
)


def _refused_part(way):
    made = net((4, 6, 6))
    starts, ends, axes, steps = {
        "rows": ([1], [5], [2], [1]), "every other": ([0], [4], [1], [2]),
    }[way]  # fmt: skip
    made.add("Slice", *(made.constant(v, np.int64) for v in (starts, ends, axes, steps)))
    made.conv(4 if way == "rows" else 2, 3, 3)
    made.bipolar()
    return end(made)


several(
    "Split, Slice",
    [("of rows", ("rows",)), ("every other channel", ("every other",))],
    _refused_part,
    refused="of other axes than the channels, or not of neighbouring ones",
)
