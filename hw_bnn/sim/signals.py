"""A stream's wires, cycle by cycle, of a run whose words and handshakes were kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Stream
from ..accelerator.wiring import SINK, SOURCE
from .results import EngineRun


@dataclass(frozen=True)
class Signals:
    """The wires of one stream in neighbouring cycles from `first` on.

    valid, ready: a character 0 or 1 a cycle. data: the word offered, as hexadecimal digits of its
    word_bits, None in cycles without one and of a word that is never taken. last: tlast, as valid;
    None for a stream between nodes, which has none.
    """

    stream: str
    producer: str
    consumer: str
    bits: int
    first: int
    valid: str
    ready: str
    data: tuple[str | None, ...]
    last: str | None


def signals(stream: Stream, run: EngineRun) -> Signals:
    """The wires of a stream in the cycles that `run` looked at.

    A word that is offered stays until it is taken, which the engine checks in every run that it
    watches: what is offered in a cycle is the word of the next transfer. So it is with tlast, which
    the engine drives on s_axis and checks on m_axis: it marks a frame's last word.
    """
    cycles = sorted(run.looked)
    words, taken = run.capture[stream.name]
    at = taken.ravel().searchsorted(cycles)
    shown = [run.looked[cycle][stream.name] for cycle in cycles]
    beats = [
        int(beat) if valid and beat < taken.size else None
        for beat, (valid, _) in zip(at, shown, strict=True)
    ]
    flat = words.reshape(-1, words.shape[2])
    ends = stream.producer == SOURCE or stream.consumer == SINK
    return Signals(
        stream.name, stream.producer, stream.consumer, stream.word_bits,
        first=cycles[0] if cycles else 0,
        valid="".join("01"[valid] for valid, _ in shown),
        ready="".join("01"[ready] for _, ready in shown),
        data=tuple(None if b is None else hexadecimal(flat[b], stream) for b in beats),
        last="".join("01"[b is not None and (b + 1) % stream.words == 0] for b in beats)
        if ends else None,
    )  # fmt: skip


def hexadecimal(word: NDArray[np.uint8], stream: Stream) -> str:
    """A word of a stream, bytes with the least significant first, as digits."""
    return f"{int.from_bytes(word.tobytes(), 'little'):0{-(-stream.word_bits // 4)}x}"
