"""Hard-wired layers: exact at every input type, refused where there is no such form."""

import numpy as np
import onnx
import pytest

from tests.compile.compile_stages import PART, check_rtl
from tests.networks.small_onnx import perceptron
from tests.networks.support_case import end, net, norm

pytest.importorskip("finn")

from hw_bnn.compile import compile_model
from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from hw_bnn.errors import BadInput, Unsupported


def hardwired_ops(model: onnx.ModelProto, mode: str = "scores"):
    imported = import_model(model)
    graph = build_dataflow(
        model,
        imported,
        part=PART,
        target=1,
        mode=mode,
        check=True,
        log=None,
        folding=None,
        hardwired=True,
    )
    return graph, [op for op in graph.ops() if op.onnx_node.op_type == "HardwiredMVAU_rtl"]


@pytest.mark.slow
def test_integer_inputs_and_bits_in_rtl(tmp_path):
    """A 4-bit first layer, a layer of bits, raw scores; stalls at both ends."""
    check_rtl(perceptron((12, 7, 6, 3), seed=5), tmp_path, frames=200, hardwired=True)


def test_layers_become_constants():
    graph, ops = hardwired_ops(perceptron((12, 8, 6, 3), seed=1))
    assert [op.folding() for op in ops] == [(12, 8, 8, 12), (8, 6, 6, 8), (6, 3, 3, 6)]
    assert all(op.get_exp_cycles() == 1 and not op.memories(graph.model) for op in ops)


@pytest.mark.parametrize("datatype", ["BIPOLAR", "UINT3", "INT3"])
@pytest.mark.parametrize("thresholds", [True, False])
def test_the_generated_network_is_the_layer(datatype, thresholds):
    """network() over unsigned inputs = the definition over the tensor's own values."""
    from onnx import TensorProto, helper
    from qonnx.core.datatype import DataType
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    from hw_bnn.compile import ops  # noqa: F401
    from hw_bnn.compile.ops.kernel import DOMAIN

    rng = np.random.default_rng(len(datatype) + thresholds)
    weights = np.where(rng.random((9, 5)) < 0.5, -1.0, 1.0).astype(np.float32)
    names = ["x", "w", *(["t"] if thresholds else [])]
    node = helper.make_node(
        "HardwiredMVAU_rtl",
        names,
        ["y"],
        domain=DOMAIN,
        backend="fpgadataflow",
        MW=9,
        MH=5,
        SIMD=9,
        PE=5,
        inputDataType=datatype,
        weightDataType="BIPOLAR",
        accDataType="INT16",
        outputDataType="BIPOLAR" if thresholds else "INT8",
        noActivation=int(not thresholds),
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 9])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
    )
    model = ModelWrapper(helper.make_model(graph))
    model.set_initializer("w", weights)
    limits = rng.integers(-6, 7, (5, 1))
    if thresholds:
        model.set_initializer("t", limits.astype(np.float32))
    network = getCustomOp(model.graph.node[0]).network(model)
    kind = DataType[datatype]
    u = rng.integers(0, 2 ** kind.bitwidth(), (300, 9))
    x = 2 * u - 1 if datatype == "BIPOLAR" else u + int(kind.min())
    sums = x @ weights.astype(int)
    expected = sums >= limits[:, 0] if thresholds else sums
    assert network.input_signed == (datatype == "INT3")
    np.testing.assert_array_equal(network.evaluate(u), expected)


def convolution():
    made = net((3, 6, 6))
    made.conv(3, 4, 3)
    norm(made, 4)
    made.bipolar()
    return end(made)


def two_bit_outputs():
    made = net((12,))
    made.linear(12, 8)
    norm(made, 8)
    made.quant(2)
    return end(made)


@pytest.mark.parametrize(
    "build, reason",
    [
        (convolution, "a convolution has no hard-wired form"),
        (two_bit_outputs, "a hard-wired layer gives bits, this one has 4 levels"),
    ],
)
def test_what_has_no_hard_wired_form_is_refused_by_name(tmp_path, build, reason):
    onnx.save(build(), tmp_path / "net.onnx")
    with pytest.raises(Unsupported, match=rf"\w+: {reason}.*without hardwired=True"):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired=True)
    assert not (tmp_path / "out").exists()


def test_a_folding_and_hard_wired_layers_exclude_each_other(tmp_path):
    onnx.save(perceptron(), tmp_path / "net.onnx")
    with pytest.raises(BadInput, match="hardwired= and folding="):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired=True, folding={})


@pytest.mark.full
def test_digits_through_every_stage(tmp_path):
    """64-64-64-64-10, pixels binarised: all 1,797 images, also as gates."""
    from benchmarks.digits_mlp import qonnx_model, train
    from hw_bnn.simulation import simulate
    from hw_bnn.synth import synth
    from hw_bnn.verify import verify

    weights, thresholds, bits, _, _ = train()
    onnx.save(qonnx_model(weights, thresholds), tmp_path / "net.onnx")
    x = 2 * bits.astype(np.int64) - 1
    np.save(tmp_path / "x.npy", x)
    summary = verify(
        tmp_path / "net.onnx", out=tmp_path / "out", hardwired=True, inputs=tmp_path / "x.npy"
    )
    assert (
        summary["passed"] and summary["frames"]["rtl"] == 1797 and summary["cycles_per_frame"] == 1
    )
    folder = tmp_path / "out" / "accelerator"
    synth(folder)
    gates, rtl = simulate(folder, x, engine="netlist"), simulate(folder, x)
    np.testing.assert_array_equal(gates.scores, rtl.scores)
    np.testing.assert_array_equal(gates.labels, rtl.labels)
