"""Memory words, window masks, types, passes and the folder as a whole."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest

from tests.compile.compile_stages import PART
from tests.networks.support_case import end, net, norm
from tests.networks.support_cases import CASES

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile.frontend import import_model, reachable_scores
from hw_bnn.compile.integer_graph import Add, Linear, Threshold, datatype_for
from hw_bnn.compile.lowering import lower
from hw_bnn.compile.passes import prepare


def case(name: str):
    return next(c for c in CASES if c.name == name).build()


# -- memory words --


def test_weight_memory_follows_the_folding():
    """Word nf*SF+sf, bit pe*SIMD+simd holds W[nf*PE+pe][sf*SIMD+simd]."""
    from hw_bnn.compile.dataflow import build_dataflow

    made = net((12,))
    made.linear(12, 8)
    norm(made, 8)
    made.bipolar()
    model = end(made)
    imported = import_model(model)
    graph = build_dataflow(
        model,
        imported,
        part=PART,
        target=None,
        mode="scores",
        check=False,
        log=None,
        folding={"XnorMVAU_rtl_0": {"PE": 2, "SIMD": 3}},
    )
    op = next(o for o in graph.ops() if o.onnx_node.name == "XnorMVAU_rtl_0")
    words = [int(w, 16) for w in op.memory_files(graph.model)["XnorMVAU_rtl_0_weights.hex"]]
    weights = next(o for o in imported.graph.ops if isinstance(o, Linear)).weights
    assert len(words) == 4 * 4
    for nf in range(4):
        for sf in range(4):
            for pe in range(2):
                for simd in range(3):
                    bit = words[nf * 4 + sf] >> (pe * 3 + simd) & 1
                    assert bit == (weights[nf * 2 + pe, sf * 3 + simd] > 0)


@pytest.mark.parametrize("seed", range(12))
def test_popcount_thresholds_with_masked_lanes(seed):
    """Popcount >= T' is dot >= T for every input, with each lane in the padding counted as 0."""
    from hw_bnn.compile.ops.mvau import window_masks

    rng = np.random.default_rng(seed)
    kh, kw, c = (int(v) for v in rng.integers(1, 4, 3))
    sh, sw, dh, dw = (int(v) for v in rng.integers(1, 3, 4))
    h, w = int(rng.integers(5, 8)), int(rng.integers(5, 8))
    pads = [int(v) for v in rng.integers(0, 3, 4)]
    masks, index = window_masks((h, w, kh, kw, sh, sw, dh, dw, *pads), kh * kw * c)
    frame = np.pad(rng.choice([-1, 1], (h, w, c)), ((pads[0], pads[2]), (pads[1], pads[3]), (0, 0)))
    rows = (frame.shape[0] - dh * (kh - 1) - 1) // sh + 1
    columns = (frame.shape[1] - dw * (kw - 1) - 1) // sw + 1
    assert len(index) == rows * columns
    assert len({m.tobytes() for m in masks}) == len(masks) == index.max() + 1
    weights = rng.choice([-1, 1], kh * kw * c)
    for position, mask in enumerate(index):
        y, x = divmod(position, columns)
        window = frame[
            y * sh : y * sh + dh * (kh - 1) + 1 : dh, x * sw : x * sw + dw * (kw - 1) + 1 : dw
        ].reshape(-1)
        assert np.array_equal(window == 0, masks[mask] == 1)
        bits = np.where(window > 0, 1, -1)  # what the hardware sees: padding as -1
        popcount = int((bits == weights).sum())
        for threshold in range(-len(weights) - 1, len(weights) + 2):
            shifted = threshold - int(masks[mask] @ weights)
            reached = popcount >= -((-(shifted + len(weights))) // 2)
            assert reached == (int(window @ weights) >= threshold)


def test_types_hold_their_range():
    from qonnx.core.datatype import DataType

    for low in range(-20, 1):
        for high in range(max(low, 0), 20):
            dtype = DataType[datatype_for(low, high)]
            assert dtype.min() <= low and high <= dtype.max()
            if dtype.bitwidth() > 1 + (low < 0):
                narrower = DataType[f"{'INT' if low < 0 else 'UINT'}{dtype.bitwidth() - 1}"]
                assert low < narrower.min() or high > narrower.max()


# -- passes --


def test_a_falling_threshold_behind_a_layer_turns_its_weights():
    made = net((12,))
    made.linear(12, 9)
    norm(made, 9)
    made.bipolar()
    model = end(made)
    before, after = lower(model), prepare(lower(model))
    threshold = next(op for op in before.ops if isinstance(op, Threshold))
    assert threshold.negate.any() and not threshold.negate.all()
    assert not any(op.negate.any() for op in after.ops if isinstance(op, Threshold))
    layer, turned = before.ops[0], after.ops[0]
    sign = np.where(threshold.negate, -1, 1)[:, None]
    assert np.array_equal(layer.weights * sign, turned.weights)


def test_a_falling_threshold_behind_a_sum_stays():
    graph = import_model(case("Residual: BatchNorm of both signs behind the sum")).graph
    falling = [op for op in graph.ops if isinstance(op, Threshold) and op.negate.any()]
    assert len(falling) == 1 and isinstance(graph.producer(falling[0].inputs[0]), Add)


def test_zero_padding_without_a_threshold_widens_the_map():
    graph = import_model(
        case("Padding of 1-bit maps: exact zeros, accumulators wanted (no threshold)")
    ).graph
    layer = next(op for op in graph.ops if isinstance(op, Linear))
    assert graph.tensors[layer.inputs[0]].datatype == "INT2"


def test_scores_have_the_parity_of_the_layer():
    made = net((7,))
    made.linear(7, 3)
    graph = import_model(made.model()).graph
    assert reachable_scores(graph) == [range(-7, 8, 2)] * 3
    made = net((7,), quantiser="uint2")
    made.linear(7, 3)
    (scores,) = {r.step for r in reachable_scores(import_model(made.model()).graph)}
    assert scores == 1


# -- the folder --


def digests(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and "reports" not in p.parts
    }


def test_same_input_and_options_give_the_same_bytes(tmp_path):
    from hw_bnn.compile import compile_model

    path = tmp_path / "net.onnx"
    onnx.save(case("Residual: BatchNorm of both signs behind the sum"), path)
    folders = [
        compile_model(path, tmp_path / name, fifo_sizing="none", check=False, target_cycles=400)
        for name in ("a", "b")
    ]
    first, second = map(digests, folders)
    assert first == second
    assert {"accelerator.json", "dataflow.onnx", "model.onnx", "rtl/net.sv"} <= set(first)
    document = json.loads((folders[0] / "accelerator.json").read_text())
    assert all(first[name] == digest for name, digest in document["hashes"].items())
    for file in folders[0].rglob("*"):
        if file.is_file() and "reports" not in file.parts:
            assert str(tmp_path).encode() not in file.read_bytes(), file
    the_description_is_what_was_written(folders[0])


def the_description_is_what_was_written(folder):
    """A node's parameters and memories in accelerator.json are those of its wrapper and files."""
    accelerator = Description.load(folder)
    nodes = [n for n in accelerator.nodes if n.name != "tlast"]
    for node in nodes:
        wrapper = (folder / "rtl" / f"{accelerator.module_of(node)}.v").read_text()
        for name, value in node.parameters.items():
            literal = f'"{value}"' if isinstance(value, str) else value
            assert f".{name}({literal})" in wrapper, (node.name, name)
        named = wrapper.count('.hex")')
        assert named == len(node.memories), node.name
        for memory in node.memories:
            assert f'.{memory.parameter}("{memory.file}")' in wrapper
            lines = (folder / "rtl" / memory.file).read_text().split()
            assert len(lines) == memory.words
            assert all(int(line, 16) < 1 << memory.bits for line in lines)
    assert sum(len(node.memories) for node in nodes) >= 4


def test_checking_mode_finds_a_planted_fault(tmp_path, monkeypatch):
    """A compiler that turns one weight is caught after the first step, by raw scores."""
    from hw_bnn.compile import compile_model, frontend
    from hw_bnn.errors import CheckFailed

    real = frontend.prepare

    def faulty(graph):
        graph = real(graph)
        layer = next(op for op in reversed(graph.ops) if isinstance(op, Linear))
        layer.weights[0, 0] *= -1
        return graph

    monkeypatch.setattr(frontend, "prepare", faulty)
    path = tmp_path / "net.onnx"
    onnx.save(case("Dense: MatMul + Add"), path)
    with pytest.raises(CheckFailed, match="after step_.* differs from the golden model"):
        compile_model(path, tmp_path / "out", fifo_sizing="none")
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
