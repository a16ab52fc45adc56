"""Support cases of convolutions and their padding."""

from __future__ import annotations

import numpy as np

from tests.networks.support_case import CASES, Case, case, end, net, norm, several


def _conv(
    kernel=(3, 3),
    stride=(1, 1),
    pads=(0, 0, 0, 0),
    dilation=(1, 1),
    quantiser="bipolar",
    group=1,
    border=None,
    channels=2,
    **attributes,
):
    made = net((channels, 6, 7), quantiser=quantiser)
    if border is not None:
        made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 2], np.int64), made.constant(border))
    weights = made.weights((4, channels // group, *kernel))
    if "auto_pad" not in attributes:
        attributes["pads"] = list(pads)
    made.add(
        "Conv",
        weights,
        kernel_shape=list(kernel),
        strides=list(stride),
        dilations=list(dilation),
        group=group,
        **attributes,
    )
    norm(made, 4)
    made.bipolar()
    return end(made)


several(
    "Convolution",
    [
        ("1x1", ((1, 1),)),
        ("1x1, stride 2", ((1, 1), (2, 2))),
        ("3x3", ((3, 3),)),
        ("2x3, stride 2x1", ((2, 3), (2, 1))),
        ("5x5", ((5, 5),)),
        ("dilation 2x1", ((3, 3), (1, 1), (0, 0, 0, 0), (2, 1))),
        ("8-bit input", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "int8")),
        ("4-bit unsigned input, zero padding", ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "uint4")),
    ],
    _conv,
)
several(
    "Padding of 1-bit maps",
    [
        ("exact zeros (pads)", ((3, 3), (1, 1), (1, 1, 1, 1))),
        ("exact zeros, uneven, stride 2, dilation 2", ((2, 2), (2, 2), (0, 1, 1, 0), (2, 2))),
        ("exact zeros (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 0.0)),
        ("-1 (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, -1.0)),
        ("+1 (Pad node)", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 1.0)),
    ],
    _conv,
)
CASES.append(
    Case(
        "Padding of 1-bit maps",
        "auto_pad SAME_UPPER",
        lambda: _conv((2, 3), (2, 2), auto_pad="SAME_UPPER"),
    )
)


@case("Padding of 1-bit maps", "exact zeros, accumulators wanted (no threshold)")
def _():
    made = net()
    made.conv(2, 3, 3, 1, (1, 1, 1, 1))
    made.add("GlobalAveragePool")
    made.add("Flatten", axis=1)
    return made.model()


several(
    "Padding of 1-bit maps",
    [("a value between the levels", ((3, 3), (1, 1), (0, 0, 0, 0), (1, 1), "bipolar", 1, 0.5))],
    _conv,
    refused="is no integer of the padded",
)
several(
    "Convolution",
    [
        ("of two groups, zero padding", ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "bipolar", 2)),
        ("depthwise, 4 channels of 8 bits", ((3, 3), (2, 1), (0, 1, 1, 0), (1, 1), "int8", 4,
                                             None, 4)),
    ],
    _conv,
)  # fmt: skip


@case("Convolution", "of two groups, a scale a channel and a bias")
def _():
    made = net((4, 6, 6), quantiser="int8")
    made.conv(4, 6, 3, habit="per channel", bias=True, group=2)
    norm(made, 6)
    made.bipolar()
    return end(made)


@case("Convolution", "depthwise, 32 channels of 1 bit, zero padding")
def _():
    made = net((32, 6, 6))
    made.conv(32, 32, 3, pads=(1, 1, 1, 1), group=32)
    norm(made, 32)
    made.bipolar()
    return end(made)


@case("Convolution", "depthwise, a channel multiplier of 2, 4-bit weights and inputs")
def _():
    made = net((12, 6, 6), quantiser="uint4")
    made.conv(12, 24, 3, 2, (1, 1, 1, 1), habit="int4", group=12)
    norm(made, 24, 8.0)
    made.quant(4.0, 0.5, signed=0)
    return end(made)


@case("Convolution", "of twelve groups of several channels")
def _():
    made = net((24, 6, 6), quantiser="int8")
    made.conv(24, 36, 3, habit="two-bit", group=12)
    norm(made, 36, 8.0)
    made.bipolar()
    return end(made)


@case("Convolution", "of a channels-last map", refused="an input with axes")
def _():
    made = net()
    made.add("Transpose", perm=[0, 2, 3, 1])
    made.add("Conv", made.weights((4, 6, 3, 3)), kernel_shape=[3, 3])
    return made.model()


@case("Convolution", "of a vector reshaped to a map", refused="of a vector that was reshaped")
def _():
    made = net((12,))
    made.linear(12, 6)
    made.bipolar()
    made.add("Reshape", made.constant([2, 6, 1, 1], np.int64))
    made.conv(6, 4, 1)
    return made.model()


def _line(shape, convolution, pool):
    made = net(shape, quantiser="int8")
    if shape[-1] == 2:
        made.add("Transpose", perm=[0, 2, 1])
    made.add("Conv", made.weights((4, 2, 3), "per channel"), **convolution)
    norm(made, 4)
    made.bipolar()
    made.add("MaxPool", kernel_shape=[2], strides=[2], **pool)
    return end(made)


several(
    "Convolution",
    [
        ("over one axis, padding, max-pool", ((2, 14), {"kernel_shape": [3], "pads": [1, 2]}, {})),
        (
            "over one axis, channels last, auto_pad",
            ((14, 2), {"strides": [2], "auto_pad": "SAME_UPPER"}, {"pads": [1, 0]}),
        ),
    ],
    _line,
)


@case("Convolution", "of a vector with a new axis", refused="before its quantiser")
def _():
    made = net((12,))
    made.add("Unsqueeze", made.constant([1], np.int64))
    made.add("Conv", made.weights((4, 1, 3)), kernel_shape=[3])
    made.bipolar()
    return end(made)


@case("Convolution", "over three axes", refused="weights of shape")
def _():
    made = net((2, 6, 6))
    made.add("Conv", made.weights((3, 2, 2, 2, 2)), kernel_shape=[2, 2, 2])
    return made.model()


@case("Convolution", "transposed", refused="ConvTranspose of activations is not supported")
def _():
    made = net((2, 6, 6))
    made.add("ConvTranspose", made.weights((2, 3, 2, 2)), strides=[2, 2])
    made.bipolar()
    return end(made)


@case(
    "Padding of 1-bit maps",
    "before something else than a convolution",
    refused="padding that is not followed by a convolution",
)
def _():
    made = net()
    made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), made.constant(-1.0))
    return end(made)


@case("Padding of 1-bit maps", "reflecting", refused="padding mode reflect")
def _():
    made = net()
    made.add("Pad", made.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="reflect")
    made.conv(2, 3)
    made.bipolar()
    return end(made)
