"""Random shapes of every kernel with a C++ twin, and the data that its bench draws for them."""

from __future__ import annotations

import numpy as np

from hw_bnn.hardwired import Layer, Network
from hw_bnn.kernels.logic import bits_for
from rtl_tests.add import test_add as add
from rtl_tests.affine_argmax import test_affine_argmax as affine_argmax
from rtl_tests.bench import Data, Stream
from rtl_tests.channels import test_channels as channels
from rtl_tests.concat import test_concat as concat
from rtl_tests.hls.csim_bench import Case
from rtl_tests.int_mvau import test_int_mvau as int_mvau
from rtl_tests.max_pool import test_max_pool as max_pool
from rtl_tests.packing import pack_words
from rtl_tests.pad import test_pad as pad
from rtl_tests.parallel_window import test_parallel_window as parallel_window
from rtl_tests.requantise import test_requantise as requantise
from rtl_tests.stream_fork import test_stream_fork as stream_fork
from rtl_tests.sum_pool import test_sum_pool as sum_pool
from rtl_tests.threshold import test_threshold as threshold
from rtl_tests.vvau import test_vvau as vvau
from rtl_tests.wide_mvau import test_wide_mvau as wide_mvau
from rtl_tests.width_converter import test_width_converter as width_converter
from rtl_tests.window import test_window as window
from rtl_tests.xnor_mvau import test_xnor_mvau as xnor_mvau


def draw(kernel: str, rng: np.random.Generator) -> Case:
    """One random case of a kernel."""
    return globals()[f"_{kernel}"](rng)


def fixed(kernel: str, rng: np.random.Generator) -> list[Case]:
    """The bench's own corner cases."""
    if kernel == "hardwired_flow":
        return []
    if kernel in ("window", "parallel_window"):
        bench = globals()[kernel]
        shapes = bench.SHAPES + bench.MORE_SHAPES
        return [(kernel, shape.parameters(), bench.draw(shape, rng)) for shape in shapes]
    if kernel == "max_pool":
        described = max_pool.SHAPES + max_pool.MORE_SHAPES
        return [(kernel, d[0], max_pool.draw(d, rng)) for d in described]
    module = globals()[kernel]
    if kernel == "width_converter":
        shapes = [module.shape_of(*size) for size in module.SIZES]
    else:
        shapes = module.SHAPES + getattr(module, "MORE_SHAPES", []) + getattr(module, "MANY", [])
    cases = [(kernel, shape, module.draw(shape, rng)) for shape in shapes]
    if kernel == "threshold":
        cases += [(kernel, s, threshold.draw(s, rng, falling=True)) for s in threshold.FALLING]
    return cases


def _xnor_mvau(rng) -> Case:
    shape = xnor_mvau.draw_shape(rng)
    if rng.integers(0, 8) == 0:  # words of more than one limb
        shape |= {"SIMD": 70, "MW": 70 * int(rng.integers(1, 4))}
        if shape["N_THRESHOLDS"] == 0:
            shape["OUT_BITS"] = 10
    return "xnor_mvau", shape, xnor_mvau.draw(shape, rng)


def _int_mvau(rng) -> Case:
    shape = int_mvau.draw_shape(rng)
    return "int_mvau", shape, int_mvau.draw(shape, rng)


def _wide_mvau(rng) -> Case:
    shape = wide_mvau.draw_shape(rng)
    return "wide_mvau", shape, wide_mvau.draw(shape, rng)


def _vvau(rng) -> Case:
    shape = vvau.draw_shape(rng)
    return "vvau", shape, vvau.draw(shape, rng)


def _threshold(rng) -> Case:
    shape = threshold.draw_shape(rng)
    falling = bool(rng.integers(0, 2))
    return "threshold", shape, threshold.draw(shape, rng, falling=falling)


def _requantise(rng) -> Case:
    shape = requantise.draw_shape(rng)
    return "requantise", shape, requantise.draw(shape, rng)


def _window(rng) -> Case:
    shape = window.random_shape(rng)
    return "window", shape.parameters(), window.draw(shape, rng)


def _parallel_window(rng) -> Case:
    shape = parallel_window.random_shape(rng)
    return "parallel_window", shape.parameters(), parallel_window.draw(shape, rng)


def _width_converter(rng) -> Case:
    shape = width_converter.draw_shape(rng)
    return "width_converter", shape, width_converter.draw(shape, rng)


def _image(rng) -> tuple[int, int, int, int]:
    """Height, width, channels, SIMD."""
    simd, fold = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    return int(rng.integers(1, 8)), int(rng.integers(1, 8)), simd * fold, simd


def _pad(rng) -> Case:
    bits = int(rng.integers(1, 10))
    pads = tuple(map(int, rng.integers(0, 4, 4)))
    value = int(rng.integers(-(1 << bits - 1), 1 << bits))
    shape = pad.shape(*_image(rng), bits, pads, value)
    return "pad", shape, pad.draw(shape, rng)


def _pool(rng) -> tuple:
    """An image, a kernel that fits it, a stride, and borders narrower than the kernel."""
    height, width, channels, simd = _image(rng)
    pads = [0, 0, 0, 0]
    kernel = [int(rng.integers(1, size + 1)) for size in (height, width)]
    if rng.integers(0, 2):
        tops = (kernel[0], kernel[0], kernel[1], kernel[1])
        pads = [int(rng.integers(0, k)) for k in tops]
    stride = tuple(map(int, rng.integers(1, 4, 2)))
    return (height, width, channels, simd), tuple(kernel), stride, tuple(pads)


def _max_pool(rng) -> Case:
    image, kernel, stride, pads = _pool(rng)
    bits = int(rng.choice([1, 1, 2, 4, 9]))
    signed = int(bits > 1 and rng.integers(0, 2))
    kind = str(rng.choice(["max", "min", "mixed"]))
    shape = max_pool.shape(*image, bits, kernel, stride, signed=signed, pads=pads)
    return "max_pool", shape, max_pool.draw((shape, kind), rng)


def _sum_pool(rng) -> Case:
    image, kernel, stride, pads = _pool(rng)
    kind = str(rng.choice(["signed", "unsigned", "bipolar"]))
    bits = 1 if kind == "bipolar" else int(rng.integers(2 if kind == "signed" else 1, 9))
    pixels = kernel[0] * kernel[1]
    grown = pixels.bit_length() + 1 if kind == "bipolar" else bits + (pixels - 1).bit_length()
    if kind == "unsigned":
        grown = (pixels * (2**bits - 1)).bit_length()
    shift = int(rng.integers(0, min(3, grown)))
    out_bits = grown - shift + int(rng.integers(0, 2))
    shape = sum_pool.shape(*image, bits, kind, kernel, stride, out_bits, shift, pads)
    return "sum_pool", shape, sum_pool.draw(shape, rng)


def _add(rng) -> Case:
    sides = []
    for _ in range(2):
        kind = str(rng.choice(["signed", "unsigned", "bipolar"]))
        bits = 1 if kind == "bipolar" else int(rng.integers(1, 17))
        sides.append((bits, kind, int(rng.integers(-5, 6))))
    largest = sum((2**bits) * max(1, abs(scale)) for bits, _, scale in sides)
    shape = add.shape(int(rng.integers(1, 6)), *sides, largest.bit_length() + 1)
    return "add", shape, add.draw(shape, rng)


def _concat(rng) -> Case:
    shape = concat.draw_shape(rng)
    return "concat", shape, concat.draw(shape, rng)


def _channels(rng) -> Case:
    shape = channels.draw_shape(rng)
    return "channels", shape, channels.draw(shape, rng)


def _affine_argmax(rng) -> Case:
    pe = int(rng.integers(1, 8))
    n, bits, mode = pe * int(rng.integers(1, 5)), int(rng.integers(2, 20)), int(rng.integers(0, 3))
    shape = {"N": n, "PE": pe, "IN_BITS": bits, "MODE": mode, "IN_SIGNED": int(rng.integers(0, 2))}
    if mode != 1:
        shape["SCORE_BITS"] = bits + int(rng.integers(0, 3))
    if mode != 0:
        shape["LABEL_BITS"] = max(1, bits_for(n)) + int(rng.integers(0, 3))
        if rng.integers(0, 2):
            shape |= {"A_BITS": int(rng.integers(1, 12)), "B_BITS": int(rng.integers(1, 24))}
    return "affine_argmax", shape, affine_argmax.draw(shape, rng)


def _stream_fork(rng) -> Case:
    shape = {"BITS": int(rng.integers(1, 150)), "N": int(rng.integers(1, 5))}
    if shape["BITS"] > 60:  # the bench draws words of up to 60 bits
        shape["BITS"] %= 60
        shape["BITS"] += 1
    return "stream_fork", shape, stream_fork.draw(shape, rng)


def _hardwired_flow(rng: np.random.Generator, frames: int = 40) -> Case:
    """A random hard-wired layer against Network.evaluate, with limits among the sums."""
    mw, mh, bits = (int(rng.integers(1, top)) for top in (90, 9, 6))
    signed, weights = bool(rng.integers(0, 2)), rng.choice([-1, 1], (mh, mw))
    sent = rng.integers(0, 1 << bits, (frames, mw))
    u = sent ^ (1 << bits - 1) if signed else sent  # what a two's complement number counts as
    if rng.integers(0, 2):
        sums = Network([Layer(weights, None)], bits).evaluate(u)
        limits = rng.choice(sums.reshape(-1), mh) + rng.integers(-1, 2, mh)
        layer = Layer(weights, limits)
    else:
        offsets = rng.integers(-50, 50, mh)
        layer = Layer(weights, None, offsets, int(rng.integers(0, 3)))
    network = Network([layer], bits, signed)
    out_bits = network.score_bits()
    data = Data(
        inputs={"s_axis": Stream(mw * bits, pack_words(sent, bits, mw))},
        outputs={"m_axis": Stream(mh * out_bits, pack_words(network.evaluate(u), out_bits, mh))},
        frames=frames,
    )
    return "hardwired_flow", network, data
