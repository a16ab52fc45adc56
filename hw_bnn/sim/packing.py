"""Integer frames to stream words and back, as `accelerator.json` lays them down.

A frame's elements are written one after another, element 0 in the lowest bits, `element_bits` each
(two's complement; a bipolar +1 as 1 and -1 as 0), and the bit string is cut into words of
`word_bits`. Words lie in memory as the driver takes them: `tdata_bits/8` bytes, the least
significant first.

    words = pack_input(accelerator.input, x)          # (N, words, tdata_bytes) uint8
    scores, labels = unpack_output(accelerator.output, y)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Input, Output
from ..errors import BadInput

Words = NDArray[np.uint8]  # (N, words, tdata_bytes)
_CHUNK = 4096  # frames at once: the bits of a frame take a byte each on the way


def check_input(contract: Input, x: object) -> NDArray[np.integer]:
    """x as an integer array (N, *shape) within the contract.

    Raises:
        BadInput: wrong shape, not integers, or a value outside minimum..maximum
            (the first is named).
    """
    frames = np.asarray(x)
    if frames.dtype == np.bool_:
        raise BadInput("the inputs are booleans", remedy=f"pass integers of {contract.datatype}")
    if not np.issubdtype(frames.dtype, np.integer):
        raise BadInput(
            f"the inputs are {frames.dtype}, not integers",
            remedy=f"quantise them to {contract.datatype} first (the golden model's host_quantise)",
        )
    shape = tuple(contract.shape)
    if frames.shape[1:] != shape or frames.ndim != len(shape) + 1:
        raise BadInput(
            f"the inputs have shape {frames.shape}, expected (N, {', '.join(map(str, shape))})"
        )
    bipolar = contract.datatype == "BIPOLAR"
    wrong = (frames < contract.minimum) | (frames > contract.maximum)
    if bipolar:
        wrong |= frames == 0
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        allowed = "-1 or 1" if bipolar else f"{contract.minimum}..{contract.maximum}"
        raise BadInput(
            f"input frame {first[0]} has the value {int(frames[first])} at {list(first[1:])}, "
            f"outside {allowed} ({contract.datatype})"
        )
    return frames


def pack_input(contract: Input, x: object) -> Words:
    """Frames of integers to the words of s_axis.

    Args:
        contract: the accelerator's input.
        x: (N, *contract.shape) integers in contract.minimum..contract.maximum.

    Returns:
        (N, words, tdata_bits/8) bytes, C-contiguous.

    Raises:
        BadInput: x does not fit the contract.
    """
    frames = check_input(contract, x)
    count = len(frames)
    if contract.transpose is not None:
        frames = frames.transpose(0, *(1 + axis for axis in contract.transpose))
    integers = frames.reshape(count, contract.elements)
    elements: NDArray[np.generic] = integers > 0 if contract.datatype == "BIPOLAR" else integers
    words = np.empty((count, contract.words, contract.tdata_bits // 8), np.uint8)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        words[part] = pack_elements(
            elements[part], contract.element_bits, contract.words, contract.word_bits,
            contract.tdata_bits,
        )  # fmt: skip
    return words


def pack_elements(
    elements: NDArray[np.generic], element_bits: int, words: int, word_bits: int, tdata_bits: int
) -> Words:
    """(N, E) integers in the order of a stream, one-bit ones 0 and 1, to its words."""
    return _cut(_to_bits(elements, element_bits), words, word_bits, tdata_bits)


def unpack_input(contract: Input, words: Words) -> NDArray[np.int64]:
    """The inverse of `pack_input`: (N, *contract.shape) integers."""
    bits = _join(words, contract.word_bits)[:, : contract.elements * contract.element_bits]
    signed = contract.minimum < 0 and contract.datatype != "BIPOLAR"
    elements = _from_bits(bits, contract.element_bits, signed)
    if contract.datatype == "BIPOLAR":
        elements = 2 * elements - 1
    frames = elements.reshape(len(words), *contract.stream_shape)
    if contract.transpose is not None:
        inverse = np.argsort(contract.transpose)
        frames = frames.transpose(0, *(1 + axis for axis in inverse))
    return np.ascontiguousarray(frames)


def unpack_output(
    contract: Output, words: Words
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Words of m_axis to (scores (N, n) or None, labels (N,) or None), by the output's mode.

    With several results a frame there is an axis for them behind N. Of an ensemble there are sums
    of scores (N, n) and, for labels, votes (N, n).
    """
    if contract.results > 1:
        frames, results = len(words), contract.results
        single = contract.model_copy(update={"results": 1})
        cut = words.reshape(frames * results, contract.words, words.shape[2])
        scores, labels = unpack_output(single, cut)
        return (
            None if scores is None else scores.reshape(frames, results, -1),
            None if labels is None else labels.reshape(frames, results),
        )
    count = len(words)
    scores = labels = None
    if contract.mode != "label":
        width = contract.lanes * contract.score_bits
        bits = _join(words, width)
        flat = _from_bits(bits, contract.score_bits, contract.signed)
        if contract.datatype == "BIPOLAR":
            flat = 2 * flat - 1
        scores = flat.reshape(count, contract.words * contract.lanes)[:, : contract.scores]
        scores = np.ascontiguousarray(scores)
    if contract.ensemble > 1:
        bits = np.unpackbits(words.reshape(-1, words.shape[2]), axis=1, bitorder="little")
        field = bits[:, contract.label_offset : contract.label_offset + contract.label_bits]
        labels = _from_bits(field, contract.label_bits, signed=False).reshape(count, -1)
    elif contract.mode != "scores":
        last = np.unpackbits(words[:, -1], axis=1, bitorder="little")
        field = last[:, contract.label_offset : contract.label_offset + contract.label_bits]
        labels = _from_bits(field, contract.label_bits, signed=False)[:, 0]
    return scores, labels


def frame_names(count: int, context: int | None) -> NDArray[np.uint8]:
    """(N,) s_axis_tuser of frames that all name one context; None for all contexts."""
    return np.full(count, 0 if context is None else context + 1, np.uint8)


def frame_ends(contract: Output, names: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N,) beats of m_axis up to each frame's end.

    Args:
        names: (N,) s_axis_tuser of the frames: 0 for all contexts, c + 1 for context c.
    """
    return np.cumsum(contract.words * np.where(names, 1, contract.results)).astype(np.uint64)


def by_frame(beats: NDArray[np.uint8], ends: NDArray[np.uint64]) -> Words:
    """Beats (B, bytes) of frames that end there, as (N, words of the longest, bytes)."""
    counts = np.diff(ends, prepend=np.uint64(0)).astype(np.int64)
    longest = int(counts.max(initial=0))
    if (counts == longest).all():
        return beats.reshape(len(ends), longest, beats.shape[1])
    words = np.zeros((len(ends), longest, beats.shape[1]), np.uint8)
    words[np.arange(longest) < counts[:, None]] = beats
    return words


def pack_output(
    contract: Output, scores: NDArray[np.integer] | None, labels: NDArray[np.integer] | None
) -> Words:
    """The inverse of `unpack_output`, for tests and expected streams."""
    given = scores if scores is not None else labels
    if given is None:
        raise BadInput("neither scores nor labels are given")
    count = len(given)
    bits = np.zeros((count, contract.words, contract.tdata_bits), np.uint8)
    if scores is not None:
        padded = np.zeros((count, contract.words * contract.lanes), np.int64)
        padded[:, : contract.scores] = scores > 0 if contract.datatype == "BIPOLAR" else scores
        width = contract.lanes * contract.score_bits
        bits[:, :, :width] = _to_bits(padded, contract.score_bits).reshape(count, -1, width)
    if labels is not None:
        end = contract.label_offset + contract.label_bits
        bits[:, -1, contract.label_offset : end] = _to_bits(labels[:, None], contract.label_bits)
    return np.packbits(bits, axis=2, bitorder="little")


def _to_bits(elements: NDArray[np.generic], element_bits: int) -> NDArray[np.uint8]:
    """(N, E) integers to (N, E*element_bits) bits, two's complement, bit 0 first."""
    if element_bits == 1:
        return np.bitwise_and(elements, 1).astype(np.uint8)
    size = next(s for s in (1, 2, 4, 8) if 8 * s >= element_bits)
    raw = np.ascontiguousarray(elements.astype(f"<i{size}"))
    bits = np.unpackbits(
        raw.view(np.uint8).reshape(*elements.shape, size), axis=2, bitorder="little"
    )
    return np.ascontiguousarray(bits[:, :, :element_bits]).reshape(len(elements), -1)


def _from_bits(bits: NDArray[np.uint8], element_bits: int, signed: bool) -> NDArray[np.int64]:
    """(N, E*element_bits) bits to (N, E) integers."""
    count = len(bits)
    single = bits.reshape(count, -1, element_bits)
    packed = np.packbits(single, axis=2, bitorder="little")
    raw = np.zeros((*packed.shape[:2], 8), np.uint8)
    raw[:, :, : packed.shape[2]] = packed
    values = raw.view("<u8")[:, :, 0].astype(np.int64)
    if signed and element_bits < 64:
        values -= (values >> (element_bits - 1)) << element_bits
    return values


def _cut(bits: NDArray[np.uint8], words: int, word_bits: int, tdata_bits: int) -> Words:
    """(N, B) bits to (N, words, tdata_bits/8) bytes: words of word_bits, zero-extended."""
    count = len(bits)
    if bits.shape[1] != words * word_bits:
        padded = np.zeros((count, words * word_bits), np.uint8)
        padded[:, : bits.shape[1]] = bits
        bits = padded
    packed = np.packbits(bits.reshape(count, words, word_bits), axis=2, bitorder="little")
    if packed.shape[2] == tdata_bits // 8:
        return packed
    full = np.zeros((count, words, tdata_bits // 8), np.uint8)
    full[:, :, : packed.shape[2]] = packed
    return full


def _join(words: Words, word_bits: int) -> NDArray[np.uint8]:
    """(N, words, bytes) to (N, words*word_bits) bits."""
    bits = np.unpackbits(words, axis=2, bitorder="little")[:, :, :word_bits]
    return np.ascontiguousarray(bits).reshape(len(words), -1)
