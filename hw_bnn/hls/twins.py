"""The C++ twin of each kernel: its template arguments, its memories, and how it is called.

A twin (hls/include/hw_bnn/<kernel>.hpp) has the kernel's parameters (hw_bnn.kernels) as template
arguments, in their order, without those that only place registers and memories: an HLS tool does
that itself. Its memories are the kernel's, the same words in limbs of 64 bits; one that the
parameters leave out is a row of zeros.

>>> fork = TWINS["stream_fork"]
>>> fork.template({"BITS": 8, "N": 2})
'stream_fork<8, 2>'
>>> fork.units({"BITS": 8, "N": 2}, in_words=6)
6
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Unsupported
from ..kernels import KERNELS
from ..kernels.base import PLACEMENT, SHARING, Parameters
from .window_steps import window_steps


@dataclass(frozen=True)
class Rows:
    """A memory argument: the parameter that names its file, its rows and the bits of a row."""

    parameter: str
    rows: int
    bits: int


@dataclass(frozen=True)
class Twin:
    """How a kernel's C++ twin is called.

    Attributes:
        per_unit: words of a unit on the first input, of which the call's argument counts how many
            come (vectors, pixels, words); None: the unit is a frame.
        steps: iterations of the twin's loop a frame, given the frame's units.
        files: parameters that name memories, in the order of the arguments.
    """

    kernel: str
    per_unit: Callable[[dict[str, int]], int] | None
    steps: Callable[[dict[str, int], int], int]
    files: tuple[str, ...] = ()

    @property
    def defaults(self) -> dict[str, int]:
        """Template argument -> the SystemVerilog's default, in order."""
        given = KERNELS[self.kernel].defaults.items()
        return {name: value for name, value in given if name not in PLACEMENT | SHARING}

    def values(self, parameters: Parameters) -> dict[str, int]:
        """All template arguments by name.

        Raises:
            Unsupported: a number that the twin has no argument for.
        """
        numbers = {name for name, value in parameters.items() if not isinstance(value, str)}
        if unknown := numbers - set(self.defaults) - PLACEMENT:
            raise Unsupported(
                f"the HLS twin of {self.kernel} has no parameter {min(unknown)}",
                remedy='compile for it with folding="finn", or with a folding without MMV'
                if unknown <= SHARING
                else "compile the model again",
            )
        return {name: int(parameters.get(name, default)) for name, default in self.defaults.items()}

    def template(self, parameters: Parameters) -> str:
        """The instantiated function's name."""
        return f"{self.kernel}<{', '.join(map(str, self.values(parameters).values()))}>"

    def memories(self, parameters: Parameters) -> list[Rows]:
        """The memory arguments in order; one that the parameters leave out is a row of no bits."""
        found = {m.parameter: m for m in KERNELS[self.kernel].memories(parameters)}
        return [
            Rows(name, found[name].rows, found[name].word_bits)
            if name in found
            else Rows(name, 1, 0)
            for name in self.files
        ]

    def units(self, parameters: Parameters, in_words: int) -> int:
        """The call's count for one frame of so many input words."""
        return 1 if self.per_unit is None else in_words // self.per_unit(self.values(parameters))

    def interval(self, parameters: Parameters, in_words: int) -> int:
        """Steps of the loop for one frame: its cycles, at the initiation interval 1."""
        return self.steps(self.values(parameters), self.units(parameters, in_words))


def _frame(p: dict[str, int]) -> int:
    """Words of a frame with its borders."""
    height = p["PAD_T"] + p["IFM_H"] + p["PAD_B"]
    width = p["PAD_L"] + p["IFM_W"] + p["PAD_R"]
    return height * width * p["CHANNELS"] // p["SIMD"]


def _parallel_steps(p: dict[str, int]) -> int:
    """A pixel in, and each word of its window but the first, a step."""
    windows = 1
    for axis in "HW":
        span = (p[f"K_{axis}"] - 1) * p[f"DILATION_{axis}"] + 1
        windows *= (p[f"IFM_{axis}"] - span) // p[f"STRIDE_{axis}"] + 1
    chunks = p["K_H"] * p["K_W"] * p["CHANNELS"] // p["SIMD"]
    return p["IFM_H"] * p["IFM_W"] + windows * (chunks - 1)


def _converter_steps(p: dict[str, int]) -> int:
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
    return steps


def _matrix(kernel: str, replays: bool = True) -> Twin:
    """replays: an input word serves all channels."""
    return Twin(
        kernel,
        per_unit=lambda p: p["MW"] // p["SIMD"] * (1 if replays else p["MH"] // p["PE"]),
        steps=lambda p, vectors: vectors * (p["MH"] // p["PE"]) * (p["MW"] // p["SIMD"]),
        files=("WEIGHTS_FILE", "THRESHOLDS_FILE", "SETS_FILE"),
    )


def _by_frame(kernel: str, steps: Callable[[dict[str, int]], int], files=()) -> Twin:
    return Twin(kernel, None, lambda p, frames: frames * steps(p), files)


def _by_word(kernel: str, total: str = "", files=()) -> Twin:
    """A step a word; `total`: the parameter with a vector's elements, where vectors are counted."""
    if not total:
        return Twin(kernel, lambda p: 1, lambda p, words: words, files)
    return Twin(kernel, lambda p: p[total] // p["PE"],
                lambda p, vectors: vectors * p[total] // p["PE"], files)  # fmt: skip


TWINS: dict[str, Twin] = {
    twin.kernel: twin
    for twin in (
        _matrix("xnor_mvau"),
        _matrix("int_mvau"),
        _matrix("wide_mvau"),
        _matrix("vvau", replays=False),
        _by_word("threshold", "CHANNELS", ("THRESHOLDS_FILE", "SETS_FILE", "NEGATE_FILE")),
        _by_word("requantise", "CHANNELS", ("TABLE_FILE",)),
        _by_word("affine_argmax", "N", ("AFFINE_FILE",)),
        _by_word("add"),
        Twin("concat", lambda p: p["A_WORDS"], lambda p, n: n * (p["A_WORDS"] + p["B_WORDS"])),
        Twin("channels", lambda p: p["WORDS"], lambda p, pixels: pixels * p["WORDS"]),
        _by_word("stream_fork"),
        _by_frame("pad", _frame),
        _by_frame("max_pool", _frame, ("MIN_FILE",)),
        _by_frame("sum_pool", _frame),
        _by_frame("window", window_steps),
        _by_frame("parallel_window", _parallel_steps),
        _by_frame("width_converter", _converter_steps),
    )
}
"""Kernel -> its twin. `fifo` has none (a stream has a depth), nor has `frame_last` (it stays RTL);
`hardwired_flow` is described by hw_bnn.hls.hardwired, since its constants are part of its code."""
