"""What the benches of the MVAUs and of threshold share: folding, levels, memory files."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Data, Memory, Stream
from rtl_tests.packing import pack, pack_words


def fold_weights(weights, pe, simd, bits=1):
    """Memory of a (MH, MW) matrix: word nf*SF+sf, weight (pe, simd) at bit (pe*SIMD+simd)*bits."""
    mh, mw = weights.shape
    folded = weights.reshape(mh // pe, pe, mw // simd, simd).transpose(0, 2, 1, 3)
    words = [pack(word, bits) for word in folded.reshape(-1, pe * simd)]
    return Memory(pe * simd * bits, words)


def fold_thresholds(thresholds, pe, bits):
    """Memory of (sets, MH, T) thresholds: address set*NF+nf, lane pe, level t."""
    sets, mh, levels = thresholds.shape
    words = thresholds.reshape(sets * mh // pe, pe * levels)
    return Memory(pe * levels * bits, [pack(word, bits) for word in words])


def sets_file(sets, n_sets):
    """Memory of the threshold set of each vector of a frame."""
    return Memory(max(1, int(n_sets - 1).bit_length()), [int(s) for s in sets])


def levels(sums, thresholds, sets, out_bits, bias):
    """Output elements of (frames, vectors, MH) sums.

    Args:
        thresholds: (n_sets, MH, T); sets: (vectors,) set of each vector.
    """
    reached = (sums[..., None] >= thresholds[sets][None]).sum(-1)
    return reached if out_bits == 1 else reached + bias


def draw_sets(rng, n_sets, n_vectors):
    """A set for each vector of a frame; every set is used if there are vectors enough."""
    sets = np.arange(n_vectors) % n_sets
    rng.shuffle(sets)
    return sets


def signed_levels(shape, sums, rng, files):
    """Output elements of signed sums (frames, vectors, MH).

    Their thresholds lie at sums, one beside them, or at the ends (always, never); the memories go
    to `files`.
    """
    n_sets, n_levels = shape.get("N_SETS", 1), shape.get("N_THRESHOLDS", 1)
    seen = rng.choice(sums.reshape(-1), (n_sets, shape["MH"], n_levels))
    thresholds = seen + rng.integers(-1, 2, seen.shape)
    flat, ends = thresholds.reshape(-1), 2 ** (shape["ACC_BITS"] - 1)
    flat[rng.integers(0, flat.size, 1 + flat.size // 5)] = -ends  # always on
    flat[rng.integers(0, flat.size, 1 + flat.size // 5)] = ends  # never on
    thresholds.sort(axis=-1)
    sets = draw_sets(rng, n_sets, shape.get("N_VECTORS", 1))
    files["THRESHOLDS_FILE"] = fold_thresholds(thresholds, shape["PE"], shape["ACC_BITS"] + 1)
    if n_sets > 1:
        files["SETS_FILE"] = sets_file(sets, n_sets)
    return levels(sums, thresholds, sets, shape.get("OUT_BITS", 1), shape.get("OUT_BIAS", 0))


def vectors(shape, x, y, files, frames):
    """The bench's data: words of x (frames, vectors, MW) in, of y (frames, vectors, MH) out."""
    pe, simd, in_bits = shape["PE"], shape["SIMD"], shape.get("IN_BITS", 1)
    nf, sf, out_bits = shape["MH"] // pe, shape["MW"] // simd, shape.get("OUT_BITS", 1)
    return Data(
        inputs={"s_axis": Stream(simd * in_bits, pack_words(x, in_bits, simd))},
        outputs={"m_axis": Stream(pe * out_bits, pack_words(y, out_bits, pe))},
        frames=frames,
        files=files,
        interval=shape.get("N_VECTORS", 1) * nf * sf,
        latency=(nf - 1) * sf + 3 + shape.get("PIPELINE", 1) + shape.get("WEIGHTS_STAGE", 0),
    )
