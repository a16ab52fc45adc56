"""Streams whose elements are no whole bytes: they compile at any target, and RTL reads them so."""

from __future__ import annotations

from math import lcm

import numpy as np
import onnx
import pytest

from tests.compile.compile_stages import PART, check_rtl
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from hw_bnn.compile.dataflow import build_dataflow, run_dataflow, to_stream_order
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.steps import input_word_bits
from hw_bnn.golden import GoldenModel

full = pytest.mark.full


def dense(sizes, bits: int, signed: int = 0, act: int = 1) -> onnx.ModelProto:
    """Layers of these sizes behind an input of `bits`; `act` bits between them."""
    net = Builder((sizes[0],), bits, 1)
    net.quant(bits, 1.0, signed=signed)
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        net.linear(inputs, outputs)
        if i < len(sizes) - 2:
            net.bipolar() if act == 1 else net.quant(act, 3.0, signed=0)
    return net.model()


def conv(channels: int, bits: int, signed: int = 0, act: int = 1) -> onnx.ModelProto:
    net = Builder((channels, 6, 7), bits, 1)
    net.quant(bits, 1.0, signed=signed)
    net.conv(channels, 5, 3, pads=(1, 1, 1, 1))
    net.bipolar() if act == 1 else net.quant(act, 3.0, signed=0)
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.add("Flatten", axis=1)
    net.linear(45, 3)
    return net.model()


def check(model: onnx.ModelProto, target: int | None, memory: str = "auto", folding=None) -> None:
    """The folded graph, width converters in it, gives golden's scores; its input is whole words."""
    imported = import_model(model)
    graph = build_dataflow(
        model,
        imported,
        part=PART,
        target=target,
        folding=folding,
        mode="both",
        check=False,
        log=None,
        memory=memory,
    )
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 4, 1)
    found = run_dataflow(graph.model, to_stream_order(x, imported.graph.transpose))
    assert np.array_equal(found, golden.scores(x))


@pytest.mark.parametrize("element", range(1, 17))
def test_input_words_hold_whole_bytes_and_elements(element):
    for elements in (1, 7, 8, 24, 63, 64, 97, 784):
        frame = elements * element
        for lanes in (n for n in range(1, elements + 1) if elements % n == 0):
            word = input_word_bits(frame, lanes * element, element)
            assert word >= lanes * element and word % element == 0
            if frame % 8:
                assert word == lanes * element
            else:
                assert word % 8 == 0 and frame % word == 0
                assert word == lanes * element or word % lcm(8, element) == 0


WINDOWS = 378  # cycles a frame of conv(3), unfolded: its windows, a word a cycle
FEW = [(5, None), (5, 9), (3, 512), (6, 4096), (7, None)]


@pytest.mark.parametrize(("bits", "target"), FEW)
def test_dense_inputs(bits, target):
    check(dense((64, 16, 10), bits), target)


@pytest.mark.parametrize(("bits", "act"), [(5, 1), (3, 7)])
def test_channels_of_odd_widths(bits, act):
    check(conv(3, bits, act=act), None)


def test_weights_in_block_ram_and_finns_folding():
    check(dense((64, 16, 10), 5), None, "block")
    check(dense((64, 16, 10), 5), None, folding="finn")


def test_streams_between_layers_of_odd_widths():
    check(dense((97, 89, 15, 7), 5, act=3), 60)


@full
@pytest.mark.parametrize(
    ("bits", "signed"), [(1, 0), *((bits, signed) for bits in range(2, 17) for signed in (0, 1))]
)
def test_every_width_of_input(bits, signed):
    for target in (None, 3, 50, 700, 3000):
        check(dense((64, 16, 10), bits, signed), target)
        check(dense((97, 89, 83, 7), bits, signed), target)
    for target in (None, WINDOWS, 2000):
        check(conv(3, bits, signed), target)


@full
@pytest.mark.parametrize("act", [2, 3, 5, 6, 7])
def test_every_width_between_layers(act):
    for target in (None, 4, 77, 1000):
        check(dense((64, 24, 15, 10), 5, act=act), target)
        check(conv(3, 5, act=act), max(target or 0, WINDOWS))


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (dense((64, 6, 4), 5), 64),
        pytest.param(conv(3, 5, act=3), None, marks=full),
        pytest.param(dense((64, 6, 4), 7), 16, marks=full),
        pytest.param(dense((97, 6, 4), 3, 1), 97, marks=full),
    ],
)
def test_rtl_reads_them(model, target, tmp_path):
    check_rtl(model, tmp_path, target_cycles=target)
