"""Pixel streams for the benches of the image kernels: numpy maps to words."""

from __future__ import annotations

import subprocess

import numpy as np

from hw_bnn.rtl import FOLDER, rtl_path
from hw_bnn.sim.verilator_env import verilator_environment


def pack(values: np.ndarray, simd: int, bits: int) -> list[int]:
    """Words of a map (..., C) of integers: C/simd words a pixel, lane 0 lowest, two's complement.

    >>> [hex(w) for w in pack(np.array([[1, 2, 3, -1]]), simd=2, bits=4)]
    ['0x21', '0xf3']
    """
    codes = np.asarray(values, dtype=np.int64) & ((1 << bits) - 1)
    rows = np.ascontiguousarray(codes).reshape(-1, simd)
    return [sum(int(e) << (s * bits) for s, e in enumerate(row)) for row in rows]


def pooled_windows(maps: np.ndarray, shape: dict[str, int], border: np.ndarray) -> np.ndarray:
    """The windows of a pool: (N, H, W, C) to (N, OFM_H, OFM_W, C, K_H, K_W).

    Args:
        shape: parameters of max_pool or sum_pool.
        border: the value that each channel's padding has, (C,).
    """
    top, bottom, left, right = (shape[f"PAD_{side}"] for side in "TBLR")
    n, h, w, channels = maps.shape
    padded = np.broadcast_to(border, (n, top + h + bottom, left + w + right, channels)).copy()
    padded[:, top : top + h, left : left + w] = maps
    kernel = (shape["K_H"], shape["K_W"])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))
    return windows[:, :: shape["STRIDE_H"], :: shape["STRIDE_W"]]


def pad_words(shape: dict[str, int]) -> int:
    """Words of a frame of max_pool or sum_pool with its border: its cycles, unstalled."""
    height = shape["PAD_T"] + shape["IFM_H"] + shape["PAD_B"]
    width = shape["PAD_L"] + shape["IFM_W"] + shape["PAD_R"]
    return height * width * shape["CHANNELS"] // shape["SIMD"]


def lint(kernel: str, parameters: dict[str, int]) -> str:
    """Verilator's messages (--lint-only -Wall) about a kernel so configured; "" = clean."""
    command = ["verilator", "--lint-only", "-Wall", "--quiet", "-y", str(FOLDER)]
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    command += [str(rtl_path(kernel))]
    done = subprocess.run(
        command, env=verilator_environment(), capture_output=True, text=True, check=False
    )
    return done.stderr
