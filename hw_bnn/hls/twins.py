"""The C++ twin of each kernel: its template arguments, its memories, and how it is called.

A twin (hls/include/hw_bnn/<kernel>.hpp) has the SystemVerilog kernel's integer parameters as
template arguments, in their order, without those that only place registers and memories
(:data:`PLACEMENT`): an HLS tool does that itself. Its memories are the same words, in limbs of 64
bits; one that a parameter set has no use for is a row of zeros.

>>> fork = TWINS["stream_fork"]
>>> fork.template({"BITS": 8, "N": 2})
'stream_fork<8, 2>'
>>> fork.units({"BITS": 8, "N": 2}, in_words=6)
6
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import Unsupported
from .window_steps import window_steps

Parameters = Mapping[str, int | str]

PLACEMENT = frozenset(
    {"PIPELINE", "WEIGHTS_STAGE", "LATENCY", "RAM_STYLE", "WEIGHTS_STYLE", "THRESHOLDS_STYLE"}
)
"""Parameters of the SystemVerilog that say where registers and memories stand, not what comes out."""


@dataclass(frozen=True)
class TwinMemory:
    """A memory argument: the parameter that names its file, its rows and the bits of a row."""

    parameter: str
    rows: Callable[[dict[str, int]], int]
    bits: Callable[[dict[str, int]], int]


@dataclass(frozen=True)
class Twin:
    """How a kernel's C++ twin is instantiated and called.

    Attributes:
        defaults: template argument -> the SystemVerilog's default, in order.
        per_unit: input words of a unit, of which the call's last argument counts how many come
            (vectors, words); None: the unit is a frame.
        steps: iterations of the twin's loop a frame, given the frame's units.
        memories: in the order of the arguments.
    """

    kernel: str
    defaults: dict[str, int]
    per_unit: Callable[[dict[str, int]], int] | None
    steps: Callable[[dict[str, int], int], int]
    memories: tuple[TwinMemory, ...] = ()
    inputs: tuple[str, ...] = ("s_axis",)

    def values(self, parameters: Parameters) -> dict[str, int]:
        """All template arguments by name.

        Raises:
            Unsupported: a parameter that the twin does not have.
        """
        unknown = set(parameters) - set(self.defaults) - PLACEMENT
        if unknown:
            raise Unsupported(f"the HLS twin of {self.kernel} has no parameter {min(unknown)}")
        return {name: int(parameters.get(name, default)) for name, default in self.defaults.items()}

    def template(self, parameters: Parameters) -> str:
        """The instantiated function's name."""
        return f"{self.kernel}<{', '.join(map(str, self.values(parameters).values()))}>"

    def units(self, parameters: Parameters, in_words: int) -> int:
        """The last argument of a call for one frame of so many input words."""
        return 1 if self.per_unit is None else in_words // self.per_unit(self.values(parameters))

    def interval(self, parameters: Parameters, in_words: int) -> int:
        """Steps of the loop for one frame: its cycles, at the initiation interval 1."""
        return self.steps(self.values(parameters), self.units(parameters, in_words))


def clog2(n: int) -> int:
    """Bits that hold 0 .. n-1, and at least one."""
    return max(1, (n - 1).bit_length())


def _folds(p: dict[str, int]) -> int:
    return p["MH"] // p["PE"] * (p["MW"] // p["SIMD"])


def _matrix(kernel: str, middle: dict[str, int], threshold_bits: Callable) -> Twin:
    """xnor_mvau and int_mvau: folding, weights, thresholds, sets."""
    return Twin(
        kernel,
        {"MW": 64, "MH": 64, "PE": 1, "SIMD": 1, **middle,
         "N_THRESHOLDS": 1, "OUT_BITS": 1, "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1},
        per_unit=lambda p: p["MW"] // p["SIMD"],
        steps=lambda p, vectors: vectors * _folds(p),
        memories=(
            TwinMemory("WEIGHTS_FILE", _folds, lambda p: p["PE"] * p["SIMD"]),
            TwinMemory(
                "THRESHOLDS_FILE",
                lambda p: p["N_SETS"] * p["MH"] // p["PE"] if p["N_THRESHOLDS"] else 1,
                lambda p: p["PE"] * p["N_THRESHOLDS"] * threshold_bits(p),
            ),
            TwinMemory(
                "SETS_FILE",
                lambda p: p["N_VECTORS"] if p["N_SETS"] > 1 else 1,
                lambda p: clog2(p["N_SETS"]),
            ),
        ),
    )  # fmt: skip


def _padded_words(p: dict[str, int], frames: int) -> int:
    height = p["PAD_T"] + p["IFM_H"] + p["PAD_B"]
    width = p["PAD_L"] + p["IFM_W"] + p["PAD_R"]
    return frames * height * width * p["CHANNELS"] // p["SIMD"]


def _channel_folds(p: dict[str, int]) -> int:
    return p["CHANNELS"] // p["SIMD"]


def _converter_steps(p: dict[str, int], frames: int) -> int:
    """As the loop goes: a word in where too few bits wait, a word out where there are enough."""
    bits_in, bits_out, total = p["IN_BITS"], p["OUT_BITS"], p["FRAME_BITS"]
    words_in, words_out = -(-total // bits_in), -(-total // bits_out)
    fill = taken = given = steps = 0
    while given < words_out:
        steps += 1
        if fill < bits_out and taken < words_in:
            taken += 1
            fill = min(fill + bits_in, total - given * bits_out)
        if fill >= bits_out or taken == words_in:
            given += 1
            fill = max(fill - bits_out, 0)
    return frames * steps


_PADS = {"PAD_T": 0, "PAD_B": 0, "PAD_L": 0, "PAD_R": 0}
_POOL = {"K_H": 2, "K_W": 2, "STRIDE_H": 2, "STRIDE_W": 2} | _PADS
_SIDES = {f"{side}_{name}": value for side in "AB" for name, value in
          (("BITS", 8), ("SIGNED", 1), ("BIPOLAR", 0), ("SCALE", 1))}  # fmt: skip

TWINS: dict[str, Twin] = {
    twin.kernel: twin
    for twin in (
        _matrix("xnor_mvau", {}, lambda p: clog2(p["MW"] + 2)),
        _matrix(
            "int_mvau",
            {"IN_BITS": 8, "IN_SIGNED": 0, "ACC_BITS": 16},
            lambda p: p["ACC_BITS"] + 1,
        ),
        Twin(
            "threshold",
            {"CHANNELS": 1, "PE": 1, "IN_BITS": 8, "IN_SIGNED": 1, "N_THRESHOLDS": 1,
             "OUT_BITS": 1, "OUT_BIAS": 0, "N_SETS": 1, "N_VECTORS": 1},
            per_unit=lambda p: p["CHANNELS"] // p["PE"],
            steps=lambda p, vectors: vectors * p["CHANNELS"] // p["PE"],
            memories=(
                TwinMemory(
                    "THRESHOLDS_FILE",
                    lambda p: p["N_SETS"] * p["CHANNELS"] // p["PE"],
                    lambda p: p["PE"] * p["N_THRESHOLDS"] * (p["IN_BITS"] + 2),
                ),
                TwinMemory(
                    "SETS_FILE",
                    lambda p: p["N_VECTORS"] if p["N_SETS"] > 1 else 1,
                    lambda p: clog2(p["N_SETS"]),
                ),
                TwinMemory("NEGATE_FILE", lambda p: p["CHANNELS"] // p["PE"], lambda p: p["PE"]),
            ),
        ),
        Twin(
            "pad",
            {"IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "BITS": 1,
             "PAD_T": 1, "PAD_B": 1, "PAD_L": 1, "PAD_R": 1, "VALUE": 0},
            per_unit=None,
            steps=_padded_words,
        ),
        Twin(
            "window",
            {"IFM_H": 8, "IFM_W": 8, "CHANNELS": 4, "SIMD": 2, "BITS": 1, "K_H": 3, "K_W": 3,
             "STRIDE_H": 1, "STRIDE_W": 1, "DILATION_H": 1, "DILATION_W": 1, "DEPTHWISE": 0,
             "DEPTH": 0},
            per_unit=None,
            steps=lambda p, frames: frames * window_steps(p),
        ),
        Twin(
            "max_pool",
            {"IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "BITS": 1, "SIGNED": 0} | _POOL,
            per_unit=None,
            steps=_padded_words,
            memories=(TwinMemory("MIN_FILE", _channel_folds, lambda p: p["SIMD"]),),
        ),
        Twin(
            "sum_pool",
            {"IFM_H": 4, "IFM_W": 4, "CHANNELS": 4, "SIMD": 2, "IN_BITS": 4, "IN_SIGNED": 0,
             "IN_BIPOLAR": 0, "OUT_BITS": 8, "SHIFT": 0} | _POOL,
            per_unit=None,
            steps=_padded_words,
        ),
        Twin(
            "add",
            {"PE": 2} | _SIDES | {"OUT_BITS": 9},
            per_unit=lambda p: 1,
            steps=lambda p, words: words,
            inputs=("s_axis_a", "s_axis_b"),
        ),
        Twin(
            "affine_argmax",
            {"N": 10, "PE": 1, "IN_BITS": 8, "IN_SIGNED": 1, "A_BITS": 0, "B_BITS": 0, "MODE": 2,
             "SCORE_BITS": 8, "LABEL_BITS": 4},
            per_unit=lambda p: p["N"] // p["PE"],
            steps=lambda p, vectors: vectors * p["N"] // p["PE"],
            memories=(
                TwinMemory(
                    "AFFINE_FILE",
                    lambda p: p["N"] // p["PE"],
                    lambda p: p["PE"] * (p["A_BITS"] + p["B_BITS"]),
                ),
            ),
        ),
        Twin(
            "width_converter",
            {"IN_BITS": 8, "OUT_BITS": 8, "FRAME_BITS": 8},
            per_unit=None,
            steps=_converter_steps,
        ),
        Twin(
            "stream_fork",
            {"BITS": 8, "N": 2},
            per_unit=lambda p: 1,
            steps=lambda p, words: words,
        ),
    )
}  # fmt: skip
"""Kernel -> its twin. `fifo` has none (a stream has a depth), nor has `frame_last` (it stays RTL);
`hardwired_flow` is described by hw_bnn.hls.hardwired, since its constants are part of its code."""
