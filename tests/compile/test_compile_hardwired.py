"""Hard-wired layers: exact at every input type, refused where there is no such form."""

import numpy as np
import onnx
import pytest

from hw_bnn.accelerator import Description
from tests.compile.compile_stages import PART, check_rtl
from tests.compile.test_parallel_windows import never_worse
from tests.networks.qonnx_networks import random_cnn
from tests.networks.residual_networks import bireal, resnet20
from tests.networks.small_onnx import perceptron
from tests.networks.support_case import end, net, norm
from tests.test_published_models import published  # noqa: F401  a fixture

pytest.importorskip("finn")

from hw_bnn.compile import compile_model
from hw_bnn.compile.boards import BOARDS
from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.folding import searched
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.hardwiring import Wiring
from hw_bnn.compile.outline import op_of, outline
from hw_bnn.errors import BadInput, Unsupported


def hardwired_ops(model: onnx.ModelProto, mode: str = "scores", target: int | None = 1):
    imported = import_model(model)
    graph = build_dataflow(
        model,
        imported,
        part=PART,
        target=target,
        mode=mode,
        check=True,
        log=None,
        folding=None,
        wiring=Wiring("all", PART, 10.0),
    )
    return graph, [op for op in graph.ops() if op.onnx_node.op_type == "HardwiredMVAU_rtl"]


@pytest.mark.slow
def test_integer_inputs_and_bits_in_rtl(tmp_path):
    """A 4-bit first layer, a layer of bits, raw scores; stalls at both ends."""
    check_rtl(perceptron((12, 7, 6, 3), seed=5), tmp_path, frames=200, hardwired="all")


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


def convolutions() -> onnx.ModelProto:
    """Pixels of 4 bits, a pool, a 1-bit convolution by steps of two."""
    made = net((3, 8, 8))
    made.conv(3, 6, 3)
    norm(made, 6)
    made.bipolar()
    made.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    made.conv(6, 5, 2, stride=1)
    norm(made, 5)
    made.bipolar()
    return end(made)


def padded() -> onnx.ModelProto:
    """A 1-bit map with zeros around it."""
    made = net((3, 6, 6))
    made.conv(3, 4, 3)
    norm(made, 4)
    made.bipolar()
    made.conv(4, 4, 3, pads=(1, 1, 1, 1))
    norm(made, 4)
    made.bipolar()
    return end(made)


def wired(folder) -> list[bool]:
    """Whether each matrix unit is hard-wired, in order."""
    nodes = Description.load(folder).nodes
    return [n.op == "HardwiredMVAU_rtl" for n in nodes if n.op.endswith("MVAU_rtl")]


@pytest.mark.slow
def test_convolutions_in_rtl(tmp_path):
    """One is named, the other is folded; each at its rate."""
    model = convolutions()
    layer = next(n.name for n in model.graph.node if n.op_type == "Conv")
    options = dict(hardwired=layer, target_cycles=64, rate=16)
    assert wired(check_rtl(model, tmp_path, **options)) == [True, False, False]


@pytest.mark.full
def test_convolutions_through_gates_and_hls(tmp_path):
    """All layers as constants, in every stage."""
    from hw_bnn.verify import verify

    onnx.save(convolutions(), tmp_path / "net.onnx")
    summary = verify(
        tmp_path / "net.onnx", out=tmp_path / "out", hardwired="all", frames=300,
        also=["lanes", "hls"],
    )  # fmt: skip
    assert summary["passed"] and summary["cycles_per_frame"] == 64
    assert summary["frames"]["lanes"] == summary["frames"]["hls"] == 300


def test_a_layer_that_is_not_there_is_refused(tmp_path):
    onnx.save(perceptron(), tmp_path / "net.onnx")
    with pytest.raises(BadInput, match="names no layer 'MatMul_9'; (did you mean|all, auto)"):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired="MatMul_9")


NETWORKS = {
    "dense": lambda: perceptron((40, 24, 16, 5), seed=2),
    "convolutions": convolutions,
    "zeros around a map": padded,
    "windows and pools": lambda: random_cnn(7, batch=1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_constants_by_choice_are_never_worse(name):
    """At no target dearer, on no board slower; cheaper where a layer is unfolded far."""
    graph = outline(import_model(NETWORKS[name]()), "both")
    old = searched(graph, "auto", None, None, op_of)
    new = searched(graph, "auto", None, Wiring("auto", PART, 10.0), op_of)
    assert never_worse(new, old, 6, ["pynq-z1"])


MADE = {
    "64-64-10": lambda: perceptron((64, 64, 10)),
    "784-256-256-10": lambda: perceptron((784, 256, 256, 10), bits=8),
    "windows and pools": lambda: random_cnn(7, batch=1),
    "zeros around a map": padded,
    "ResNet, basic blocks": lambda: resnet20((8, 16), size=16, blocks=2),
    "ResNet, Bi-Real's blocks": lambda: bireal((8, 16), size=16, blocks=2),
}
FILES = {
    "zoo_TFC_1W1A": {},
    "zoo_TFC_1W2A": {},
    "em_bnn_model_fc_1layer": {},
    "bnnpynq_cnv_w1a1": {"input_datatype": "UINT8", "input_scale": "1/255"},
}
"""Published network -> what its file lacks."""


@pytest.mark.full
@pytest.mark.parametrize("memory", ["auto", "lut"])
@pytest.mark.parametrize("name", [*MADE, *FILES])
def test_constants_by_choice_are_never_worse_on_ten(name, memory, published):  # noqa: F811
    """At 25 targets and on every board; with weights in LUTs alone the worth is the LUTs."""
    model = MADE[name]() if name in MADE else onnx.load(published(name))
    graph = outline(import_model(model, **FILES.get(name, {})), "both")
    old = searched(graph, memory, None, None, op_of)
    new = searched(graph, memory, None, Wiring("auto", PART, 10.0), op_of)
    never_worse(new, old, 25, BOARDS)


@pytest.mark.slow
def test_constants_by_choice(tmp_path):
    """Not the layer that is cheaper folded."""
    folder = check_rtl(padded(), tmp_path, hardwired="auto", target_cycles=64)
    assert wired(folder) == [True, False, False]


def two_bit_outputs():
    made = net((12,))
    made.linear(12, 8)
    norm(made, 8)
    made.quant(2)
    return end(made)


@pytest.mark.parametrize(
    "build, reason",
    [(two_bit_outputs, "a hard-wired layer gives bits, this one has 4 levels")],
)
def test_what_has_no_hard_wired_form_is_refused_by_name(tmp_path, build, reason):
    onnx.save(build(), tmp_path / "net.onnx")
    with pytest.raises(Unsupported, match=rf"\w+: {reason}.*without hardwired='all'"):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired="all")
    assert not (tmp_path / "out").exists()


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
        tmp_path / "net.onnx", out=tmp_path / "out", hardwired="all", inputs=tmp_path / "x.npy"
    )
    assert (
        summary["passed"] and summary["frames"]["rtl"] == 1797 and summary["cycles_per_frame"] == 1
    )
    folder = tmp_path / "out" / "accelerator"
    synth(folder)
    gates, rtl = simulate(folder, x, engine="netlist"), simulate(folder, x)
    np.testing.assert_array_equal(gates.scores, rtl.scores)
    np.testing.assert_array_equal(gates.labels, rtl.labels)
