"""What the benches of xnor_mvau, int_mvau and threshold share: folding, levels, memory files."""

from __future__ import annotations

import numpy as np

from rtl_tests.bench import Memory
from rtl_tests.packing import pack


def fold_weights(weights, pe, simd):
    """Memory of a (MH, MW) matrix of bits: address nf*SF+sf, bit pe*SIMD+simd."""
    mh, mw = weights.shape
    folded = weights.reshape(mh // pe, pe, mw // simd, simd).transpose(0, 2, 1, 3)
    return Memory(pe * simd, [pack(word, 1) for word in folded.reshape(-1, pe * simd)])


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
