"""Parameters that the file computes: float32's error in them is part of every bound behind them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from hw_bnn.golden import GoldenModel
from hw_bnn.golden.importer import Importer
from tests.float_executor import execute
from tests.networks.qonnx_networks import Builder

LARGE = 3e4


def computed(net: Builder, wanted) -> str:
    """`wanted`, as (wanted + 30000) - 30000: exact in numbers, off by up to 1e-3 in float32."""
    at, wanted = net.at, np.asarray(wanted, np.float32)
    large = net.constant(np.full(wanted.shape, LARGE))
    net.add("Add", large, source=net.constant(wanted))
    out = net.add("Sub", large)
    net.at = at
    return out


def batch_norm(which: int):
    def build(net: Builder) -> None:
        parameters = [[0.7, -1.3, 0.1, 2.1], [0.4, -0.3, 0.2, 0.9], [1.4, 0.3, -2.2, 3.3],
                      [0.013, 0.5, 0.3, 1.7]]  # fmt: skip
        names = [
            computed(net, p) if i == which else net.constant(p) for i, p in enumerate(parameters)
        ]
        net.add("BatchNormalization", *names)

    return build


PARAMETERS = {
    "gain": batch_norm(0),
    "bias": batch_norm(1),
    "mean": batch_norm(2),
    "variance": batch_norm(3),
    "slope": lambda net: net.add("PRelu", computed(net, [0.3, 0.1, 0.6, 3.7])),
    "lower limit": lambda net: net.add("Clip", computed(net, 0.3)),
    "upper limit": lambda net: net.add("Clip", net.constant(-1.0), computed(net, 1.3)),
}


@pytest.mark.parametrize("build", PARAMETERS.values(), ids=PARAMETERS)
def test_float32_stays_within_the_bound_of_computed_parameters(build):
    """Each value behind it, by onnx's evaluator in float32 and in float64, lies within `error`."""
    net = Builder((6,), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    before = net.linear(6, 4)
    build(net)
    at = net.at
    net.bipolar()
    net.linear(4, 3)
    model = net.model()
    importer = Importer(model, None, None)
    golden = GoldenModel(importer.run())
    value = importer.values[at]
    x = np.random.default_rng(5).integers(0, 16, (64, 6))
    reals = golden.real_input(x)
    exact = execute(model, reals).tensors[at]
    single = in_float32(model, before, at, execute(model, reals).tensors[before])
    assert (np.abs(single - exact) <= value.error).all()
    assert (np.abs(single - exact) > 1e-5).any(), "a computed parameter that has no error"


def in_float32(model: onnx.ModelProto, start: str, end: str, x: np.ndarray) -> np.ndarray:
    """The tensor `end` of a model, computed in float32 from the values x of its tensor `start`."""
    needed, nodes = {end}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output) and start not in node.output:
            needed.update(node.input)
            nodes.insert(0, node)
    graph = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info(start, TensorProto.FLOAT, list(x.shape))],
        [helper.make_tensor_value_info(end, TensorProto.FLOAT, None)],
        model.graph.initializer,
    )
    opsets = [helper.make_opsetid("", 15)]  # before 14 it normalises by the batch
    run = ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    return run.run([end], {start: x.astype(np.float32)})[0].astype(np.float64)


def bound_before(quantiser) -> tuple[np.ndarray, np.ndarray]:
    """(bound before the last quantiser, bound behind it) of 4 scores."""
    net = Builder((6,), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    net.linear(6, 4)
    quantiser(net)
    at = net.at
    net.linear(4, 3)
    program = GoldenModel.from_onnx(net.model()).program
    return program.quantisers[at].value.error, program.tensors[at].error


def test_thresholds_and_zero_points_carry_their_error():
    """1.0003 comes out of the file's float32 sums as 1.0, and 3.0001 as 3.0."""
    table = np.float32([[0.3], [1.0003], [-0.7], [2.0]])
    rounded = np.abs((table + np.float32(LARGE)) - np.float32(LARGE) - table).max(axis=1)

    def thresholds(net: Builder) -> None:
        net.add("MultiThreshold", computed(net, table), out_dtype="UINT1")

    before, _ = bound_before(thresholds)
    assert (before >= rounded).all() and rounded.max() > 1e-4

    def quant(net: Builder) -> None:
        zero = computed(net, 3.0001)
        net.add("Quant", net.constant(0.5), zero, net.constant(4.0), signed=1, narrow=0,
                rounding_mode="ROUND")  # fmt: skip

    before, behind = bound_before(quant)
    wrong = abs(float(np.float32(3.0001)) - float(np.float32(3.0001) + np.float32(LARGE)) + LARGE)
    assert wrong > 1e-5
    assert (before >= wrong).all() and (behind >= 0.5 * wrong).all()


def test_a_limit_above_all_values_is_their_magnitude():
    """Clip to 1000 and more of values below 5: float32 rounds numbers of 1000."""
    net = Builder((6,), 3, 1)
    net.quant(4.0, 0.125, signed=0)
    net.linear(6, 4)
    net.add("Clip", net.constant(1000.0), net.constant(2000.0))
    at = net.at
    net.bipolar()
    net.linear(4, 3)
    importer = Importer(net.model(), None, None)
    importer.run()
    assert 1000 <= importer.values[at].magnitude().max() < 1001
