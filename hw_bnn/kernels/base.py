"""What the description of a kernel consists of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from .schedule import Schedule

Parameters = Mapping[str, int | str]
"""Parameters of a SystemVerilog module by name; strings are memory files and styles."""

PLACEMENT = frozenset({"PIPELINE", "WEIGHTS_STAGE", "LATENCY", "MULTIPLY"})
"""Parameters that say where registers stand and which cells compute, not what comes out."""

SHARING = frozenset({"MMV", "RUN", "STEP"})
"""Parameters of a unit that works on several windows of a convolution at once (MMV; finn-hlslib's
name for it): they share its weights."""

NUMBERS = {
    "WEIGHTS_FILE": 0, "THRESHOLDS_FILE": 1, "NEGATE_FILE": 2, "AFFINE_FILE": 3, "MIN_FILE": 4,
    "TABLE_FILE": 5,
}  # fmt: skip
"""Memories that can be written at run time: by the parameter that names the file, the number that
the kernels give them in their node (MEMORY of bnn_mvau_rom)."""

CONFIGURED = "CFG_WORD"
"""Parameter of a kernel whose memories can be written: bits of the widest word of them."""

CONTEXTS = "CONTEXTS"
"""Parameter of such a kernel: weight sets that its memories hold, one after another."""

GEOMETRY = frozenset({"SETS_FILE"})
"""Memories that hold the network's structure, whatever its weights are."""


@dataclass(frozen=True)
class Memory:
    """A memory that a kernel reads from a file: `rows` words of `lanes` groups of fields.

    A group has a field of each of `widths` bits, two's complement where negative; group 0 and in
    it field 0 stand in the lowest bits.
    """

    parameter: str  # of the kernel, that names the file
    rows: int
    lanes: int
    widths: tuple[int, ...]

    @property
    def word_bits(self) -> int:
        """Useful bits of a word."""
        return self.lanes * sum(self.widths)

    def words(self, values: np.ndarray) -> list[str]:
        """The lines of the memory file.

        Args:
            values: integers (rows, lanes * len(widths)).

        Returns:
            One lower-case hexadecimal string a word, all of the same length.

        >>> Memory("F", 2, 4, (1,)).words(np.array([[1, 0, 1, 1], [-1, 0, 0, 0]]))
        ['d', '1']
        >>> Memory("F", 1, 1, (4, 8)).words(np.array([[3, -2]]))
        ['fe3']
        """
        values = np.asarray(values, dtype=np.int64)
        if values.shape != (self.rows, self.lanes * len(self.widths)):
            raise ValueError(
                f"{self.parameter} has {self.rows} words of {self.lanes * len(self.widths)} "
                f"fields, not {values.shape}"
            )
        grouped = values.reshape(self.rows, self.lanes, len(self.widths))
        planes = [
            (grouped[:, :, i, None] >> np.arange(width, dtype=np.int64)) & 1
            for i, width in enumerate(self.widths)
        ]
        bits = np.concatenate(planes, axis=2).astype(np.uint8).reshape(self.rows, -1)
        packed = np.packbits(bits, axis=1, bitorder="little")
        digits = -(-self.word_bits // 4)
        return [row.tobytes()[::-1].hex().zfill(digits)[-digits:] for row in packed]


def contexts(parameters: Parameters) -> int:
    """Weight sets that a kernel's writable memories hold."""
    return int(parameters.get(CONTEXTS, 1))


@dataclass
class Parts:
    """What costs LUTs and registers on xc7, by name, and what is exact from the start.

    The part "exact" is a number of LUTs or registers as it stands; the others are multiplied by
    factors fitted to synthesis (synth/estimate.py). bram: RAMB36. dsp: DSP48 blocks. uram: blocks
    of UltraRAM.
    """

    lut: dict[str, float]
    ff: dict[str, float]
    bram: float = 0
    dsp: int = 0
    uram: int = 0


class Kernel(ABC):
    """A stream kernel of hw_bnn.rtl.

    name: without the prefix that its module has. defaults: the module's parameters in their order,
    but those that name a memory file or a style of memory.
    """

    name: ClassVar[str]
    defaults: ClassVar[dict[str, int]]

    def values(self, parameters: Parameters) -> dict[str, int]:
        """Every numeric parameter, those that are not given at the module's defaults."""
        return {k: int(parameters.get(k, default)) for k, default in self.defaults.items()}

    def memories(self, parameters: Parameters) -> tuple[Memory, ...]:
        """The memories that the kernel reads with these parameters.

        One that they leave out (no thresholds, one threshold set) is not among them; one that may
        be left out by naming no file is.
        """
        return ()

    def memory(self, parameter: str, parameters: Parameters) -> Memory:
        """The memory whose file `parameter` names."""
        return next(m for m in self.memories(parameters) if m.parameter == parameter)

    def schedule(self, parameters: Parameters, words: tuple[int, ...]) -> Schedule | None:
        """When it takes and gives the words of a frame, as the head of its RTL says; None where
        frames are not alike (each runs through the contexts that it names).

        Args:
            words: of a frame, at each input.
        """
        return None

    @abstractmethod
    def cost(self, parameters: Parameters) -> Parts | None:
        """What it is made of on xc7; None where there is no formula (a generator counts)."""


_KERNELS: dict[str, Kernel] = {}


Described = TypeVar("Described", bound=Kernel)


def register(kind: type[Described]) -> type[Described]:
    """Make a class's kernel known, under its name."""
    _KERNELS[kind.name] = kind()
    return kind


def registered() -> dict[str, Kernel]:
    """All kernels that have been registered."""
    return _KERNELS
