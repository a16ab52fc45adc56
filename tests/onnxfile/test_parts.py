"""The parts that Slice and Split name: exact, or refused by name."""

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from hw_bnn.errors import BadInput
from hw_bnn.onnxfile.node import Node
from hw_bnn.onnxfile.parts import parts

SHAPE = (2, 7, 5)


def of(op_type, constants, outputs=1, **attributes):
    """(node that reads x and its constants, the lists of those)."""
    names = ["x", *("" if c is None else f"c{i}" for i, c in enumerate(constants))]
    made = [f"y{i}" for i in range(outputs)]
    return helper.make_node(op_type, names, made, name="cut", **attributes)


def told(node, constants):
    return parts(Node(node), SHAPE, lambda _node, position: constants[position - 1])


@pytest.mark.parametrize("seed", range(40))
def test_slices_are_those_of_onnx(seed):
    """Ends beyond the tensor on both sides, steps of both signs, axes left out or negative."""
    rng = np.random.default_rng(seed)
    axes = rng.permutation(3)[: rng.integers(1, 4)]
    far = 2**31 - 1
    bounds = [rng.choice([*range(-9, 10), far, -far], len(axes)).tolist() for _ in range(2)]
    steps = rng.choice([-3, -1, 1, 2], len(axes)).tolist()
    signed = (axes - 3 * rng.integers(0, 2, len(axes))).tolist()
    constants = [*bounds, signed, steps]
    node = of("Slice", constants)
    x = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    feeds = {f"c{i}": np.array(c, np.int64) for i, c in enumerate(constants)}
    inputs = [helper.make_tensor_value_info(n, 7, None) for n in ("x", *feeds)]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y0", 7, None)])
    (expected,) = ReferenceEvaluator(helper.make_model(graph)).run(None, {"x": x, **feeds})
    (part,) = told(node, constants)
    np.testing.assert_array_equal(x[np.ix_(*part.ranges)], expected)


@pytest.mark.parametrize(("constants", "says"), [
    ([[0], [2], [1], [0]], "a step of 0"),
    ([[0, 0], [2], [1], [1]], "2 starts, 1 ends"),
    ([[0], [2], [1, 2], [1]], "2 axes"),
    ([[0], [2], [1], [1, 1]], "2 steps"),
    ([[0, 0], [2, 2], [1, -2], [1, 1]], "name one twice"),
    ([[0], [2], [3], [1]], "axis 3"),
])  # fmt: skip
def test_limits_that_do_not_fit_are_named(constants, says):
    with pytest.raises(BadInput, match=says) as caught:
        told(of("Slice", constants), constants)
    assert caught.value.node == "cut"


@pytest.mark.parametrize(("sizes", "outputs"), [([3, 3], 2), ([7], 2), ([8, -1], 2)])
def test_sizes_that_do_not_fit_are_named(sizes, outputs):
    with pytest.raises(BadInput, match="are not those of 7"):
        told(of("Split", [sizes], outputs, axis=1), [sizes])
