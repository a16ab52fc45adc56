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


def wide_words(shape, rng, frames, low, high, rows):
    """Random input words (frames, words, elements) in low..high; some are constant, in some the
    first window is one of the `rows` (n, MW).

    With MMV > 1 a word covers the windows of so many pixels (`windows_of`).
    """
    mw, n_vectors = shape["MW"], shape.get("N_VECTORS", 1)
    run, wide = rows_of(shape)
    words = rng.integers(low, high + 1, (frames, n_vectors, mw // run, wide))
    for word in words.reshape(-1, mw // run, wide)[: frames * n_vectors // 2]:
        kind = rng.integers(0, 2 + len(rows))
        if kind < 2:
            word[:] = (low, high)[kind]
        else:
            word[:, :run] = rows[kind - 2].reshape(-1, run)
    return words.reshape(frames, n_vectors, -1)


def rows_of(shape):
    """Elements of a window's row, and of an input word's."""
    mmv = shape.get("MMV", 1)
    run = shape["RUN"] if mmv > 1 else shape["MW"]
    return run, run + (mmv - 1) * shape.get("STEP", 1)


def windows_of(shape, words):
    """The vectors (frames, words*MMV, MW) that input words cover, as bnn_mvau_windows says."""
    run, wide = rows_of(shape)
    grid = words.reshape(*words.shape[:2], -1, wide)
    starts = [m * shape.get("STEP", 1) for m in range(shape.get("MMV", 1))]
    parts = [grid[..., start : start + run].reshape(*words.shape[:2], -1) for start in starts]
    return np.stack(parts, axis=2).reshape(len(words), -1, shape["MW"])


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
    sets = draw_sets(rng, n_sets, sums.shape[1])
    files["THRESHOLDS_FILE"] = fold_thresholds(thresholds, shape["PE"], shape["ACC_BITS"] + 1)
    if n_sets > 1:
        files["SETS_FILE"] = sets_file(sets, n_sets)
    return levels(sums, thresholds, sets, shape.get("OUT_BITS", 1), shape.get("OUT_BIAS", 0))


def vectors(shape, x, y, files, frames):
    """The bench's data: words x (frames, words, elements) in, of y (frames, vectors, MH) out."""
    pe, simd, in_bits = shape["PE"], shape["SIMD"], shape.get("IN_BITS", 1)
    nf, sf, out_bits = shape["MH"] // pe, shape["MW"] // simd, shape.get("OUT_BITS", 1)
    mmv = shape.get("MMV", 1)
    into, out = (simd, pe) if mmv == 1 else (x.shape[-1], shape["MH"])
    stages = shape.get("PIPELINE", 1) + shape.get("WEIGHTS_STAGE", 0)
    stages += mmv if mmv > 1 else 0  # until a group's last pixel is out
    return Data(
        inputs={"s_axis": Stream(into * in_bits, pack_words(x, in_bits, into))},
        outputs={"m_axis": Stream(out * out_bits, pack_words(y, out_bits, out))},
        frames=frames,
        files=files,
        interval=shape.get("N_VECTORS", 1) * max(nf * sf, mmv),
        latency=(nf - 1) * sf + 3 + stages,
    )
