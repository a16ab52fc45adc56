"""Exact numbers in constant subgraphs: never rounded while they are moved or scaled,
the same in both walks."""

from __future__ import annotations

import contextlib
import itertools
from fractions import Fraction

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from onnx import TensorProto, helper

from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.lowering import Lowering
from hw_bnn.errors import BadInput, HwBnnError
from hw_bnn.golden import GoldenModel
from hw_bnn.golden.importer import Importer
from hw_bnn.onnxfile import Node
from hw_bnn.onnxfile.constants import float32_error, fold
from hw_bnn.onnxfile.evaluate import nearest
from tests.compile.integer_execution import integer_scores
from tests.networks.constant_graphs import Net, perceptron

WALKS = {"golden": GoldenModel.from_onnx, "compile": import_model}
both = pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)

# -- a third, where 3 * float64(1/3) decides a level --


def third(net: Net) -> str:
    return net.compute("Div", net.constant([1.0]), net.constant([3.0]))


def layer(net: Net, weights: str, transposed: bool = False) -> None:
    net.add("Gemm", weights, transB=int(transposed))


def behind(net: Net, weights: str) -> None:
    layer(net, weights)
    net.add("Mul", third(net))


def on_weights(net: Net, weights: str) -> None:
    layer(net, net.compute("Mul", weights, third(net)))


def on_weights_from_the_left(net: Net, weights: str) -> None:
    layer(net, net.compute("Mul", third(net), weights))


def divided(net: Net, weights: str) -> None:
    layer(net, net.compute("Div", weights, net.compute("Reciprocal", third(net))))


def negated_twice(net: Net, weights: str) -> None:
    scaled = net.compute("Mul", weights, third(net))
    layer(net, net.compute("Neg", net.compute("Neg", scaled)))


def expanded(net: Net, weights: str) -> None:
    layer(net, weights)
    net.add("Mul", net.compute("Expand", third(net), net.whole(2)))


def joined(net: Net, weights: str) -> None:
    layer(net, weights)
    net.add("Mul", net.compute("Concat", third(net), third(net), axis=0))


def joined_with_a_number(net: Net, weights: str) -> None:
    layer(net, weights)
    both_ = net.compute("Concat", net.constant([7.0]), third(net), axis=0)
    net.add("Mul", net.compute("Gather", both_, net.whole(1, 1), axis=0))


def cut(net: Net, weights: str) -> None:
    layer(net, weights)
    many = net.compute("Tile", third(net), net.whole(5))
    net.add("Mul", net.compute("Slice", many, net.whole(1), net.whole(3)))


def padded(net: Net, weights: str) -> None:
    layer(net, weights)
    net.add("Mul", net.compute("Pad", third(net), net.whole(0, 1), third(net)))


def chosen(net: Net, weights: str) -> None:
    layer(net, weights)
    yes = net.constant([True, False], bool)
    net.add("Mul", net.compute("Where", yes, third(net), third(net)))


def joined_weights(net: Net, weights: str) -> None:
    rows = net.compute("Mul", weights, third(net))
    parts = [
        net.compute("Slice", rows, net.whole(i), net.whole(i + 1), net.whole(1)) for i in (0, 1)
    ]
    layer(net, net.compute("Concat", *parts, axis=1))


def root_squared(net: Net, weights: str) -> None:
    """1 / (sqrt(2) * sqrt(8)) * 4 / 3: one third, by two roots of rational ratio."""
    roots = [net.compute("Sqrt", net.constant([v])) for v in (2.0, 8.0)]
    quarter = net.compute("Div", net.constant([4.0]), net.compute("Mul", *roots))
    layer(net, weights)
    net.add("Mul", net.compute("Mul", quarter, third(net)))


def sum_of_roots(net: Net, weights: str) -> None:
    """(sqrt(8) - sqrt(2)) / (sqrt(18)) = 1/3."""
    two, eight, eighteen = (net.compute("Sqrt", net.constant([v])) for v in (2.0, 8.0, 18.0))
    layer(net, weights)
    net.add("Mul", net.compute("Div", net.compute("Sub", eight, two), eighteen))


THIRDS = [behind, on_weights, on_weights_from_the_left, divided, negated_twice, expanded, joined,
          joined_with_a_number, cut, padded, chosen, joined_weights, root_squared,
          sum_of_roots]  # fmt: skip


@pytest.mark.parametrize("form", THIRDS)
def test_a_third_stays_a_third(form):
    """floor(a / 3) of a = w . x, by whole division; x in 0..3 three times, all of them."""
    net = Net((3,), 5, 1)
    net.quant(2.0, 1.0, signed=0)
    w = np.array([[1.0, 1, 1], [1, -1, 1]], np.float32).T
    form(net, net.compute("BipolarQuant", net.constant(w), net.constant(1.0)))
    level = net.quant(4.0, 1.0, mode="FLOOR")
    net.linear(2, 3)
    model = net.model()
    x = np.array(list(itertools.product(range(4), repeat=3)))
    wanted = (x @ w.astype(np.int64)) // 3
    golden = GoldenModel.from_onnx(model)
    assert np.array_equal(golden.trace(x)[level], wanted)
    assert np.array_equal(integer_scores(import_model(model).graph, x), golden.scores(x))


def test_a_gain_a_channel_enters_the_scale_of_quantised_weights():
    """XNOR-Net's alpha, exact: floor(a * c) with c = 1/3, -1/7."""
    net = Net((3,), 5, 1)
    net.quant(2.0, 1.0, signed=0)
    w = np.array([[1.0, 1, 1], [1, -1, 1]], np.float32)
    alpha = net.compute("Div", net.constant([[1.0], [-1.0]]), net.constant([[3.0], [7.0]]))
    quantised = net.compute("BipolarQuant", net.constant(w), net.constant(1.0))
    layer(net, net.compute("Mul", quantised, alpha), transposed=True)
    level = net.quant(4.0, 1.0, mode="FLOOR")
    net.linear(2, 3)
    x = np.array(list(itertools.product(range(4), repeat=3)))
    a = x @ w.T.astype(np.int64)
    wanted = np.stack([a[:, 0] // 3, -a[:, 1] // 7], axis=1)
    golden = GoldenModel.from_onnx(net.model())
    assert np.array_equal(golden.trace(x)[level], wanted)
    assert np.array_equal(integer_scores(import_model(net.model()).graph, x), golden.scores(x))


# -- both walks hold one number --

LEAVES = st.one_of(
    st.builds(lambda k: ("leaf", k / 8), st.integers(-40, 40)),
    st.builds(lambda k: ("Sqrt", ("leaf", float(k))), st.sampled_from((2, 3, 8, 18, 12))),
)
UNARY = (
    "Sqrt",
    "Neg",
    "Abs",
    "Reciprocal",
    "Square",
    "Inverse",
    "Half",
    "MinusHalf",
    "Exp",
    "Tanh",
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(("Add", "Sub", "Mul", "Div", "Pow")), inner, inner),
        st.tuples(st.sampled_from(UNARY), inner),
    ),
    max_leaves=6,
)
POWERS = {"Square": 2.0, "Inverse": -1.0, "Half": 0.5, "MinusHalf": -0.5}


def written(net: Net, expression) -> str:
    op, *inner = expression
    if op == "leaf":
        return net.constant(inner[0])
    inputs = [written(net, e) for e in inner]
    if op in POWERS:
        return net.compute("Pow", *inputs, net.constant(POWERS[op]))
    return net.compute(op, *inputs)


def real(expression):
    """The real number, to 60 digits; None where it is none."""
    op, *inner = expression
    if op == "leaf":
        return mpf(inner[0])
    values = [real(e) for e in inner]
    if None in values:
        return None
    if op in POWERS:
        op, values = "Pow", [*values, mpf(POWERS[op])]
    try:
        found = {
            "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b,
            "Div": lambda a, b: a / b, "Pow": lambda a, b: a**b, "Sqrt": lambda a: mp.sqrt(a),
            "Neg": lambda a: -a, "Abs": abs, "Reciprocal": lambda a: 1 / a, "Exp": mp.exp,
            "Tanh": mp.tanh,
        }[op](*values)  # fmt: skip
    except ZeroDivisionError:
        return None
    return found if isinstance(found, mpf) else None


def held(value):
    """One form of a number, whoever holds it; None where nobody does."""
    if value is None:
        return None
    array = getattr(value, "numbers", getattr(value, "array", None))
    number = array.reshape(-1)[0]
    if array.dtype == object:
        return number.x, number.y * abs(number.y) * number.d
    return Fraction(float(number)), Fraction(0)


def values_of(walk, name: str):
    with contextlib.suppress(HwBnnError):  # no scale that the layer could use, perhaps
        walk.run()
    return walk.values


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS)
def test_random_expressions_are_one_number_in_both_walks(expression):
    names = []

    def scale(net):
        names.append(written(net, expression))
        return names[0]

    model = perceptron(scale)
    golden = values_of(Importer(model, None, None), names[0])
    compiled = values_of(Lowering(model), names[0])
    constants = [o for n in model.graph.node for o in n.output if o.startswith("t")]
    for name in {names[0], *constants} & set(golden) & set(compiled):
        if hasattr(golden[name], "numbers") and hasattr(compiled[name], "array"):
            assert held(golden[name]) == held(compiled[name]), expression
    assert (names[0] in golden) <= (names[0] in compiled)
    found = held(golden.get(names[0]))
    rounded = any(golden[n].numbers.dtype == np.float64 for n in constants if n in golden
                  and hasattr(golden[n], "numbers"))  # fmt: skip
    if found is not None and not rounded:
        mp.dps = 60
        x, square = (mpf(v.numerator) / v.denominator for v in found)
        number = x + mp.sign(square) * mp.sqrt(abs(square))
        assert abs(number - real(expression)) <= mpf(10) ** -45 * (1 + abs(number)), expression


def test_a_power_of_an_irrational_exponent_is_no_power_of_its_rational_part():
    def scale(net):
        one_and_root = net.compute("Add", net.compute("Sqrt", net.constant(2.0)), net.constant(1.0))
        names.append(net.compute("Pow", net.constant(2.0), one_and_root))
        return names[0]

    names: list[str] = []
    model = perceptron(scale)
    for values in (values_of(Importer(model, None, None), ""), values_of(Lowering(model), "")):
        assert abs(float(held(values[names[-1]])[0]) - 2.0 ** (1 + np.sqrt(2.0))) < 1e-14


def test_the_nearest_float_of_an_exact_number():
    from hw_bnn.compile.exact import Surd as A
    from hw_bnn.golden.exact import Surd as B

    mp.dps = 80
    rng = np.random.default_rng(0)
    for _ in range(300):
        p, q, d = (Fraction(int(a), int(b)) for a, b in rng.integers(1, 10**6, (3, 2)))
        for x in (p, -p, -q * Fraction(float(d) ** 0.5)):  # the last nearly cancels
            root = B.sqrt(d)
            wanted = float(mpf(x.numerator) / x.denominator + mpf(q.numerator) / q.denominator
                           * mp.sqrt(mpf(d.numerator) / d.denominator))  # fmt: skip
            assert nearest(A(x, q, d)) == nearest(B(x) + B(q) * root) == wanted


# -- float32 --


def error_of(op_type, *inputs, errors=None, **attributes):
    node = Node(
        helper.make_node(op_type, [f"i{i}" for i in range(len(inputs))], ["o"], **attributes)
    )
    arrays = [np.asarray(a) for a in inputs]
    results = fold(node, arrays, 13)
    return results, float32_error(node, arrays, errors or [0.0] * len(arrays), results, 13)[0]


def test_what_float32_cannot_hold_or_decides_otherwise_is_refused():
    with pytest.raises(BadInput, match="beyond float32"):
        error_of("Exp", np.float64([100.0]))
    with pytest.raises(BadInput, match="beyond float32"):
        error_of("Mul", np.float64([1e200]), np.float64([1e-200]))
    with pytest.raises(BadInput, match="decide differently"):
        error_of("Greater", np.float64([1 + 1e-12]), np.float64([1.0]))
    with pytest.raises(BadInput, match="decide differently"):
        error_of("Less", np.float64([1.0]), np.float64([1.001]), errors=[0.01, 0.0])
    with pytest.raises(BadInput, match="decide differently"):
        error_of("Cast", np.float64([1.999]), errors=[0.01], to=TensorProto.INT64)
    with pytest.raises(BadInput, match="decide differently"):
        error_of("Cast", np.float64([2.001]), errors=[0.01], to=TensorProto.INT64)
    for near in (1.999, 2.001):  # both signs of the shift
        assert error_of("Floor", np.float64([near]), errors=[0.01])[1] >= 1
    assert error_of("Greater", np.float64([1.5]), np.float64([1.0]))[1] == 0


def test_errors_go_where_the_numbers_go():
    _, error = error_of("Concat", np.float64([1.0]), np.float64([2, 3]), errors=[0.5, 0.25], axis=0)
    assert np.array_equal(error, [0.5, 0.25, 0.25])


@both
def test_the_default_operators_have_two_names_of_their_domain(walk):
    def scale(net):
        out = net.compute("Exp", net.constant(-1.7))
        net.nodes[-1].domain = "ai.onnx"
        return out

    model: onnx.ModelProto = perceptron(scale)
    walk(model)
