"""A grid of kernels, synthesised together: what the estimator is fitted to and checked against."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from hw_bnn.kernels import KERNELS
from hw_bnn.rtl import module_of, rtl_sources
from hw_bnn.synth.synthesis import synthesise


def memory_files(kernel: str, parameters: dict, folder: Path, number: int) -> dict:
    """Random memory files for a kernel; the parameters with their names.

    A kernel's contents hang on itself alone: the same in every run, whatever else is in it.
    """
    p = dict(parameters)
    key = json.dumps([kernel, parameters], sort_keys=True).encode()
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()))
    if kernel == "mvau_rom":
        words = [("FILE", p["DEPTH"], p["BITS"])]
    else:
        left_out = () if p.get("NEGATE_FILE") else ("NEGATE_FILE", "MIN_FILE")
        layouts = [m for m in KERNELS[kernel].memories(p) if m.parameter not in left_out]
        words = [(m.parameter, m.rows, m.word_bits) for m in layouts]
    for name, rows, width in words:
        values = [
            int.from_bytes(rng.bytes(-(-width // 8)), "little") % (1 << width) for _ in range(rows)
        ]
        if name == "SETS_FILE":
            values = [v % p["N_SETS"] for v in values]
        if kernel == "threshold":  # numbers that an element can reach
            field = p["IN_BITS"] + 2
            values = [
                sum(
                    int(rng.integers(1, 1 << p["IN_BITS"])) << (field * i)
                    for i in range(width // field)
                )
                for _ in range(rows)
            ]
        file = f"k{number}_{name}.hex"
        (folder / file).write_text("".join(f"{value:x}\n" for value in values))
        p[name] = file
    return p


def synthesise_grid(points: list[tuple[str, dict]], timeout_s: float = 3000) -> list[dict]:
    """Resources of every (kernel, parameters) on xc7, by one run of Yosys.

    Each kernel stays a module of its own, its ports open: nothing is shared or folded across.
    """
    lines = ["module grid (input logic ap_clk);"]
    with tempfile.TemporaryDirectory(prefix="hw_bnn_grid_") as temporary:
        folder = Path(temporary)
        for number, (kernel, parameters) in enumerate(points):
            p = memory_files(kernel, parameters, folder, number)
            text = ", ".join(
                f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})" for k, v in p.items()
            )
            lines.append(f"  (* keep *) {module_of(kernel)} #({text}) k{number} (.ap_clk(ap_clk));")
        (folder / "grid.sv").write_text("\n".join([*lines, "endmodule", ""]))
        sources = rtl_sources(*dict.fromkeys(kernel for kernel, _ in points))
        result = synthesise(
            [*sources, folder / "grid.sv"],
            "grid",
            "xc7",
            place=folder,
            cwd=folder,
            layers=[f"k{number}" for number in range(len(points))],
            timeout_s=timeout_s,
        )
        return [result["layers"][f"k{number}"] for number in range(len(points))]


def _xnor(mw, mh, pe, simd, **more):
    return "xnor_mvau", {"MW": mw, "MH": mh, "PE": pe, "SIMD": simd, **more}


def _int(mw, mh, pe, simd, bits, **more):
    return "int_mvau", {
        "MW": mw,
        "MH": mh,
        "PE": pe,
        "SIMD": simd,
        "IN_BITS": bits,
        "ACC_BITS": (mw * (2**bits - 1)).bit_length() + 1,
        **more,
    }


def _wide(mw, mh, pe, simd, inputs, bits, weight_bits, **more):
    largest = 1 if inputs == "bipolar" else 2**bits - 1
    acc = (mw * (largest << weight_bits - 1)).bit_length() + 1
    more = {"OUT_BITS": acc, **more} if more.get("N_THRESHOLDS") == 0 else more
    return "wide_mvau", {
        "MW": mw, "MH": mh, "PE": pe, "SIMD": simd, "IN_BITS": bits,
        "IN_SIGNED": int(inputs == "signed"), "IN_BIPOLAR": int(inputs == "bipolar"),
        "WEIGHT_BITS": weight_bits, "ACC_BITS": acc, **more,
    }  # fmt: skip


def _vvau(taps, channels, pe, simd, inputs, bits, weight_bits, group=(1, 1), **more):
    largest = 1 if inputs == "bipolar" else 2**bits - 1
    into, out = group
    acc = (taps * into * (largest << max(weight_bits - 1, 0))).bit_length() + 1
    more = {"OUT_BITS": acc, **more} if more.get("N_THRESHOLDS") == 0 else more
    return "vvau", {
        "MW": taps * into, "MH": channels, "PE": pe, "SIMD": simd * into, "GROUP_IN": into,
        "GROUP_OUT": out, "IN_BITS": bits, "IN_SIGNED": int(inputs == "signed"),
        "IN_BIPOLAR": int(inputs == "bipolar"), "WEIGHT_BITS": weight_bits, "ACC_BITS": acc, **more,
    }  # fmt: skip


def _requantise(channels, pe, bits, out_bits, shift, gain, pieces=1, half_even=0):
    end = 1 << out_bits - 1
    return "requantise", {
        "CHANNELS": channels, "PE": pe, "IN_BITS": bits, "OUT_BITS": out_bits, "LOW": -end,
        "HIGH": end - 1, "SHIFT": shift, "HALF_EVEN": half_even, "PIECES": pieces,
        "GAIN_BITS": gain, "OFFSET_BITS": out_bits + shift + 1, "SUM_BITS": out_bits + shift + 2,
    }  # fmt: skip


def _map(kernel, size, channels, simd, bits, **more):
    return kernel, {
        "IFM_H": size,
        "IFM_W": size,
        "CHANNELS": channels,
        "SIMD": simd,
        "BITS": bits,
        **more,
    }


def _window(size, channels, simd, bits, style):
    return _map("window", size, channels, simd, bits, RAM_STYLE=style)


def _parallel_window(size, channels, simd, bits, style="distributed", **more):
    return _map("parallel_window", size, channels, simd, bits, RAM_STYLE=style, **more)


GRID = [
    _xnor(64, 64, 4, 16),
    _xnor(64, 64, 8, 32),
    _xnor(256, 64, 4, 64),
    _xnor(128, 64, 8, 32),
    _xnor(64, 64, 2, 8),
    _xnor(64, 32, 8, 8),
    _xnor(16, 64, 8, 16),
    _xnor(64, 16, 16, 16),
    _xnor(784, 16, 4, 49),
    _xnor(72, 32, 16, 4),
    _xnor(512, 64, 2, 16),
    _xnor(256, 10, 5, 32, N_THRESHOLDS=0, OUT_BITS=10),
    _xnor(64, 10, 1, 8, N_THRESHOLDS=0, OUT_BITS=8),
    _xnor(64, 32, 4, 16, N_THRESHOLDS=3, OUT_BITS=2),
    _xnor(144, 32, 4, 36, N_SETS=9, N_VECTORS=64),
    _xnor(64, 128, 4, 32, WEIGHTS_STYLE="block"),
    _xnor(64, 64, 1, 1, WEIGHTS_STYLE="distributed"),
    _xnor(16, 8, 8, 16),
    _xnor(64, 16, 16, 64),
    _xnor(64, 10, 10, 64, N_THRESHOLDS=0, OUT_BITS=8),
    _xnor(128, 32, 1, 16),
    _xnor(100, 20, 10, 20, N_THRESHOLDS=0, OUT_BITS=8),
    _xnor(32, 16, 2, 4),
    _xnor(72, 16, 8, 72),
    _xnor(48, 24, 24, 24),
    _xnor(54, 12, 4, 54),
    _xnor(144, 32, 4, 144, MMV=2, RUN=48, STEP=16),
    _xnor(72, 16, 2, 72, MMV=4, RUN=24, STEP=8),
    _xnor(288, 32, 1, 288, MMV=3, RUN=96, STEP=32, WEIGHTS_STYLE="block"),
    _xnor(64, 16, 16, 64, MMV=2, RUN=32, STEP=32),
    _int(27, 64, 4, 3, 8, IN_SIGNED=1),
    _int(64, 32, 2, 8, 5),
    _int(16, 32, 4, 16, 4),
    _int(16, 32, 2, 4, 8),
    _int(27, 16, 16, 3, 8),
    _int(32, 10, 2, 4, 2, N_THRESHOLDS=0, OUT_BITS=8),
    _int(72, 16, 4, 12, 2, N_THRESHOLDS=3, OUT_BITS=2),
    _int(27, 64, 16, 27, 8, IN_SIGNED=1),
    _int(27, 16, 8, 1, 8, IN_SIGNED=1),
    _int(18, 8, 2, 1, 6),
    _int(25, 12, 6, 25, 2),
    _int(27, 16, 8, 27, 8),
    _int(18, 8, 4, 18, 5),
    _int(24, 12, 4, 24, 4),
    _int(36, 16, 4, 36, 4, IN_SIGNED=1),
    _int(18, 8, 8, 18, 4),
    _int(32, 8, 8, 16, 3),
    _int(48, 24, 8, 2, 8, IN_SIGNED=1),
    _int(256, 32, 2, 32, 3, IN_SIGNED=1),
    _int(27, 16, 4, 27, 4, MMV=2, RUN=9, STEP=3),
    _int(18, 16, 2, 18, 8, MMV=3, RUN=6, STEP=2),
    _wide(64, 32, 4, 16, "bipolar", 1, 2),
    _wide(64, 32, 4, 16, "bipolar", 1, 4),
    _wide(128, 32, 2, 32, "bipolar", 1, 2),
    _wide(64, 16, 1, 64, "bipolar", 1, 2),
    _wide(96, 32, 4, 4, "bipolar", 1, 2),
    _wide(64, 16, 1, 32, "unsigned", 1, 4),
    _wide(48, 24, 2, 16, "signed", 4, 2),
    _wide(64, 16, 2, 32, "bipolar", 1, 8),
    _wide(64, 32, 8, 8, "unsigned", 1, 2),
    _wide(32, 16, 4, 8, "unsigned", 2, 2, N_THRESHOLDS=3, OUT_BITS=2),
    _wide(32, 16, 4, 8, "signed", 4, 2),
    _wide(32, 16, 2, 4, "unsigned", 4, 4),
    _wide(27, 16, 2, 9, "unsigned", 8, 2),
    _wide(32, 16, 2, 4, "signed", 8, 8),
    _wide(27, 16, 2, 9, "unsigned", 8, 8, MULTIPLY=1),
    _wide(64, 16, 4, 16, "signed", 8, 8, MULTIPLY=1, PIPELINE=3),
    _wide(
        64,
        10,
        1,
        4,
        "signed",
        8,
        8,
        N_THRESHOLDS=0,
        MULTIPLY=1,
        PIPELINE=2,
        WEIGHTS_STYLE="distributed",
    ),
    _wide(64, 10, 1, 1, "unsigned", 8, 8, N_THRESHOLDS=0, MULTIPLY=1, WEIGHTS_STYLE="distributed"),
    _vvau(9, 64, 4, 1, "unsigned", 4, 1),
    _vvau(9, 64, 16, 1, "unsigned", 8, 1, N_THRESHOLDS=0),
    _vvau(9, 16, 16, 9, "unsigned", 4, 1),
    _vvau(9, 16, 16, 3, "unsigned", 8, 1, N_THRESHOLDS=0),
    _vvau(25, 8, 8, 25, "signed", 8, 1, N_THRESHOLDS=0, PIPELINE=3),
    _vvau(9, 128, 32, 1, "signed", 8, 1, N_THRESHOLDS=0),
    _vvau(9, 64, 16, 1, "bipolar", 1, 1),
    _vvau(9, 32, 32, 9, "bipolar", 1, 1, N_THRESHOLDS=0),
    _vvau(9, 64, 8, 1, "unsigned", 4, 4, N_THRESHOLDS=0),
    _vvau(9, 16, 16, 3, "unsigned", 4, 4, N_THRESHOLDS=0),
    _vvau(9, 64, 8, 1, "unsigned", 8, 8, N_THRESHOLDS=0),
    _vvau(9, 64, 8, 1, "unsigned", 8, 8, N_THRESHOLDS=0, MULTIPLY=1),
    _vvau(9, 64, 8, 1, "unsigned", 8, 8, N_THRESHOLDS=0, MULTIPLY=1, PIPELINE=2),
    _vvau(9, 64, 16, 1, "signed", 8, 8, N_THRESHOLDS=0, MULTIPLY=1, PIPELINE=3),
    _vvau(9, 16, 16, 3, "unsigned", 8, 8, N_THRESHOLDS=0, MULTIPLY=1, PIPELINE=2),
    _vvau(9, 8, 8, 9, "unsigned", 4, 4, N_THRESHOLDS=0),
    _vvau(9, 8, 8, 9, "unsigned", 8, 8, N_THRESHOLDS=0, MULTIPLY=1, PIPELINE=3),
    _vvau(9, 32, 8, 1, "bipolar", 1, 4),
    _vvau(9, 64, 16, 1, "unsigned", 4, 2, N_THRESHOLDS=3, OUT_BITS=2),
    _vvau(9, 256, 8, 1, "unsigned", 4, 4, N_THRESHOLDS=0, WEIGHTS_STYLE="block"),
    _vvau(9, 32, 8, 1, "unsigned", 4, 1, (4, 4), N_THRESHOLDS=0),
    _vvau(9, 16, 4, 1, "unsigned", 4, 4, (2, 2), N_THRESHOLDS=0),
    _vvau(9, 32, 8, 1, "unsigned", 4, 1, (1, 2)),
    ("threshold", {"CHANNELS": 16, "PE": 4, "IN_BITS": 8}),
    ("threshold", {"CHANNELS": 16, "PE": 16, "IN_BITS": 8}),
    ("threshold", {"CHANNELS": 64, "PE": 2, "IN_BITS": 10, "N_THRESHOLDS": 3, "OUT_BITS": 2}),
    ("threshold", {"CHANNELS": 64, "PE": 16, "IN_BITS": 10}),
    ("threshold", {"CHANNELS": 64, "PE": 64, "IN_BITS": 8}),
    _requantise(512, 1, 13, 8, 14, 15),
    _requantise(512, 1, 13, 8, 14, 15, pieces=2),
    _requantise(512, 1, 13, 8, 14, 15, pieces=2, half_even=1),
    _requantise(512, 1, 13, 16, 17, 23, pieces=2),
    _requantise(64, 4, 11, 8, 14, 15),
    _requantise(64, 4, 11, 8, 14, 15, half_even=1),
    _requantise(64, 2, 12, 4, 12, 12, pieces=2),
    _requantise(32, 8, 10, 5, 10, 12),
    _requantise(128, 2, 20, 8, 24, 18),
    _requantise(16, 16, 9, 8, 6, 8),
    _map("pad", 8, 16, 4, 1),
    _map("pad", 16, 3, 1, 8),
    _map("pad", 32, 64, 32, 1),
    _window(8, 16, 4, 1, "distributed"),
    _window(30, 64, 16, 1, "distributed"),
    _window(32, 3, 3, 8, "distributed"),
    _window(6, 128, 32, 1, "distributed"),
    _window(14, 64, 4, 1, "block"),
    _window(30, 64, 64, 1, "block"),
    _parallel_window(32, 3, 27, 8),
    _parallel_window(32, 3, 9, 8),
    _parallel_window(30, 64, 576, 1),
    _parallel_window(30, 64, 192, 1),
    _parallel_window(14, 64, 64, 1),
    _parallel_window(12, 128, 1152, 1),
    _parallel_window(5, 256, 768, 1),
    _parallel_window(17, 16, 144, 2, STRIDE_H=2, STRIDE_W=2),
    _parallel_window(16, 8, 40, 4, K_H=5, K_W=5),
    _parallel_window(224, 16, 144, 4, "block"),
    _parallel_window(33, 16, 96, 1, K_H=3, K_W=2, DILATION_H=2),
    _parallel_window(14, 32, 576, 1, K_W=6, STRIDE_W=4),
    _map("max_pool", 28, 64, 8, 1),
    _map("max_pool", 10, 128, 32, 1),
    _map("max_pool", 12, 32, 4, 2, K_H=3, K_W=3),
    (
        "sum_pool",
        {
            "IFM_H": 4,
            "IFM_W": 4,
            "CHANNELS": 64,
            "SIMD": 4,
            "IN_BITS": 2,
            "OUT_BITS": 6,
            "K_H": 4,
            "K_W": 4,
            "STRIDE_H": 4,
            "STRIDE_W": 4,
        },
    ),
    ("add", {"PE": 4, "A_BITS": 8, "B_BITS": 8, "OUT_BITS": 9}),
    ("add", {"PE": 8, "A_BITS": 4, "B_BITS": 4, "OUT_BITS": 5}),
    ("add", {"PE": 16, "A_BITS": 8, "B_BITS": 8, "OUT_BITS": 9}),
    *[
        (
            "concat",
            {
                "PE": pe,
                "A_WORDS": a,
                "A_BITS": bits,
                "B_WORDS": b,
                "B_BITS": bits,
                "OUT_BITS": bits,
            },
        )
        for pe, a, b, bits in ((1, 16, 16, 8), (4, 1, 1, 8), (8, 4, 12, 4), (16, 2, 2, 8))
    ],
    *[
        ("frame_repeat", {"BITS": bits, "WORDS": words, "TIMES": times})
        for bits, words, times in ((4, 1, 2), (8, 16, 2), (8, 64, 8), (32, 98, 4), (64, 784, 3))
    ],
    *[
        ("ensemble", {"N": n, "PE": pe, "SCORE_BITS": bits, "LABEL_BITS": label, "TIMES": times})
        for n, pe, bits, label, times in (
            (10, 1, 10, 4, 8),
            (10, 2, 8, 4, 3),
            (16, 16, 6, 4, 2),
            (100, 4, 12, 7, 32),
        )
    ],
    *[
        ("channels", {"BITS": bits, "WORDS": words, "FIRST": first, "TAKEN": taken})
        for bits, words, first, taken in ((8, 2, 1, 1), (32, 16, 0, 8), (64, 5, 2, 2))
    ],
    ("stream_fork", {"BITS": 8, "N": 2}),
    ("stream_fork", {"BITS": 64, "N": 2}),
    *[
        ("fifo", {"BITS": bits, "DEPTH": depth})
        for bits, depth in (
            (8, 1),
            (64, 1),
            (8, 2),
            (64, 2),
            (64, 16),
            (8, 32),
            (64, 64),
            (64, 128),
            (8, 300),
        )
    ],
    *[
        ("width_converter", {"IN_BITS": i, "OUT_BITS": o, "FRAME_BITS": f})
        for i, o, f in (
            (16, 64, 128),
            (64, 16, 128),
            (8, 256, 256),
            (256, 8, 256),
            (64, 256, 256),
            (32, 4, 512),
            (49, 64, 784),
            (24, 36, 288),
            (10, 4, 40),
            (8, 12, 1024),
            (16, 64, 144),
            (4, 128, 200),
            (2, 32, 256),
            (4, 64, 256),
        )
    ],
    *[
        (
            "affine_argmax",
            {
                "N": 10,
                "PE": pe,
                "IN_BITS": bits,
                "SCORE_BITS": bits,
                "A_BITS": a,
                "B_BITS": b,
                "MODE": mode,
            },
        )
        for pe, bits, a, b, mode in (
            (1, 10, 0, 0, 2),
            (5, 10, 0, 0, 2),
            (1, 10, 16, 24, 2),
            (10, 8, 0, 0, 1),
            (2, 12, 0, 0, 0),
        )
    ],
    ("frame_last", {"BITS": 8, "WORDS": 10}),
    ("frame_last", {"BITS": 80, "WORDS": 1}),
]
"""(kernel, parameters): small enough that one run of Yosys takes all in a few minutes."""
