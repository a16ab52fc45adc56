"""Small networks in the forms that exporters write: golden = float64 = the integer graph."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from tests.compile.float64_network import float64_outputs
from tests.compile.integer_execution import integer_scores
from tests.networks.qonnx_graph import compare, random_integers
from tests.networks.qonnx_networks import Builder, shape_of

INPUTS = {
    "brevitas 8 bits": lambda m: m.quant(8.0, 1 / 128),
    "2x - 1, sign": lambda m: (
        m.add("Mul", m.constant(2.0)),
        m.add("Sub", m.constant(1.0)),
        m.bipolar(),
    ),
    "hls4ml unsigned, floor": lambda m: m.quant(6.0, 1 / 64, signed=0, mode="FLOOR"),
    "cast first": lambda m: (m.add("Cast", to=TensorProto.FLOAT), m.quant(4.0, 0.125)),
    "normalised by channel": lambda m: (
        m.add("Sub", m.constant(m.rng.uniform(0.3, 0.6, (1, 2, 1, 1)[: 2 + 2 * m.map]))),
        m.add("Div", m.constant(m.rng.uniform(0.2, 0.3, (1, 2, 1, 1)[: 2 + 2 * m.map]))),
        m.quant(4.0, 0.25),
    ),
}
NORMS = {
    "BatchNormalization": lambda m, c: m.batch_norm(c),
    "Mul, Add": lambda m, c: (
        m.add("Mul", m.constant(column(m, m.rng.normal(0, 1, c)))),
        m.add("Add", m.constant(column(m, m.rng.normal(0, 2, c)))),
    ),
    "constants on the left": lambda m, c: (
        m.add("Sub", m.constant(column(m, m.rng.normal(0, 2, c))), first=False),
        m.add("Mul", m.constant(column(m, m.rng.normal(0, 1, c))), first=False),
    ),
    "Dropout, Identity": lambda m, c: (m.add("Dropout"), m.add("Identity"), m.batch_norm(c)),
    "scalar scale, bias": lambda m, c: (
        m.add("Div", m.constant(3.0)),
        m.add("Add", m.constant(column(m, m.rng.normal(0, 1, c)))),
    ),
    "tensor scale after BatchNormalization": lambda m, c: (
        m.batch_norm(c),
        m.add("Mul", m.constant([0.5])),
    ),
}
ACTIVATIONS = {
    "sign": lambda m: m.bipolar(),
    "sign, scaled": lambda m: m.bipolar(0.25),
    "ReLU, 2 bits": lambda m: (m.add("Relu"), m.quant(2.0, 0.5, signed=0)),
    "4 bits, narrow": lambda m: m.quant(4.0, 0.25, narrow=1),
    "quantised_tanh": lambda m: (m.add("Tanh"), m.quant(3.0, 0.25, narrow=1)),
    "hard tanh, sign": lambda m: (
        m.add("Clip", m.constant(-1.0), m.constant(1.0)),
        m.bipolar(),
    ),
}
ENDS = {
    "scores": lambda m: None,
    "BatchNormalization": lambda m: m.batch_norm(4),
    "Softmax": lambda m: m.add("Softmax", axis=1),
    "LogSoftmax": lambda m: m.add("LogSoftmax", axis=1),
    "Sigmoid": lambda m: m.add("Sigmoid"),
    "ArgMax": lambda m: m.add("ArgMax", axis=1),
    "Neg": lambda m: m.add("Neg"),
    "scaled, TopK": lambda m: (
        m.add("Mul", m.constant(0.75)),
        m.add("TopK", m.constant([1], np.int64), axis=-1, outputs=2),
        setattr(m, "at", m.at + "_"),
    ),
}
LABELS = {"Softmax": -1, "LogSoftmax": -1, "Sigmoid": -1, "ArgMax": 0, "scaled, TopK": 0}
FLATTEN = {
    "Flatten": lambda m: m.add("Flatten", axis=1),
    "Reshape -1": lambda m: m.add("Reshape", m.constant([m.batch, -1], np.int64)),
    "channels last": lambda m: (
        m.add("Transpose", perm=[0, 2, 3, 1]),
        m.add("Reshape", m.constant([-1, int(np.prod(shape_of(m)[1:]))], np.int64)),
    ),
}
POOLS = {
    "none": lambda m: None,
    "max": lambda m: m.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    "average": lambda m: (
        m.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
        m.quant(4.0, 0.25),
    ),
    "global": lambda m: m.add("GlobalAveragePool"),
    "mean": lambda m: m.add("ReduceMean", axes=[2, 3], keepdims=1),
}


def column(made, values):
    return np.reshape(values, (-1, 1, 1)) if made.map and len(shape_of(made)) == 4 else values


def check(model, end="scores", frames=12):
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames)
    scores = golden.scores(x)
    expected = float64_outputs(model, golden.real_input(x))
    if end in LABELS:
        labels = expected[:, 0] if LABELS[end] == 0 else expected.argmax(axis=1)
        np.testing.assert_array_equal(golden.labels(scores), labels)
    else:
        np.testing.assert_allclose(golden.real_outputs(scores), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(integer_scores(import_model(model).graph, x), scores)


def combinations(count, *tables):
    """`count` combinations in which every entry of every table stands."""
    random = np.random.default_rng(11)
    names = [list(table) for table in tables]
    orders = [random.permutation(np.arange(count) % len(n)) for n in names]
    return [tuple(n[o[i]] for n, o in zip(names, orders, strict=True)) for i in range(count)]


@pytest.mark.parametrize("case", combinations(24, INPUTS, NORMS, ACTIVATIONS, ENDS), ids="-".join)
def test_dense(case):
    given, norm, activation, end = case
    made = Builder((2,), len(given) * len(end), batch=2)
    made.map = False
    INPUTS[given](made)
    forms = ("gemm", "matmul")
    for i, (inputs, outputs) in enumerate(((2, 12), (12, 10))):
        habit = ("per channel", "one-bit quant", "stored")[(len(norm) + i) % 3]
        made.linear(inputs, outputs, habit, forms[(len(activation) + i) % 2], bias=bool(i))
        NORMS[norm](made, outputs)
        ACTIVATIONS[activation](made)
    made.linear(10, 4, form="matmul", bias=True)
    ENDS[end](made)
    check(made.model(), end)


@pytest.mark.parametrize(
    "case", combinations(36, INPUTS, NORMS, ACTIVATIONS, ENDS, FLATTEN, POOLS), ids="-".join
)
def test_convolutions(case):
    given, norm, activation, end, flatten, pool = case
    made = Builder((2, 8, 8), len(given) * len(end), batch=2)
    made.map = True
    INPUTS[given](made)
    habit = ("per channel", "one-bit quant", "stored")[len(norm) % 3]
    made.conv(2, 6, pads=(1, 1, 1, 1) if "unsigned" not in given else (0,) * 4, habit=habit)
    if pool == "max":
        POOLS[pool](made)
    NORMS[norm](made, 6)
    ACTIVATIONS[activation](made)
    made.conv(6, 5, bias=True, stride=1 + len(norm) % 2)
    NORMS[norm](made, 5)
    ACTIVATIONS[activation](made)
    if pool != "max":
        POOLS[pool](made)
    FLATTEN[flatten](made)
    made.linear(shape_of(made)[1], 4)
    ENDS[end](made)
    check(made.model(), end)


@pytest.mark.parametrize("place", ["input", "hidden", "weights", "everywhere"])
def test_the_sign_of_larq(place):
    """Sign(Sign(x) + 0.1), with ONNX's Sign(0) = 0."""
    made = Builder((2, 6, 6), 3, batch=2)

    def signs():
        made.add("Sign")
        made.add("Add", made.constant(0.1))
        return made.add("Sign")

    def conv(inputs, outputs):
        at = made.at
        made.at = made.constant(made.rng.choice([-0.5, 0.0, 0.25], (outputs, inputs, 3, 3)))
        weights = signs() if place in ("weights", "everywhere") else made.bipolar()
        made.at = at
        made.add("Conv", weights, kernel_shape=[3, 3])

    signs() if place in ("input", "everywhere") else made.quant(4.0, 0.5)
    conv(2, 6)
    made.add("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
    made.batch_norm(6)
    signs() if place in ("hidden", "everywhere") else made.bipolar()
    made.add("Flatten", axis=1)
    made.linear(shape_of(made)[1], 4)
    model = made.model()
    check(model)
    graph = import_model(model).graph
    (last,) = (op for op in graph.ops if op.output == graph.output)
    assert graph.tensors[last.inputs[0]].datatype == "BIPOLAR"


def test_sign_alone_has_three_levels():
    made = Builder((9,), 3, batch=2)
    made.quant(4.0, 0.5)
    made.linear(9, 6)
    made.add("Sign")
    made.linear(6, 4)
    check(made.model(), frames=40)


ONE_SCORE = {
    "Squeeze": lambda m: m.add("Squeeze", m.constant([1], np.int64)),
    "Squeeze of every axis of 1": lambda m: m.add("Squeeze"),
    "Reshape": lambda m: m.add("Reshape", m.constant([-1], np.int64)),
    "Squeeze, Sigmoid": lambda m: (
        m.add("Squeeze", m.constant([-1], np.int64)),
        m.add("Sigmoid"),
    ),
    "Squeeze, affine": lambda m: (
        m.add("Squeeze", m.constant([1], np.int64)),
        m.add("Mul", m.constant([0.75])),
        m.add("Sub", m.constant(2.0)),
    ),
    "Squeeze, quantiser": lambda m: (
        m.add("Squeeze", m.constant([1], np.int64)),
        m.quant(4.0, 0.5),
    ),
    "Squeeze, Unsqueeze, layer": lambda m: (
        m.add("Squeeze", m.constant([1], np.int64)),
        m.quant(4.0, 0.5),
        m.add("Unsqueeze", m.constant([1], np.int64)),
        m.linear(1, 3),
    ),
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("end", ONE_SCORE)
def test_one_score_without_an_axis_of_its_own(end, batch):
    """torch's squeeze(1) and view(-1) behind a single score."""
    made = Builder((9,), 3, batch=batch)
    made.quant(4.0, 0.5)
    made.linear(9, 6)
    made.bipolar()
    made.linear(6, 1)
    ONE_SCORE[end](made)
    model = made.model()
    check(model, end="Sigmoid" if end.endswith("Sigmoid") else "scores")
    golden = GoldenModel.from_onnx(model)
    compared = compare(model, golden, random_integers(golden, 12))
    assert not compared.mismatches


def to_tokens(made):
    made.add("Reshape", made.constant([0, shape_of(made)[1], -1], np.int64))
    made.add("Transpose", perm=[0, 2, 1])


POSITIONS = {
    "view(N, C, -1).mean(-1)": lambda m: (
        m.add("Reshape", m.constant([0, 0, -1], np.int64)),
        m.add("ReduceMean", axes=[-1], keepdims=0),
    ),
    "mean of tokens": lambda m: (
        to_tokens(m),
        m.add("Mul", m.constant(m.rng.normal(0, 1, 5))),
        m.quant(4.0, 0.25),
        m.add("ReduceMean", axes=[1], keepdims=1),
    ),
    "tokens": to_tokens,
    "behind Reshape and Transpose": lambda m: (
        m.add("Transpose", perm=[0, 2, 3, 1]),
        m.add("Reshape", m.constant([0, -1, 5], np.int64)),
    ),
    "normalised behind view": lambda m: (
        m.add("Reshape", m.constant([0, 0, -1], np.int64)),
        m.batch_norm(5),
        m.bipolar(),
    ),
}


@pytest.mark.parametrize("form", POSITIONS)
@pytest.mark.parametrize("batch", [1, 2])
def test_positions_of_a_map_in_one_axis(form, batch):
    """view(N, C, -1), and tokens (N, positions, C): the map's stream stays what it is."""
    made = Builder((2, 6, 5), 5, batch=batch)
    made.quant(4.0, 0.5)
    made.conv(2, 5)
    made.batch_norm(5)
    made.quant(4.0, 0.5)
    POSITIONS[form](made)
    made.add("Flatten", axis=1)
    made.linear(shape_of(made)[1], 4)
    check(made.model())


@pytest.mark.parametrize("values", ["one", "one a channel"])
def test_a_constant_that_was_broadcast_before_export(values):
    """It has the activation's shape, and varies no more than it did."""
    made = Builder((2, 6, 6), 5, batch=1)
    made.quant(4.0, 0.5)
    made.conv(2, 5)
    for op in ("Mul", "Add"):
        drawn = made.rng.normal(0, 1, (5, 1, 1) if "channel" in values else ())
        made.add(op, made.constant(np.broadcast_to(drawn, shape_of(made))))
    made.quant(4.0, 0.5)
    made.add("Flatten", axis=1)
    made.linear(shape_of(made)[1], 4)
    check(made.model())


@pytest.mark.parametrize(("shape", "told"), [
    ((2, 5, 4, 4), "varies along more than the channel"), ((7, 1, 1), "does not fit"),
    ((3, 1, 1, 1), "does not fit"), ((1, 2, 5, 4, 4), "does not fit"),
])  # fmt: skip
def test_a_constant_that_is_none_of_the_channels_is_refused(shape, told):
    made = Builder((2, 6, 6), 5, batch=2)
    made.quant(4.0, 0.5)
    made.conv(2, 5)
    drawn = made.rng.normal(0, 1, shape) if "varies" in told else np.ones(shape)
    made.add("Mul", made.constant(drawn))
    made.quant(4.0, 0.5)
    with pytest.raises(Unsupported, match=f"a constant of shape .* {told}"):
        import_model(made.model())
