"""FIFO depths: least for the full rate, capped on request."""

import json

import numpy as np
import onnx
import pytest

from hw_bnn.errors import BadInput
from tests.networks.support_case import end, net


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A perceptron whose layers' paces differ, compiled with sized FIFOs."""
    from hw_bnn.compile import compile_model

    folder = tmp_path_factory.mktemp("fifo")
    return network(folder / "small.onnx"), compile_model(
        folder / "small.onnx", folder / "accelerator", target_cycles=48, check=False
    )


def network(path):
    from onnx import TensorProto, helper

    rng = np.random.default_rng(3)
    widths, nodes, values = [48, 32, 24, 6], [], []

    def parameter(name, array):
        array = np.asarray(array, np.float32)
        values.append(helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel()))
        return name

    one = parameter("one", 1)
    nodes.append(
        helper.make_node("BipolarQuant", ["x", one], ["q0"], domain="qonnx.custom_op.general")
    )
    for i, (k, m) in enumerate(zip(widths, widths[1:], strict=False)):
        weights = parameter(f"w{i}", rng.choice([-1.0, 1.0], (k, m)))
        nodes.append(helper.make_node("MatMul", [f"q{i}", weights], [f"dot{i}"]))
        if i < 2:
            nodes.append(
                helper.make_node(
                    "BipolarQuant",
                    [f"dot{i}", one],
                    [f"q{i + 1}"],
                    domain="qonnx.custom_op.general",
                )
            )
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 48])],
        [helper.make_tensor_value_info("dot2", TensorProto.FLOAT, [1, 6])],
        initializer=values,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


def steady(model, words, caps):
    from hw_bnn.errors import CheckFailed

    model.set_fifo_caps(caps)
    try:
        done = model.run(words).frame_done.astype(int)
    except CheckFailed:
        return float("inf")
    return (done[-1] - done[len(done) // 2]) / (len(done) - 1 - len(done) // 2)


@pytest.fixture(scope="module")
def join(tmp_path_factory):
    """A residual block, whose shortcut has to hold what the convolution's window holds."""
    from hw_bnn.compile import compile_model

    made = net((2, 6, 6))
    shortcut = made.quant(2.0, 1.0)
    made.bipolar()
    made.conv(2, 2, 3, 1, (1, 1, 1, 1))
    branch = made.quant(2.0, 4.0)
    made.add("Add", shortcut, source=branch)
    made.bipolar()
    folder = tmp_path_factory.mktemp("join")
    onnx.save(end(made), folder / "join.onnx")
    return folder / "join.onnx", compile_model(
        folder / "join.onnx", folder / "accelerator", target_cycles=324, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("network", ["small", "join"])
def test_one_word_less_anywhere_lowers_the_rate(network, request):
    """Or stops it: the words that a join's shortcut lacks are missing for ever."""
    from hw_bnn.accelerator import Description
    from hw_bnn.sim import NativeModel, pack_input

    _, folder = request.getfixturevalue(network)
    accelerator = Description.load(folder)
    depths = {n.name: n.depth for n in accelerator.nodes if n.op == "Fifo_rtl"}
    shape = (200, *accelerator.input.shape)
    x = np.where(np.random.default_rng(0).integers(0, 2, shape) > 0, 1, -1)
    with NativeModel(folder / "rtl", accelerator) as model:
        words = pack_input(accelerator.input, x)
        assert steady(model, words, depths) == accelerator.bound_cycles
        lowered = [name for name, depth in depths.items() if depth > 1]
        assert lowered, "the network has to need some FIFO"
        rates = [steady(model, words, {**depths, name: depths[name] - 1}) for name in lowered]
        assert all(rate > accelerator.bound_cycles for rate in rates), dict(
            zip(lowered, rates, strict=True)
        )
    report = json.loads((folder / "reports" / "fifo_depths.json").read_text())["fifos"]
    assert {name: f["depth"] for name, f in report.items()} == depths
    assert all(
        report[name]["reason"].startswith("one word less lowers the rate") for name in lowered
    )


@pytest.mark.slow
def test_a_shortcut_holds_several_frames_where_its_branch_does(tmp_path):
    """Each convolution on 2x2 pixels lags by a frame: at the full rate two lie in the shortcut."""
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model

    made = net((2, 2, 2))
    shortcut = made.quant(2.0, 1.0)
    for _ in range(3):
        made.bipolar()
        made.conv(2, 2, 3, 1, (1, 1, 1, 1))
    branch = made.quant(2.0, 4.0)
    made.add("Add", shortcut, source=branch)
    made.bipolar()
    onnx.save(end(made), tmp_path / "n.onnx")
    folder = compile_model(tmp_path / "n.onnx", tmp_path / "a", target_cycles=144, check=False)
    report = json.loads((folder / "reports" / "fifo_depths.json").read_text())
    accelerator = Description.load(folder)
    frame = {s.name: s.words for s in accelerator.streams}
    fifos = [n for n in accelerator.nodes if n.op == "Fifo_rtl"]
    assert any(n.depth > frame[n.outputs[0]] for n in fifos)
    assert report["cycles_per_frame"] == report["bound_cycles"] <= 144


@pytest.mark.slow
def test_cap_that_a_join_cannot_live_with_is_refused(join, tmp_path):
    from hw_bnn.compile import compile_model

    model, _ = join
    with pytest.raises(
        BadInput, match="with FIFOs of at most 1 words the design deadlocks .*; allow deeper"
    ):
        compile_model(model, tmp_path / "out", target_cycles=324, check=False, max_fifo_depth=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_cap_is_honoured_and_its_cost_told(small, tmp_path):
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.simulation import simulate

    model, _ = small
    folder = compile_model(
        model, tmp_path / "capped", target_cycles=48, check=False, max_fifo_depth=1
    )
    accelerator = Description.load(folder)
    assert {n.depth for n in accelerator.nodes if n.op == "Fifo_rtl"} == {1}
    report = json.loads((folder / "reports" / "fifo_depths.json").read_text())
    x = np.where(np.random.default_rng(0).integers(0, 2, (400, 48)) > 0, 1, -1)
    assert report["cycles_per_frame"] == simulate(folder, x).cycles_per_frame
    assert report["cycles_per_frame"] > report["best_cycles_per_frame"]
    assert (
        simulate(folder, x[:50]).fifo_max
        == simulate(
            folder, x[:50], fifo_caps={n.name: 1 for n in accelerator.nodes if n.op == "Fifo_rtl"}
        ).fifo_max
    )


@pytest.mark.slow
def test_one_verilator_build_serves_any_depths(small):
    """Also that of FIFO sizing, in which every FIFO holds a frame."""
    from hw_bnn.accelerator import Description
    from hw_bnn.compile import compile_model
    from hw_bnn.sim.rtl_design import rtl_design

    model, folder = small
    other = compile_model(
        model, folder.parent / "unsized", target_cycles=48, check=False, fifo_sizing="none"
    )
    designs = [rtl_design(f / "rtl", Description.load(f)) for f in (folder, other)]
    assert Description.load(folder).nodes != Description.load(other).nodes
    assert designs[0].key() == designs[1].key()


def test_impossible_cap(tmp_path):
    from hw_bnn.compile import compile_model

    with pytest.raises(BadInput, match="cap on FIFO depths is 0"):
        compile_model(network(tmp_path / "n.onnx"), tmp_path / "out", max_fifo_depth=0)
    assert not (tmp_path / "out").exists()


def test_unknown_output_mode(tmp_path):
    from hw_bnn.compile import compile_model

    with pytest.raises(
        BadInput, match="there is no output mode 'all'; use one of scores, label, both"
    ):
        compile_model(network(tmp_path / "n.onnx"), tmp_path / "out", output_mode="all")
