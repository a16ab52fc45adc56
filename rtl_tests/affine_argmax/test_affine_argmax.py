"""affine_argmax against the definition, with ties and extreme scores."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Bench, Data, Memory, Stream
from rtl_tests.packing import pack, pack_words

SHAPES = [
    {"N": 10, "PE": 1, "IN_BITS": 8, "MODE": 2, "SCORE_BITS": 8, "LABEL_BITS": 4},
    {"N": 10, "PE": 10, "IN_BITS": 7, "MODE": 2, "SCORE_BITS": 8, "LABEL_BITS": 4},
    {"N": 10, "PE": 10, "IN_BITS": 7, "MODE": 1, "LABEL_BITS": 8},
    {"N": 10, "PE": 5, "IN_BITS": 9, "MODE": 1, "LABEL_BITS": 4, "A_BITS": 6, "B_BITS": 12},
    {
        "N": 10,
        "PE": 2,
        "IN_BITS": 6,
        "MODE": 2,
        "SCORE_BITS": 6,
        "LABEL_BITS": 4,
        "A_BITS": 3,
        "B_BITS": 3,
    },
    {
        "N": 7,
        "PE": 7,
        "IN_BITS": 5,
        "MODE": 2,
        "SCORE_BITS": 5,
        "LABEL_BITS": 3,
        "A_BITS": 8,
        "B_BITS": 20,
    },
    {"N": 6, "PE": 3, "IN_BITS": 5, "MODE": 0, "SCORE_BITS": 8},
    {"N": 1, "PE": 1, "IN_BITS": 4, "MODE": 2, "SCORE_BITS": 4, "LABEL_BITS": 1},
    {"N": 16, "PE": 1, "IN_BITS": 3, "MODE": 1, "LABEL_BITS": 4, "A_BITS": 1, "B_BITS": 1},
    {"N": 24, "PE": 12, "IN_BITS": 4, "MODE": 1, "LABEL_BITS": 5},
    {"N": 6, "PE": 3, "IN_BITS": 1, "IN_SIGNED": 0, "MODE": 2, "SCORE_BITS": 1, "LABEL_BITS": 3},
    {"N": 8, "PE": 2, "IN_BITS": 4, "IN_SIGNED": 0, "MODE": 2, "SCORE_BITS": 6, "LABEL_BITS": 3},
    {"N": 5, "PE": 5, "IN_BITS": 4, "IN_SIGNED": 0, "MODE": 0, "SCORE_BITS": 5},
    {
        "N": 9,
        "PE": 3,
        "IN_BITS": 4,
        "IN_SIGNED": 0,
        "MODE": 1,
        "LABEL_BITS": 4,
        "A_BITS": 5,
        "B_BITS": 7,
    },
]


def signed(rng, bits, shape):
    """Random two's complement numbers, both ends of the range often among them."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    drawn = rng.integers(low, high + 1, shape)
    ends = rng.integers(0, 5, shape)
    return np.where(ends == 0, low, np.where(ends == 1, high, drawn))


def draw(shape, rng, frames=30):
    n, pe, bits, mode = (shape[name] for name in ("N", "PE", "IN_BITS", "MODE"))
    a_bits, b_bits = shape.get("A_BITS", 0), shape.get("B_BITS", 0)
    scores = signed(rng, bits, (frames, n))
    scores[: frames // 3] = rng.integers(-1, 2, (frames // 3, n)) if bits > 1 else 0  # many ties
    if not shape.get("IN_SIGNED", 1):
        scores %= 2**bits
    files, values = {}, scores
    if a_bits:
        a, b = signed(rng, a_bits, n), signed(rng, b_bits, n)
        values = a * scores + b
        lanes = [pack([x], a_bits) | pack([y], b_bits) << a_bits for x, y in zip(a, b, strict=True)]
        width = a_bits + b_bits
        words = [
            sum(lane << (i * width) for i, lane in enumerate(lanes[k : k + pe]))
            for k in range(0, n, pe)
        ]
        files["AFFINE_FILE"] = Memory(pe * width, words)
    labels = values.argmax(-1)  # numpy's takes the first of equals
    nf = n // pe
    if mode == 1:
        out_bits, expected = shape["LABEL_BITS"], labels.tolist()
    else:
        score_bits = shape["SCORE_BITS"]
        expected, out_bits = pack_words(scores, score_bits, pe), pe * score_bits
        if mode == 2:
            for frame, label in enumerate(labels.tolist()):
                expected[frame * nf + nf - 1] |= label << out_bits
            out_bits += shape["LABEL_BITS"]
    levels = (pe - 1).bit_length()
    return Data(
        inputs={"s_axis": Stream(pe * bits, pack_words(scores, bits, pe))},
        outputs={"m_axis": Stream(out_bits, expected)},
        frames=frames,
        files=files,
        interval=nf,
        latency=1 if mode == 0 else 3 + levels + 2 * (a_bits > 0),
    )


def test_affine_argmax(simulator):
    bench = Bench("affine_argmax", SHAPES, simulator)
    for seed in (1, 2, 3) if simulator == "verilator" else (4,):
        rng = np.random.default_rng(seed)
        bench.run([draw(shape, rng) for shape in SHAPES], seed)
