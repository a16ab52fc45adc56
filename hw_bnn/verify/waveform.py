"""The wires of the layer in which the RTL differs first, around the word that does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import console
from ..accelerator import Description, Stream
from ..errors import HwBnnError
from ..sim import Signals, observe, stream_frames
from ..sim.packing import pack_elements
from ..sim.signals import hexadecimal

BEFORE, AFTER = 8, 7
"""Cycles shown around the one in which the word is handed on."""

SEED = 1
"""Of the pauses, as in the stages' runs."""

_MOST_INPUTS = 8
_BEFORE, _AFTER = 200, 50  # cycles of the wave file


@dataclass(frozen=True)
class Waveform:
    """What is shown of a divergence.

    stream: the one whose word differs. expected: that word by the golden model, as hexadecimal
    digits. streams: the wires of the layer's inputs, then of `stream`.
    """

    stream: str
    expected: str
    streams: tuple[Signals, ...]


def record(
    accelerator: Description, stream: Stream, cycle: int, folder: Path, x: np.ndarray, **how: Any
) -> tuple[Signals, ...]:
    """The wires of the streams that the layer reads which makes `stream`, and of this one.

    Args:
        cycle: that is looked around. x: the frames to run again; how: stall and weights as then.
    """
    inputs = [s for node in accelerator.nodes if node.name == stream.producer for s in node.inputs]
    names = [*inputs[:_MOST_INPUTS], stream.name]
    cycles = range(max(0, cycle - BEFORE), cycle + AFTER + 1)
    return tuple(observe(folder, x, names, cycles, seed=SEED, **how))


def write(waves: Path, cycle: int, folder: Path, x: np.ndarray, **how: Any) -> None:
    """The wave file of more cycles and all signals; arguments as of `record`."""
    window = (max(0, cycle - _BEFORE), cycle + _AFTER)
    try:
        stream_frames(folder, x, seed=SEED, waves=waves, window=window, **how)
    except HwBnnError as error:  # the divergence is the result; its picture is an extra
        console.say(f"no waveform of the divergence: {error}")


def word(values: np.ndarray, stream: Stream, beat: int, signed: bool) -> str:
    """One word of a frame as hexadecimal digits (the inverse of locate.py's unpack).

    Args:
        values: (C,), (C, L) or (C, H, W) integers of the frame.
        signed: as there.
    """
    elements = np.moveaxis(values, 0, -1).reshape(1, -1)
    bits = stream.words * stream.word_bits // elements.size
    if bits == 1 and signed:
        elements = elements > 0
    packed = pack_elements(elements, bits, stream.words, stream.word_bits, stream.tdata_bits)
    return hexadecimal(packed[0, beat], stream)
