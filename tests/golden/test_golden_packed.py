"""The packed form equals the plain one: random shapes and the extremes of the XNOR-popcount."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bnn.golden import GoldenModel, packed_dense
from hw_bnn.golden.bits import mismatches, pack, pack_rows, unpack
from hw_bnn.golden.ops import Threshold
from hw_bnn.golden.packed import PackedEngine
from hw_bnn.golden.values import integers
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import Builder, random_network

FILL = st.sampled_from(["random", "plus", "minus"])


def bits(rng, shape, fill):
    return {
        "random": rng.integers(0, 2, shape).astype(bool),
        "plus": np.ones(shape, bool),
        "minus": np.zeros(shape, bool),
    }[fill]


@given(
    st.integers(1, 200),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    FILL,
    st.integers(0, 99),
)
def test_packing_is_bit_c_mod_64_of_word_c_div_64(channels, rest, fill, seed):
    values = bits(np.random.default_rng(seed), (channels, *rest), fill)
    words = pack(values)
    assert words.dtype == np.uint64
    assert words.shape == (-(-channels // 64), *rest)
    for c in {0, channels // 2, channels - 1}:
        assert np.array_equal((words[c // 64] >> np.uint64(c % 64)) & np.uint64(1), values[c])
    if channels % 64:  # bits beyond the channels are 0: they never count as a mismatch
        assert not (words[-1] >> np.uint64(channels % 64)).any()
    assert np.array_equal(unpack(words, channels), values)
    flat = values.reshape(channels, -1)
    assert np.array_equal(pack_rows(flat.T), pack(flat))


@given(st.integers(1, 700), st.integers(1, 40), st.integers(1, 9), FILL, FILL, st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_mismatches_are_counted(inputs, outputs, frames, x_fill, w_fill, seed):
    rng = np.random.default_rng(seed)
    x, w = bits(rng, (inputs, frames), x_fill), bits(rng, (outputs, inputs), w_fill)
    counts = mismatches(list(pack(x)), pack(w.T).T, inputs)
    assert np.array_equal(counts, (w[:, :, None] != x[None]).sum(axis=1))


def check(model, frames: int, seed: int = 0) -> GoldenModel:
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, frames, seed)
    if golden.input.datatype == "BIPOLAR" and frames > 2:
        x[0], x[1] = 1, -1
    else:
        x[0], x[-1] = golden.input.minimum, golden.input.maximum
    plain, packed = golden.trace(x, packed=False), golden.trace(x, packed=True)
    for name, expected in plain.items():
        assert packed[name].dtype == np.int64
        assert np.array_equal(packed[name], expected), name
    return golden


@given(
    st.lists(st.integers(1, 150), min_size=2, max_size=4), st.integers(1, 70), st.integers(0, 10**6)
)
@settings(max_examples=60, deadline=None)
def test_dense_layers(widths, frames, seed):
    net = Builder((widths[0],), seed)
    net.bipolar()
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        net.linear(inputs, outputs)
        net.batch_norm(outputs)
        net.bipolar()
    net.linear(widths[-1], 5)
    check(net.model(), frames, seed)


@pytest.mark.parametrize("value", [1.0, -1.0])
@pytest.mark.parametrize("inputs", [63, 64, 65, 255, 256, 300])
def test_all_weights_and_inputs_equal(value, inputs):
    """The count reaches 0 and K, K below and beyond what 8 bits hold."""
    net = Builder((inputs,))
    net.bipolar()
    net.rng = _Constant(value)
    net.linear(inputs, 9)
    golden = check(net.model(), 6)
    x = np.ones((1, inputs), int)
    assert golden.scores(x).tolist() == [[int(value) * inputs] * 9]
    assert golden.scores(-x).tolist() == [[-int(value) * inputs] * 9]


class _Constant:
    """A random generator that always draws one weight."""

    def __init__(self, value: float):
        self.value = value

    def uniform(self, low, high, shape):
        return np.full(shape, self.value)


@given(
    channels=st.integers(1, 70),
    outputs=st.integers(1, 20),
    size=st.integers(3, 7),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    pool=st.sampled_from([None, 1, 2]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_convolutions(channels, outputs, size, kernel, stride, dilation, pads, pool, seed):
    """Zero padding of a bipolar map is exact: neither +1 nor -1."""
    if min(size + pads[0] + pads[2], size + pads[1] + pads[3]) <= dilation * (
        kernel - 1
    ) + pool_size(pool):
        return
    net = Builder((channels, size, size), seed)
    net.bipolar()
    net.conv(channels, outputs, kernel, stride, pads, dilation)
    net.batch_norm(outputs)
    net.bipolar()
    if (
        pool
        and (size + min(pads[0] + pads[2], pads[1] + pads[3]) - dilation * (kernel - 1) - 1)
        // stride
        > 2
    ):
        net.add("MaxPool", kernel_shape=[2, 2], strides=[pool, pool])
    net.conv(outputs, 3, 1)
    net.batch_norm(3)
    net.quant(3.0)
    check(net.model(), 5, seed)


def pool_size(pool) -> int:
    return pool or 0


def test_many_levels_by_table_and_by_search():
    """8-bit activations: thresholds are looked up, or searched for where the table
    would be too large."""
    for scale, inputs in ((0.5, 30), (2000.0, 60_000)):
        net = Builder((inputs,), 5)
        net.quant(8.0, 1.0)
        net.linear(inputs, 20)
        net.batch_norm(20)
        net.add("Mul", net.constant(0.3))
        net.quant(8.0, scale)
        net.linear(20, 4)
        golden = check(net.model(), 9)
        assert len(np.unique(golden.trace(random_integers(golden, 9))[golden.output_tensor])) > 5


@given(
    st.integers(1, 6),
    st.sampled_from([1, 2, 17, 40]),
    st.sampled_from(["table", "search"]),
    st.integers(0, 10**6),
)
@settings(max_examples=80, deadline=None)
def test_quantisers_on_and_beside_their_thresholds(channels, levels, way, seed):
    rng = np.random.default_rng(seed)
    direction = rng.choice([-1, 0, 1], channels).astype(np.int8)
    values = np.sort(rng.integers(-50, 50, (channels, levels)), axis=1)
    values[direction < 0] = values[direction < 0, ::-1]
    op = Threshold("y", ("x",), "node", -3, 1, direction, values)
    x = np.concatenate([values.T + d for d in (-1, 0, 1)])  # (frames, channels)
    table = packed_dense.LARGEST_TABLE
    packed_dense.LARGEST_TABLE = table if way == "table" else 0
    try:
        fast = packed_dense.dense_threshold(op, integers("y", (channels,), -3, levels - 3))
    finally:
        packed_dense.LARGEST_TABLE = table
    assert np.array_equal(fast(x.T.astype(np.float32)).T, op.run(x))


def test_integers_beyond_float32_are_exact():
    """Sums beyond 2^24, beyond 2^53: the fast form changes its number type."""
    for levels, expected in ((16.0, np.float32), (16.0, np.float64)):
        inputs = 300 if expected is np.float32 else 600
        net = Builder((inputs,), 1)
        net.quant(levels, 1.0)
        net.rng = _Constant(1.0)
        net.linear(inputs, 3)
        golden = GoldenModel.from_onnx(net.model())
        top = np.full((2, inputs), 32767)
        top[1, 0] = 32766
        for form in (True, False):
            assert golden.scores(top, packed=form).tolist() == [
                [32767 * inputs] * 3,
                [32767 * inputs - 1] * 3,
            ]
    net = Builder((4,), 1)
    at = net.quant(16.0, 1.0)
    net.add("Mul", net.constant(2.0**29 + 64))
    other = net.add("Transpose", source=at, perm=[0, 1])  # a tensor of its own: the sum is computed
    net.add("Add", other, source=f"t{net.counter - 1}")
    net.rng = _Constant(1.0)
    net.linear(4, 2)
    golden = GoldenModel.from_onnx(net.model())
    x = np.array([[32767, 32767, 32767, 32766]])
    exact = int(x.sum()) * (2**29 + 65)
    assert golden.scores(x).tolist() == golden.scores(x, packed=False).tolist() == [[exact] * 2]


def test_threads_and_blocks_do_not_change_the_result():
    golden = GoldenModel.from_onnx(random_network(4))
    x = random_integers(golden, 50)
    name = golden.output_tensor
    expected = golden.scores(x, packed=False)
    for threads in (1, 3):
        engine = PackedEngine(golden.program, threads)
        for engine.frames in (1, 7, 64):
            assert np.array_equal(engine.run(x, (name,))[name].reshape(50, -1), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.float32])
def test_any_integer_type_is_taken_and_no_frames_too(dtype):
    net = Builder((10,), 2)
    net.bipolar()
    net.linear(10, 3)
    golden = GoldenModel.from_onnx(net.model())
    x = random_integers(golden, 4)
    assert np.array_equal(golden.scores(x.astype(dtype)), golden.scores(x, packed=False))
    assert golden.scores(x[:0]).shape == (0, 3)
    assert golden.labels(golden.scores(x[:0])).shape == (0,)
