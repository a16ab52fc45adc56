"""What FINN's front end writes: MultiThreshold, XnorPopcountMatMul, reshapes around BatchNorm."""

from __future__ import annotations

import numpy as np
import pytest

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder, shape_of


def check(model, frames=16):
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames)
    scores = golden.scores(x)
    expected = float64_outputs(model, golden.real_input(x))
    np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    graph = import_model(model).graph
    np.testing.assert_array_equal(integer_scores(graph, x), scores)
    return graph


def thresholds(made, rows, levels=3, scale=1.0, bias=0.0, layout=None):
    table = np.sort(np.round(made.rng.normal(0, 4, (rows, levels)) * 2) / 2, axis=1)
    options = {} if layout is None else {"data_layout": layout}
    made.add(
        "MultiThreshold",
        made.constant(table),
        out_scale=scale,
        out_bias=bias,
        out_dtype="FLOAT32",
        **options,
    )


@pytest.mark.parametrize(
    ("levels", "scale", "bias"),
    [
        (1, 2.0, -1.0),
        (1, 1.0, 0.0),
        (1, 2.0, 1.0),
        (1, -2.0, 1.0),
        (3, 1.0, -2.0),
        (3, 0.5, 0.0),
        (3, 0.5, -0.75),
        (7, 2.0, -7.0),
        (7, -0.25, 1.0),
        (7, 3.0, -6.0),
    ],
)
def test_steps_of_a_multi_threshold(levels, scale, bias):
    for rows in (6, 1):
        made = Builder((9,), 1)
        made.quant(4.0, 0.5)
        made.linear(9, 6)
        thresholds(made, rows, levels, scale, bias)
        made.linear(6, 4)
        check(made.model())


@pytest.mark.parametrize("layout", [None, "NCHW", "NHWC"])
def test_layouts_of_a_multi_threshold(layout):
    made = Builder((3, 5, 5), 1)
    made.quant(4.0, 0.5)
    made.conv(3, 6)
    if layout == "NHWC":
        made.add("Transpose", perm=[0, 2, 3, 1])
    thresholds(made, 6, layout=layout)
    made.add("Flatten", axis=1)
    made.linear(54, 4)
    check(made.model())


def test_a_layout_that_does_not_fit_is_refused():
    made = Builder((3, 5, 5), 1)
    made.quant(4.0, 0.5)
    made.conv(3, 3)
    made.add("Transpose", perm=[0, 2, 3, 1])
    thresholds(made, 3)  # three rows, for the height
    made.add("Flatten", axis=1)
    made.linear(27, 4)
    with pytest.raises(Unsupported, match="which is not the channels"):
        import_model(made.model())


def test_an_input_by_multi_threshold_one_row_an_element():
    made = Builder((1, 3, 3), 1)
    made.add("Flatten", axis=1)
    made.add(
        "MultiThreshold",
        made.constant(np.tile([[-0.5, 0.5]], (9, 1))),
        out_dtype="UINT2",
    )
    made.add("Add", made.constant(-1.0))
    made.linear(9, 4)
    check(made.model())


@pytest.mark.parametrize("axes", [[2], [2, 3], [1], [1, 2]])
def test_axes_of_size_1_around_batch_norm(axes):
    made = Builder((9,), 1, opset=12)
    made.quant(4.0, 0.5)
    made.linear(9, 6)
    made.add("Unsqueeze", axes=axes)
    if 1 in axes:
        made.add("Mul", made.constant(made.rng.uniform(-1, 1, 6).reshape(shape_of(made)[1:])))
    else:
        made.batch_norm(6)
    made.add("Squeeze", axes=axes)
    made.bipolar()
    made.linear(6, 4)
    check(made.model())


FLATTENED = ["norm", "scale", "thresholds", "relu and thresholds", "pool", "constant", "channels"]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("way", FLATTENED)
def test_thresholds_that_vary_by_position(way, channels_last):
    made = Builder((2, 6, 6), 1)
    made.quant(4.0, 0.5)
    made.conv(2, 3)
    if way in ("pool", "channels"):
        made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    if way == "channels":
        made.batch_norm(3)
    if channels_last:
        made.add("Transpose", perm=[0, 2, 3, 1])
    made.add("Flatten", axis=1)
    size = shape_of(made)[1]
    if way == "norm":
        made.batch_norm(size)
        made.bipolar()
    elif way == "scale":
        made.quant(3.0, made.rng.uniform(0.5, 3, size).astype(np.float32))
    elif way == "thresholds":
        thresholds(made, size)
    elif way == "relu and thresholds":
        made.add("PRelu", made.constant(made.rng.uniform(0.1, 1, size)))
        thresholds(made, size)
    elif way == "constant":
        made.add("Add", made.constant(made.rng.normal(0, 4, size)))
        made.quant(2.0, 1.0)
    else:
        made.bipolar()
    if way == "scale":
        with pytest.raises(Unsupported, match="scale or an offset per channel"):
            made.linear(size, 4)
            import_model(made.model())
        return
    made.linear(size, 4)
    graph = check(made.model())
    by_position = any(len(op.thresholds) == size for op in graph.ops if hasattr(op, "thresholds"))
    assert by_position == (way not in ("pool", "channels"))


def test_xnor_popcount():
    """0 and 1 all through, as FINN's streamlining leaves it."""
    made = Builder((12,), 1)
    made.annotations.append(("x", "UINT8"))
    thresholds(made, 1, 1)
    sizes = (12, 8, 5)
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        made.add("XnorPopcountMatMul", made.constant(made.rng.integers(0, 2, (inputs, outputs))))
        if outputs != 5:
            thresholds(made, outputs, 1)
    for node in made.nodes:
        if node.op_type == "XnorPopcountMatMul":
            node.domain = "qonnx.custom_op.general"
    check(made.model(), 32)


def test_xnor_popcount_of_other_numbers_is_refused():
    for bits, weights in ((2.0, (0, 1)), (1.0, (-1, 1))):
        made = Builder((12,), 1)
        made.quant(bits, 1.0, signed=0)
        made.add("XnorPopcountMatMul", made.constant(made.rng.choice(weights, (12, 4))))
        made.nodes[-1].domain = "qonnx.custom_op.general"
        for reader in (import_model, GoldenModel.from_onnx):
            with pytest.raises(Unsupported, match="not of 0 and 1"):
                reader(made.model())


def test_a_file_past_hardware_conversion_is_refused_as_such():
    made = Builder((12,), 1)
    made.bipolar()
    made.linear(12, 4)
    made.nodes[-1].domain = "finn.custom_op.fpgadataflow.hls"
    for reader in (import_model, GoldenModel.from_onnx):
        with pytest.raises(Unsupported, match="FINN has converted this file already") as caught:
            reader(made.model())
        assert "before that conversion" in caught.value.remedy
