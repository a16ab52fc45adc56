"""The first word inside the RTL that is not what the golden model says, and its waveform.

Streams that carry a tensor of the model file are captured and unpacked:

    beat b of a frame holds elements b*lanes .. (b+1)*lanes - 1, element 0 in the lowest bits,
    channel fastest

with one bit for +-1 and two's complement or unsigned numbers otherwise,
as the tensor's range asks for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..accelerator import Description, Stream
from .divergence import Divergence, first_divergence

if TYPE_CHECKING:
    from ..golden import GoldenModel

MOST_FRAMES = 256
"""Frames before the differing one that are run again: what they leave behind may be the cause."""


def locate(
    golden: GoldenModel,
    folder: Path,
    accelerator: Description,
    x: np.ndarray,
    frame: int,
    layers: dict[str, str],
    *,
    stage: str = "rtl",
    stall: float = 0.0,
    waves: Path | None = None,
    weights: Path | None = None,
    gates: str | None = None,
) -> Divergence | None:
    """The first divergence inside the RTL, or gates, at or before the given frame.

    Args:
        x: all frames of the run; frame: number of the first whose output differs.
        layers: tensor -> node of the model file.
        stall: probability of a pause, as in the run that differed.
        weights: folder whose network is loaded first.
        waves: FST file to write, the cycles around the divergence.
        gates: family of the netlist to look into, one frame a bit lane, in place of the RTL.

    Returns:
        None where no captured stream differs when the frames are run again (a fault that needs the
        whole run, or one behind the last such stream).
    """
    from ..sim import capture
    from .stage import trace_tensors
    from .waveform import SEED, Waveform, record, word, write

    first = max(0, frame + 1 - MOST_FRAMES)
    part = x[first : frame + 1]
    names = trace_tensors(golden)
    streams = [(s, s.tensor) for s in accelerator.streams if s.tensor and s.tensor in names]
    words = capture(
        folder, part, [s.name for s, _ in streams], stall=stall, seed=SEED, weights=weights,
        engine="lanes" if gates else "native", family=gates,
    )  # fmt: skip
    expected = golden.trace(part)
    found: dict[str, np.ndarray] = {}
    times: dict[str, tuple[np.ndarray, Stream]] = {}
    for stream, tensor in streams:
        signed = _signed(golden, tensor)
        values = unpack(words[stream.name][0], stream, expected[tensor].shape, signed)
        if values is not None and tensor not in found:
            found[tensor], times[tensor] = values, (words[stream.name][1], stream)
    numbers = range(first, frame + 1)
    divergence = first_divergence(stage, expected, found, numbers, layers)
    if divergence is None:
        return None
    cycles, layout = times[divergence.tensor]
    beat = _beat(divergence, layout, expected[divergence.tensor].shape[1:])
    cycle = int(cycles[divergence.frame - first, beat])
    divergence = replace(divergence, cycle=cycle)
    if gates:  # a lane's cycles are those of its own frames
        return divergence
    how = {"stall": stall, "weights": weights}
    if waves is not None:
        write(waves, cycle, folder, part, **how)
    right, signed = expected[divergence.tensor], _signed(golden, divergence.tensor)
    told = word(right[divergence.frame - first], layout, beat, signed)
    shown = Waveform(layout.name, told, record(accelerator, layout, cycle, folder, part, **how))
    return replace(divergence, waveform=shown)


def _signed(golden: GoldenModel, tensor: str) -> bool:
    return bool((golden.program.tensors[tensor].minimum < 0).any())


class Layout(Protocol):
    """How a frame lies in a stream: a Stream of the accelerator, or a channel of its HLS form."""

    @property
    def words(self) -> int: ...

    @property
    def word_bits(self) -> int: ...


def unpack(
    words: np.ndarray, stream: Layout, shape: tuple[int, ...], signed: bool
) -> np.ndarray | None:
    """Captured words as integers in the layout of the model file.

    Args:
        words: (N, beats, bytes) uint8.
        shape: (N, C), (N, C, L) or (N, C, H, W).
        signed: whether the tensor's range has negative numbers (one bit then means -1 and +1).

    Returns:
        An int64 array of that shape; None where the stream's size does not fit it.
    """
    count, elements = shape[0], int(np.prod(shape[1:]))
    total = stream.words * stream.word_bits
    if elements == 0 or total % elements:
        return None
    bits = total // elements
    stream_bits = np.unpackbits(words, axis=2, bitorder="little")[:, :, : stream.word_bits]
    single = stream_bits.reshape(count, elements, bits).astype(np.int64)
    values = (single << np.arange(bits)).sum(axis=2)
    if signed:
        values = 2 * values - 1 if bits == 1 else values - ((values >> (bits - 1)) << bits)
    n, c, *positions = shape  # streamed (H, W, C)
    return np.moveaxis(values.reshape(n, *positions, c), -1, 1)


def _beat(divergence: Divergence, stream: Stream, shape: tuple[int, ...]) -> int:
    """The beat of a frame that carries the diverging element."""
    channels = shape[0]
    pixel = 0
    if len(shape) > 1:
        pixel = int(np.ravel_multi_index(divergence.position, shape[1:]))
    element = pixel * channels + divergence.channel
    return element * stream.words // int(np.prod(shape))
