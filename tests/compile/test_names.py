"""Names of the user's file meet none of the compiler's, whatever they are."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tests.compile.compile_stages import PART, dataflow_scores
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.provenance import layers, origins
from hw_bnn.golden import GoldenModel

OURS = [
    "global_in", "global_out", "head_affine", "input_words", "t0", "t1", "t2_weights", "t2_flat",
    "t2_shape", "t1_thresholds", "tensor_0", "tensor_1", "MVAU_0_out0", "Fifo_rtl_0_out0",
    "Fork_rtl_0", "XnorMVAU_rtl_0_weights.hex", "s_axis", "m_axis",
]  # fmt: skip


def network() -> onnx.ModelProto:
    """Padded convolution, flattening, a last BatchNorm: every kind of tensor with a name."""
    net = Builder((2, 4, 4), 1, 1)
    net.quant(4, 1.0, signed=0)
    net.conv(2, 3, 3, pads=(1, 1, 1, 1))
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(48, 4)
    net.batch_norm(4)
    return net.model()


def renamed(model: onnx.ModelProto, new: dict[str, str]) -> onnx.ModelProto:
    """Tensors by other names."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.input[:] = [new.get(n, n) for n in node.input]
        node.output[:] = [new.get(n, n) for n in node.output]
    for named in (*copy.graph.initializer, *copy.graph.input, *copy.graph.output):
        named.name = new.get(named.name, named.name)
    return copy


def tensors(model: onnx.ModelProto) -> list[str]:
    found = [i.name for i in (*model.graph.input, *model.graph.initializer)]
    return found + [name for node in model.graph.node for name in node.output]


@pytest.mark.parametrize("seed", range(6))
def test_our_own_names_in_the_users_file(seed):
    model = network()
    names = tensors(model)
    drawn = np.random.default_rng(seed).permutation(len(names))
    new = {names[i]: ours for i, ours in zip(drawn, OURS, strict=False)}
    new[model.graph.output[0].name] = "global_out" if seed % 2 else OURS[-1]
    spare = (f"spare{i}" for i in range(len(names)))
    taken: set[str] = set()
    for name in names:  # each name once
        if new.get(name) in taken:
            new[name] = next(spare)
        taken.add(new.get(name, name))
    golden = GoldenModel.from_onnx(renamed(model, new))
    x = random_integers(golden, 4, 1)
    expected = GoldenModel.from_onnx(model).scores(x)
    assert np.array_equal(golden.scores(x), expected)
    assert np.array_equal(dataflow_scores(renamed(model, new), x, mode="both"), expected)


def test_a_dense_layer_that_writes_global_out():
    """What qonnx-cleanup and FINN write."""
    net = Builder((8,), 0, 1)
    net.quant(4, 1.0, signed=0)
    net.linear(8, 3)
    model = renamed(net.model(), {net.at: "global_out", "x": "global_in"})
    x = random_integers(GoldenModel.from_onnx(model), 4, 1)
    assert np.array_equal(dataflow_scores(model, x), GoldenModel.from_onnx(model).scores(x))


def test_layers_and_tensors_are_told_by_the_users_names(tmp_path):
    model = renamed(network(), {"x": "the input/é'\"$(x)"})
    onnx.save(model, tmp_path / "n.onnx")
    folder = compile_model(tmp_path / "n.onnx", tmp_path / "a", check=False, fifo_sizing="none")
    accelerator = Description.load(folder)
    users = {node.name for node in model.graph.node}
    told = {node.op: node.layer for node in accelerator.nodes}
    for op in ("StreamPad_rtl", "SlidingWindow_rtl", "IntMVAU_rtl", "XnorMVAU_rtl"):
        assert told[op] in users
    assert told["StreamPad_rtl"] == told["IntMVAU_rtl"] != told["XnorMVAU_rtl"]
    held = {stream.tensor for stream in accelerator.streams} - {None}
    assert held <= set(tensors(model)) and accelerator.input.tensor in held
    assert accelerator.output.tensor in held


def test_equal_weights_are_told_apart():
    """Two layers with the same weights, the second's inputs permuted: names by place."""
    net = Builder((6,), 0, 1)
    net.bipolar()
    weights = net.constant(np.where(np.eye(6) > 0, -1.0, 1.0))
    first = net.add("MatMul", weights)
    net.bipolar()
    second = net.add("MatMul", weights)
    net.bipolar()
    net.linear(6, 2)
    model = net.model()
    graph = build_dataflow(
        model,
        import_model(model),
        part=PART,
        target=None,
        folding=None,
        mode="scores",
        check=True,
        log=None,
    ).model
    named = {node.output[0]: node.name for node in model.graph.node}
    mvaus = [node.name for node in graph.graph.node if "MVAU" in node.op_type]
    assert [layers(graph)[n] for n in mvaus[:2]] == [named[first], named[second]]
    assert len(set(origins(graph).values())) == 4
