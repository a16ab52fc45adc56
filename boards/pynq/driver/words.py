"""Frames as words in memory, by the contracts of the .json file; this file stands alone."""

import numpy as np


def check_input(contract, x):
    """x as an integer array (N, *shape) within the contract; ValueError says what is wrong."""
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.integer):
        raise ValueError(f"the inputs are {x.dtype}, not integers of {contract['datatype']}")
    shape = tuple(contract["shape"])
    if x.ndim != len(shape) + 1 or x.shape[1:] != shape:
        raise ValueError(
            f"the inputs have shape {x.shape}, expected (N, {', '.join(map(str, shape))})"
        )
    bipolar = contract["datatype"] == "BIPOLAR"
    if x.size:
        low, high = int(x.min()), int(x.max())
        if low < contract["minimum"] or high > contract["maximum"] or (bipolar and (x == 0).any()):
            allowed = "-1 and 1" if bipolar else f"{contract['minimum']}..{contract['maximum']}"
            raise ValueError(
                f"input values in {low}..{high}, allowed are {allowed} ({contract['datatype']})"
            )
    return x


def pack(contract, x, stride):
    """Frames to the bytes of their words in memory.

    Args:
        contract: "input" of accelerator.json. x: (N, *shape) integers.
        stride: bytes from one word to the next.

    Returns:
        (N, words, stride) uint8: element i of a frame at bit i * element_bits of its bit string,
        which is cut into words of word_bits; a word's lowest byte first; the rest zero.
    """
    x = check_input(contract, x)
    count, bits = len(x), contract["element_bits"]
    if contract.get("transpose") is not None:
        x = x.transpose([0] + [1 + axis for axis in contract["transpose"]])
    flat = x.reshape(count, contract["elements"])
    if contract["datatype"] == "BIPOLAR":
        flat = flat > 0
    if bits == 1:
        line = (flat & 1).astype(np.uint8)
    else:
        size = next(s for s in (1, 2, 4, 8) if 8 * s >= bits)
        raw = np.ascontiguousarray(flat.astype(f"<i{size}")).view(np.uint8)
        line = np.unpackbits(raw.reshape(count, -1, size), axis=2, bitorder="little")[:, :, :bits]
        line = line.reshape(count, -1)
    words, word_bits = contract["words"], contract["word_bits"]
    full = np.zeros((count, words * word_bits), np.uint8)
    full[:, : line.shape[1]] = line
    packed = np.packbits(full.reshape(count, words, word_bits), axis=2, bitorder="little")
    result = np.zeros((count, words, stride), np.uint8)
    result[:, :, : packed.shape[2]] = packed
    return result


def unpack(contract, words):
    """Output words to (scores (N, n) int64 or None, labels (N,) int64 or None), by the
    output's mode. Where the words are several results a frame, there is an axis for them behind
    N; of an ensemble there are sums (N, n), and votes (N, n) for labels.

    Args:
        contract: "output" of accelerator.json. words: (N, words * results, stride) uint8.
    """
    results = words.shape[1] // contract["words"]
    if results > 1:
        scores, labels = unpack(contract, words.reshape((-1, contract["words"]) + words.shape[2:]))
        return (
            None if scores is None else scores.reshape(len(words), results, -1),
            None if labels is None else labels.reshape(len(words), results),
        )
    count, scores, labels = len(words), None, None
    bits = np.unpackbits(np.ascontiguousarray(words), axis=2, bitorder="little")
    if contract["mode"] != "label":
        size = contract["score_bits"]
        flat = bits[:, :, : contract["lanes"] * size].reshape(
            count, contract["words"] * contract["lanes"], size
        )
        bipolar = contract["datatype"] == "BIPOLAR"
        values = _integers(flat, contract["minimum"] < 0 and not bipolar)
        scores = np.ascontiguousarray(
            (2 * values - 1 if bipolar else values)[:, : contract["scores"]]
        )
    if contract["mode"] != "scores":
        at, last = contract["label_offset"], contract.get("ensemble", 1) == 1
        field = bits[:, :, at : at + contract["label_bits"]]
        labels = _integers(field[:, -1] if last else field, False)
    return scores, labels


def _integers(bits, signed):
    """(..., B) bits, lowest first, to (...) integers."""
    packed = np.packbits(bits, axis=-1, bitorder="little")
    raw = np.zeros(packed.shape[:-1] + (8,), np.uint8)
    raw[..., : packed.shape[-1]] = packed
    values = raw.view("<i8")[..., 0]
    size = bits.shape[-1]
    if signed and size < 64:
        values = values - ((values >> (size - 1)) << size)
    return values


def integers_of(real, x):
    """Real numbers as the network's integers.

    Args:
        real: "real" of the .json file. x: (N, *real["shape"]) floating-point numbers, as the model
            takes them; they count as float32.

    Returns:
        (N, elements) int64, in the order of a frame of integers; exactly what the model's own
        quantiser gives.

    Raises:
        ValueError: another shape, numbers that are not finite, or, where the model takes integers,
            no multiples of its scale.
    """
    shape = tuple(real["shape"])
    if x.ndim != len(shape) + 1 or x.shape[1:] != shape:
        raise ValueError(
            f"the inputs have shape {x.shape}, expected (N, {', '.join(map(str, shape))})"
        )
    with np.errstate(over="ignore"):
        x = x.astype(np.float32).reshape(len(x), -1)
    if not np.isfinite(x).all():
        raise ValueError("the inputs hold numbers that are not finite in float32")
    if "scale" in real:
        x, scale = x - real["offset"] if real["offset"] else x, real["scale"]
        found = np.rint(x.astype(np.float64) / scale)
        if (np.abs(found * scale - x) > 2.0**-22 * np.abs(x)).any():
            raise ValueError(f"the inputs hold numbers that are no multiples of {scale:g}")
        return found.astype(np.int64)
    if real["order"] is not None:
        x = x[:, real["order"]]
    counts = np.empty(x.shape, np.int64)
    rows = np.zeros(x.shape[1], int) if real["rows"] is None else np.array(real["rows"])
    for row, (steps, sign) in enumerate(zip(real["thresholds"], real["signs"])):
        at = rows == row
        steps = np.array(steps, np.float32)
        counts[:, at] = np.searchsorted(steps, sign * x[:, at], side="right")
    return real["first"] + real["stride"] * counts
