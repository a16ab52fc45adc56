"""Integer frames to stream words: against a bit-by-bit reference, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bnn.accelerator import Input, Output
from hw_bnn.errors import BadInput
from hw_bnn.sim.packing import pack_input, pack_output, unpack_input, unpack_output


def input_contract(datatype, low, high, bits, shape, word_bits, transpose=None):
    elements = int(np.prod(shape))
    stream_shape = [shape[a] for a in transpose] if transpose else list(shape)
    return Input(
        datatype=datatype, minimum=low, maximum=high, shape=list(shape), stream_shape=stream_shape,
        transpose=transpose, tensor="x", elements=elements, element_bits=bits,
        words=-(-elements * bits // word_bits), word_bits=word_bits,
        tdata_bits=-(-word_bits // 8) * 8,
    )  # fmt: skip


def reference_words(contract, frame):
    """One frame by Python's integers alone."""
    order = np.transpose(frame, contract.transpose) if contract.transpose else frame
    value = 0
    for i, element in enumerate(order.flatten().tolist()):
        raw = int(element > 0) if contract.datatype == "BIPOLAR" else element
        value |= (raw % (1 << contract.element_bits)) << (i * contract.element_bits)
    words = [(value >> (w * contract.word_bits)) % (1 << contract.word_bits)
             for w in range(contract.words)]  # fmt: skip
    return [list(word.to_bytes(contract.tdata_bits // 8, "little")) for word in words]


@st.composite
def contracts(draw):
    bits = draw(st.integers(1, 17))
    signed = draw(st.booleans()) and bits > 1
    if bits == 1 and draw(st.booleans()):
        datatype, low, high = "BIPOLAR", -1, 1
    elif signed:
        datatype, low, high = f"INT{bits}", -(1 << bits - 1), (1 << bits - 1) - 1
    else:
        datatype, low, high = f"UINT{bits}", 0, (1 << bits) - 1
    shape = draw(st.sampled_from([(1,), (7,), (20,), (3, 2, 4), (2, 5, 3)]))
    transpose = [1, 2, 0] if len(shape) == 3 and draw(st.booleans()) else None
    return input_contract(datatype, low, high, bits, shape, draw(st.integers(1, 70)), transpose)


@settings(max_examples=80, deadline=None)
@given(contracts(), st.integers(0, 2**32 - 1))
def test_pack_equals_the_reference_and_unpack_inverts_it(contract, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(contract.minimum, contract.maximum + 1, size=(3, *contract.shape))
    if contract.datatype == "BIPOLAR":
        x = np.where(x > 0, 1, -1)
    words = pack_input(contract, x)
    assert words.tolist() == [reference_words(contract, frame) for frame in x]
    assert (unpack_input(contract, words) == x).all()


@settings(max_examples=80, deadline=None)
@given(
    mode=st.sampled_from(["scores", "label", "both"]), lanes=st.integers(1, 4),
    scores=st.integers(1, 11), kind=st.sampled_from(["INT", "UINT", "BIPOLAR"]),
    score_bits=st.integers(1, 21), gap=st.integers(0, 9), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_output_round_trip(mode, lanes, scores, kind, score_bits, gap, seed):
    rng = np.random.default_rng(seed)
    score_bits = 1 if kind == "BIPOLAR" else score_bits
    low, high = {
        "INT": (-(1 << score_bits - 1), (1 << score_bits - 1) - 1),
        "UINT": (0, (1 << score_bits) - 1),
        "BIPOLAR": (-1, 1),
    }[kind]
    label_bits = max(1, (scores - 1).bit_length())
    words = 1 if mode == "label" else -(-scores // lanes)
    offset = 0 if mode == "label" else lanes * score_bits + gap
    used = lanes * score_bits if mode == "scores" else offset + label_bits
    contract = Output(
        mode=mode, tensor="y", datatype=kind if kind == "BIPOLAR" else f"{kind}{score_bits}",
        minimum=low, maximum=high, scores=scores, lanes=lanes, score_bits=score_bits,
        label_bits=label_bits, label_offset=offset, words=words, tdata_bits=-(-used // 8) * 8,
    )  # fmt: skip
    y = rng.integers(low, high, size=(4, scores), endpoint=True) if mode != "label" else None
    if kind == "BIPOLAR" and y is not None:
        y = np.where(y > 0, 1, -1)
    labels = rng.integers(0, scores, size=4) if mode != "scores" else None
    beats = pack_output(contract, y, labels)
    if y is not None:  # by the contract's words, bit by bit
        for s in range(scores):
            beat = int.from_bytes(beats[0, s // lanes].tobytes(), "little")
            field = beat >> s % lanes * score_bits & (1 << score_bits) - 1
            assert field == (int(y[0, s] > 0) if kind == "BIPOLAR" else y[0, s] % (1 << score_bits))
    got_y, got_labels = unpack_output(contract, beats)
    assert (got_y is None and y is None) or (got_y == y).all()
    assert (got_labels is None and labels is None) or (got_labels == labels).all()


def test_784_pixels_of_one_bit_are_98_little_endian_bytes():
    contract = input_contract("BIPOLAR", -1, 1, 1, (784,), 784)
    x = np.random.default_rng(0).choice([-1, 1], size=(2, 784))
    assert pack_input(contract, x).shape == (2, 1, 98)
    assert (pack_input(contract, x)[:, 0] == np.packbits(x > 0, axis=1, bitorder="little")).all()


@pytest.mark.parametrize(
    "x, says",
    [
        (np.zeros((2, 4)), "float64, not integers"),
        (np.zeros((2, 4), bool), "booleans"),
        (np.zeros((2, 5), int), r"shape \(2, 5\), expected \(N, 4\)"),
        (np.zeros(4, int), r"shape \(4,\)"),
        (
            np.array([[0, 1, 2, 3], [0, 16, 0, 99]]),
            r"frame 1 has the value 16 at \[1\], outside 0..15",
        ),
        (np.array([[0, 1, 2, -1]]), "value -1"),
    ],
)
def test_bad_inputs_are_named(x, says):
    with pytest.raises(BadInput, match=says):
        pack_input(input_contract("UINT4", 0, 15, 4, (4,), 8), x)


def test_zero_is_no_bipolar_value():
    with pytest.raises(BadInput, match="value 0 .*-1 or 1"):
        pack_input(input_contract("BIPOLAR", -1, 1, 1, (4,), 8), np.zeros((1, 4), int))
