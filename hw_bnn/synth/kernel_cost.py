"""What a kernel is made of, in parts that cost LUTs, registers and block RAM on xc7.

Each function takes a kernel's parameters and returns its :class:`Parts`. The part "exact" is a number
of LUTs or registers as it stands, the others are multiplied by factors fitted to synthesis (estimate.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .memory_cost import block_ram, ram_luts, rom_luts

CHAIN = 3  # of xnor_popcount
SMALLEST_DSP = 9
"""Bits of a product from which Yosys takes a DSP block for it."""


@dataclass
class Parts:
    """Parts of LUTs and registers by name, and what is exact from the start."""

    lut: dict[str, float]
    ff: dict[str, float]
    bram: float = 0
    dsp: int = 0


def bits_for(n: int) -> int:
    """$clog2(n)."""
    return max(n - 1, 0).bit_length()


@cache
def tree_luts(n: int) -> int:
    """LUTs of popcount_tree #(n)."""
    if n <= 7:
        return (0, 0, 1, 1, 2, 2, 2, 2)[n]
    groups = n // 7
    ones = groups + n - 7 * groups
    single = min(ones - 1, 4)
    parts = tree_luts(ones - single) + tree_luts(groups - (groups > 1)) + tree_luts(groups)
    return 2 * groups + parts + bits_for(n + 1)


def xnor_popcount_luts(n: int) -> int:
    """LUTs of xnor_popcount #(n)."""
    if n == 1:
        return 1
    pairs = n // 2
    chains = -(-pairs // CHAIN)
    merge = bits_for(n + 1) if n > 3 else 0
    return pairs + n % 2 + tree_luts(chains) + tree_luts(pairs) + merge


AUTO_BITS = 9216
"""Bits up to which Yosys leaves a memory in LUTs, asked for nothing."""


def _rom(width: int, depth: int, style: str) -> tuple[float, float, float]:
    """(LUTs, registers, RAMB36) of mvau_rom."""
    if depth <= 1 or width == 0:
        return 0, 0, 0
    if style == "block" or (style == "auto" and depth > 256 and width * depth > AUTO_BITS):
        bram, lut = block_ram(width, depth)
        return lut, 0, bram
    return rom_luts(width, depth), width if depth > 4 else min(width, 2**depth), 0


def _ram(width: int, depth: int, style: str = "auto") -> tuple[float, float, float]:
    """(LUTs, registers, RAMB36) of a memory that is written, with a clocked read."""
    bram, multiplexer = block_ram(width, depth)
    small = ram_luts(width, depth)
    if style == "block" or (style == "auto" and small > 2 * bram * RAM_IN_LUTS):
        return multiplexer, 0, bram
    return small, width, 0


RAM_IN_LUTS = 96
"""LUTs of memory that Yosys gives up for half a block RAM."""


def _matrix(p: Mapping, threshold_bits: int, word_bits: int):
    """What both matrix-vector units have besides their lanes: memories, control, streams."""
    pe, simd = p["PE"], p["SIMD"]
    nf, sf = p["MH"] // pe, p["MW"] // simd
    levels, sets, vectors = p.get("N_THRESHOLDS", 1), p.get("N_SETS", 1), p.get("N_VECTORS", 1)
    memories = [
        _rom(pe * simd, nf * sf, p.get("WEIGHTS_STYLE", "auto")),
        _rom(pe * levels * threshold_bits, nf * sets, p.get("THRESHOLDS_STYLE", "auto")),
        (rom_luts(bits_for(sets), vectors), 0, 0) if sets > 1 else (0, 0, 0),
        _ram(word_bits, sf) if nf > 1 and sf > 1 else (0, 0, 0),
    ]
    thresholds = pe * levels * threshold_bits * (nf * sets > 1)
    stage = (pe * simd + word_bits + thresholds) * bool(p.get("WEIGHTS_STAGE"))
    control = {
        "address": bits_for(nf * sf) + bits_for(nf) + bits_for(sf) + bits_for(vectors),
        "out": pe * p.get("OUT_BITS", 1),
        "one": 1,
    }
    lut = {"exact": sum(m[0] for m in memories), **control, "word": word_bits * (nf > 1 and sf > 1)}
    ff = {
        "exact": sum(m[1] for m in memories) + 2 * pe * p.get("OUT_BITS", 1) + stage,
        **control,
        "word": word_bits,
    }
    return lut, ff, sum(m[2] for m in memories), nf, sf, levels


def xnor_mvau(p: Mapping) -> Parts:
    """XNOR lanes on LUT trees, their accumulators and comparisons."""
    pe, simd = p["PE"], p["SIMD"]
    acc, th = bits_for(p["MW"] + 1), bits_for(p["MW"] + 2)
    lut, ff, bram, nf, sf, levels = _matrix(p, th, simd)
    constant = nf * sf == 1
    lut["exact"] += 0 if constant else pe * xnor_popcount_luts(simd)
    lut["constant"] = pe * xnor_popcount_luts(simd) if constant else 0
    lut["acc"] = pe * acc * (sf > 1)
    lut["compare"] = pe * levels * th
    lut["dot"] = pe * acc * (levels == 0)
    lut["levels"] = pe * (levels > 1)
    pairs, stages = simd // 2, p.get("PIPELINE", 1)
    chains = -(-pairs // CHAIN)
    first = pe * (chains + pairs) if simd > 1 else pe  # registers behind the XNOR level
    trees = pe * (bits_for(chains + 1) + bits_for(pairs + 1)) * (stages > 2)
    counts = pe * bits_for(simd + 1) * max(0, stages - 1 - (stages > 2))
    ff["exact"] += first * bool(stages) + counts + trees + pe * acc
    return Parts(lut, ff, bram)


def int_mvau(p: Mapping) -> Parts:
    """Bit planes: a popcount each for every lane and for the sum that all share."""
    pe, simd, bits = p["PE"], p["SIMD"], p.get("IN_BITS", 8)
    acc = p["ACC_BITS"]
    lut, ff, bram, _, _, levels = _matrix(p, acc + 1, simd * bits)
    sum_bits = bits_for(simd + 1) + bits
    lut["planes"] = (pe + 1) * bits * tree_luts(simd)
    lut["gates"] = pe * bits * simd
    lut["sum"] = (pe + 1) * (bits - 1) * bits_for(simd + 1)
    lut["acc"] = pe * acc
    lut["signed"] = (pe + 1) * acc * bool(p.get("IN_SIGNED"))  # the sign's plane is subtracted
    lut["compare"] = pe * levels * (acc + 1)
    ff["exact"] += pe * acc
    ff["sum"] = (pe + 1) * min(sum_bits, acc)
    return Parts(lut, ff, bram)


def threshold(p: Mapping) -> Parts:
    """Comparators beside two registers of the word."""
    pe, bits, levels = p["PE"], p["IN_BITS"], p.get("N_THRESHOLDS", 1)
    nf, sets = p["CHANNELS"] // pe, p.get("N_SETS", 1)
    constant = nf * sets == 1
    rom = _rom(pe * levels * (bits + 2), nf * sets, "auto")
    negate = _rom(pe, nf, "auto") if p.get("NEGATE_FILE") else (0, 0, 0)
    out = pe * p.get("OUT_BITS", 1)
    lut = {
        "exact": rom[0] + negate[0],
        "compare": 0 if constant else pe * levels * bits,
        "constant": pe * levels * bits if constant else 0,
        "out": out,
        "address": bits_for(nf) + bits_for(p.get("N_VECTORS", 1)),
        "one": 1,
    }
    words = 1 if constant else 2  # registers of the word
    ff = {
        "exact": rom[1] + negate[1] + words * pe * bits + 2 * out,
        "address": 3 * bits_for(nf),
        "one": 1,
    }
    return Parts(lut, ff, rom[2])


def pad(p: Mapping) -> Parts:
    """A word's register and the counters of a frame."""
    width = p["SIMD"] * p["BITS"]
    count = (
        bits_for(p["CHANNELS"] // p["SIMD"])
        + bits_for(p["IFM_H"] + p.get("PAD_T", 1) + p.get("PAD_B", 1))
        + bits_for(p["IFM_W"] + p.get("PAD_L", 1) + p.get("PAD_R", 1))
    )
    return Parts(
        {"width": width, "count": count, "one": 1}, {"exact": width, "count": count, "one": 1}
    )


def window_words(p: Mapping) -> int:
    """Words of the window's ring (WORDS in window.sv)."""
    if p.get("DEPTH"):
        return p["DEPTH"]
    cf = p["CHANNELS"] // p["SIMD"]
    kh, kw, sh, sw = (
        p.get(k, d) for k, d in (("K_H", 3), ("K_W", 3), ("STRIDE_H", 1), ("STRIDE_W", 1))
    )
    dh, dw, height, width = p.get("DILATION_H", 1), p.get("DILATION_W", 1), p["IFM_H"], p["IFM_W"]
    span_h, span_w = (kh - 1) * dh + 1, (kw - 1) * dw + 1
    ofm_h, ofm_w = (height - span_h) // sh + 1, (width - span_w) // sw + 1
    s3, s4, frame = sw * cf, sh * width * cf, height * width * cf
    jumps = [frame - (ofm_w - 1) * s3 - (ofm_h - 1) * s4]
    jumps += [s3] * (ofm_w > 1) + [s4 - (ofm_w - 1) * s3] * (ofm_h > 1)
    span, jump = ((span_h - 1) * width + span_w) * cf, max(jumps)
    lead = (1 if p.get("DEPTHWISE") else cf) * (kh * kw - 1)
    return span + jump if ofm_h * ofm_w * kh * kw * cf <= frame else span + 1 + max(jump - lead, 0)


def window(p: Mapping) -> Parts:
    """The ring, and the adders and counters of its addresses."""
    words, width = window_words(p), p["SIMD"] * p["BITS"]
    memory = _ram(width, words, p.get("RAM_STYLE", "auto"))
    count = (
        bits_for(p["CHANNELS"] // p["SIMD"])
        + bits_for(p["IFM_H"])
        + bits_for(p["IFM_W"])
        + bits_for(p.get("K_H", 3))
        + bits_for(p.get("K_W", 3))
    )
    address = bits_for(words)
    return Parts(
        {"exact": memory[0], "address": address, "count": count, "one": 1},
        {"exact": memory[1], "address": address, "count": count, "one": 1},
        memory[2],
    )


def _pool(p: Mapping, bits: int, grown: int) -> Parts:
    """Rows, then columns, reduced in a memory of partial results each."""
    lanes, cf = p["SIMD"], p["CHANNELS"] // p["SIMD"]
    lut: dict[str, float] = {"exact": 0, "reduce": 0, "count": 0, "one": 0, "pad": 0}
    ff: dict[str, float] = {"exact": 0, "count": 0, "one": 0}
    bram = 0.0
    width = p["IFM_W"] + p.get("PAD_L", 0) + p.get("PAD_R", 0)
    height = p["IFM_H"] + p.get("PAD_T", 0) + p.get("PAD_B", 0)
    kw, kh, sw, sh = p.get("K_W", 2), p.get("K_H", 2), p.get("STRIDE_W", 2), p.get("STRIDE_H", 2)
    columns = (width - kw) // sw + 1
    row_bits = min(grown, bits + bits_for(kw)) if grown > bits else bits
    for length, inner, kernel, stride, size in (
        (width, cf, kw, sw, row_bits),
        (height, columns * cf, kh, sh, grown),
    ):
        if kernel == 1 and stride == 1:
            continue
        step = kernel if (length - kernel) // stride == 0 and kernel > stride else stride
        opened = (kernel + step - 2) // step
        word = lanes * size
        memory = _ram(word * opened, inner) if inner > 1 else (0, word * opened, 0)
        lut["exact"] += memory[0]
        lut["reduce"] += word * opened
        lut["count"] += 2 * bits_for(inner) + bits_for(length)
        lut["one"] += 1
        ff["exact"] += memory[1] + 2 * word
        ff["count"] += 2 * bits_for(inner) + bits_for(length)
        ff["one"] += 1
        bram += memory[2]
    if width != p["IFM_W"] or height != p["IFM_H"]:
        lut["pad"], ff["exact"] = lanes * bits, ff["exact"] + lanes * bits
    return Parts(lut, ff, bram)


def max_pool(p: Mapping) -> Parts:
    """Maxima: as many bits out as in."""
    return _pool(p, p["BITS"], p["BITS"])


def sum_pool(p: Mapping) -> Parts:
    """Sums: wider out than in."""
    bits = 2 if p.get("IN_BIPOLAR") else p["IN_BITS"]
    return _pool(p, bits, max(p["OUT_BITS"], bits))


def add(p: Mapping) -> Parts:
    """An adder a lane."""
    out = p["PE"] * p["OUT_BITS"]
    return Parts({"out": out, "one": 1}, {"exact": out, "one": 1})


def stream_fork(p: Mapping) -> Parts:
    """Registers for the word, a handshake a branch."""
    return Parts({"bits": p["BITS"], "branch": p["N"]}, {"bits": p["BITS"], "branch": p["N"]})


def fifo(p: Mapping) -> Parts:
    """One register, two registers, or a memory."""
    bits, depth = p["BITS"], p["DEPTH"]
    names = ("single", "double", "lutram", "block")
    lut, ff = (dict.fromkeys((*names, "address", "exact", "one"), 0.0) for _ in range(2))
    lut["one"] = ff["one"] = 1
    bram = 0.0
    if depth <= 2:
        lut[names[depth - 1]] = ff[names[depth - 1]] = bits
    else:
        place = bits_for(depth)
        lut["address"] = ff["address"] = place
        if depth <= 64:
            lut["exact"], lut["lutram"] = (
                ram_luts(bits, depth),
                bits,
            )  # its read address is registered
        else:
            memory = _ram(bits, depth)
            lut["exact"], lut["block"], bram = memory[0], bits, memory[2]
            ff["exact"] = memory[1] + bits
    return Parts(lut, ff, bram)


def width_converter(p: Mapping) -> Parts:
    """A shift register, or for ragged ratios a queue with a barrel shifter."""
    wide, low = max(p["IN_BITS"], p["OUT_BITS"]), min(p["IN_BITS"], p["OUT_BITS"])
    if wide == low:
        return Parts({"one": 0}, {"one": 0})
    words_in = -(-p["FRAME_BITS"] // p["IN_BITS"])
    words = bits_for(words_in)
    queue = shifts = 0
    if wide % low:
        unit = _gcd(wide, low)
        capacity = (p["OUT_BITS"] + p["IN_BITS"]) // unit
        queue, shifts = capacity * unit, capacity * unit * bits_for(capacity + 1)
    down = wide if not queue and p["IN_BITS"] > low else 0
    partial = words_in % max(wide // p["IN_BITS"], 1) > 0  # pieces are placed, not shifted
    up = wide if not queue and not down and partial else 0
    lut = {"down": down, "up": up, "queue": queue, "shifts": shifts, "words": words, "one": 1}
    ff = {"exact": queue or wide, "words": words, "one": 1}
    return Parts(lut, ff)


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def affine_argmax(p: Mapping) -> Parts:
    """Multiply and add (DSP blocks), a tree of comparisons, a ring of waiting scores."""
    pe, bits, a, b, mode = p["PE"], p["IN_BITS"], p.get("A_BITS", 0), p.get("B_BITS", 0), p["MODE"]
    out = (0 if mode == 1 else pe * p["SCORE_BITS"]) + (0 if mode == 0 else p.get("LABEL_BITS", 4))
    number = bits + (not p.get("IN_SIGNED", 1))  # with its sign
    value = max(number + a, b) + 1 if a else number
    levels = bits_for(pe)
    label = int(mode != 0)
    rom = _rom(pe * (a + b), p["N"] // pe, "auto") if a and label else (0, 0, 0)
    stages = (3 if a else 1) + levels
    ring = _ram(pe * bits, stages) if mode == 2 and stages > 1 else (0, pe * bits * (mode == 2), 0)
    dsp = pe if a and label and number + a >= SMALLEST_DSP else 0
    lut = {
        "exact": rom[0] + ring[0],
        "compare": label * pe * value,
        "affine": label * pe * value * (a > 0),
        "out": out,
        "one": 1,
    }
    ff = {
        "exact": rom[1] + ring[1] + 2 * out + label * 2 * pe * value,
        "affine": label * pe * (number + b) * (a > 0),
        "one": 1,
    }
    return Parts(lut, ff, rom[2] + ring[2], dsp)


def frame_last(p: Mapping) -> Parts:
    """A counter of words."""
    count = bits_for(p["WORDS"])
    return Parts({"count": count, "one": 1}, {"count": count, "one": 1})


KERNELS = {
    f.__name__: f
    for f in (
        xnor_mvau,
        int_mvau,
        threshold,
        pad,
        window,
        max_pool,
        sum_pool,
        add,
        stream_fork,
        fifo,
        width_converter,
        affine_argmax,
        frame_last,
    )
}
