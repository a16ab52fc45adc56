"""The wires around the first word that differs inside the RTL, as a drawing: a column a cycle."""

from __future__ import annotations

from collections.abc import Iterator

from .charts import figure
from .documents import DivergenceText, Signals, Waveform
from .markup import Markup, code, short, text

NAMES, ROW, HEAD, TOP = 62, 22, 30, 22  # width of the names; heights of a wire, a stream's head
MOST_DIGITS, DIGIT = 6, 7.3  # digits of a word that a cycle has room for, and their width
_BITS_TOLD = 8


def waveform(divergence: DivergenceText, number: int) -> Markup:
    """The drawing; nothing where no wires were recorded.

    Args:
        number: of the divergence in its document, from 1.
    """
    shown, cycle = divergence.waveform, divergence.cycle
    if shown is None or cycle is None:
        return Markup("")
    digits = max(-(-s.bits // 4) for s in shown.streams)
    cell = max(26, round(min(digits, MOST_DIGITS) * DIGIT + 12))
    cycles = shown.cycles
    width, y = NAMES + cell * len(cycles) + 2, TOP
    parts = []
    for stream in shown.streams:
        parts.append(_head(stream, y))
        wrong = cycle if stream.stream == shown.stream else None
        parts.append(_wires(stream, y + HEAD, cell, wrong))
        y += HEAD + ROW * (3 + (stream.last is not None))
    if cycle in cycles:
        x = NAMES + cell * (cycle - cycles.start)
        parts.insert(0, f'<rect class="mark" x="{x}" y="0" width="{cell}" height="{y + 4}"/>')
    parts.append(_times(cycles, cycle, cell))
    name, about = f"waveform-{number}-title", f"waveform-{number}-desc"
    drawing = (
        f'<div class="wide" tabindex="0" role="region" aria-label="waveform {number}">'
        f'<svg class="wave" role="img" aria-labelledby="{name} {about}" width="{width}" '
        f'height="{y + 4}" viewBox="0 0 {width} {y + 4}"><title id="{name}">'
        f"{text(f'{divergence.stage}: the wires around cycle {cycle:,}')}</title>"
        f'<desc id="{about}">{text(_aloud(shown))}</desc>{"".join(parts)}</svg></div>'
    )
    return figure(_told(shown, cycle), drawing)


def _told(shown: Waveform, cycle: int) -> Markup:
    """What is marked: the word found and the one expected, and the bits in which they differ."""
    said = f"Cycle {cycle:,}, stream {code(short(shown.stream, 60))}"
    stream = next((s for s in shown.streams if s.stream == shown.stream), None)
    found = None
    if stream is not None and cycle in shown.cycles:
        found = stream.data[cycle - shown.cycles.start]
    if found is None:
        return Markup(said)
    wrong = int(found, 16) ^ int(shown.expected, 16)
    bits = [i for i in range(wrong.bit_length()) if wrong >> i & 1]
    rest = f" and {len(bits) - _BITS_TOLD:,} more" if len(bits) > _BITS_TOLD else ""
    which = f"bit{'s' if len(bits) > 1 else ''} {', '.join(map(str, bits[:_BITS_TOLD]))}{rest}"
    words = f"{code(short(found, 40))} found, {code(short(shown.expected, 40))} expected"
    return Markup(f"{said}: {words} (hexadecimal; they differ in {which})")


def _aloud(shown: Waveform) -> str:
    """The words handed on, stream by stream."""
    said = []
    for stream in shown.streams:
        moved = [
            f"{short(word, 40)} in {cycle:,}"
            for cycle, word, valid, ready in zip(
                shown.cycles, stream.data, stream.valid, stream.ready, strict=True
            )
            if valid == ready == "1" and word is not None
        ]
        said.append(f"{stream.stream} hands on {', '.join(moved) or 'nothing'}.")
    first, last = shown.cycles.start, shown.cycles.stop - 1
    return f"Cycles {first:,} to {last:,}. {' '.join(said)}"


def _head(stream: Signals, y: int) -> str:
    ends = f"{stream.stream}: {stream.producer} to {stream.consumer}"
    bits = f"{stream.bits:,} bit{'' if stream.bits == 1 else 's'}"
    return f'<text x="0" y="{y + HEAD - 8}">{text(short(ends, 60))}, {bits}</text>'


def _wires(stream: Signals, y: int, cell: int, wrong: int | None) -> str:
    parts = []
    levels = {"tvalid": stream.valid, "tready": stream.ready}
    for name, bits in levels.items():
        parts += [_name(name, y), _level(bits, y, cell)]
        y += ROW
    parts.append(_name("tdata", y))
    for start, stop, word in _words(stream):
        marked = wrong is not None and start <= wrong - stream.first < stop
        parts.append(_word(stream, (start, stop), word, y, cell, marked))
    if stream.last is not None:
        y += ROW
        parts += [_name("tlast", y), _level(stream.last, y, cell)]
    return "".join(parts)


def _name(name: str, y: int) -> str:
    return f'<text class="name" x="{NAMES - 8}" y="{y + 15}">{name}</text>'


def _level(bits: str, y: int, cell: int) -> str:
    """A wire of one bit."""
    path = f"M{NAMES} {y + (5 if bits[:1] == '1' else ROW - 5)}"
    for i, bit in enumerate(bits, 1):
        path += f"V{y + (5 if bit == '1' else ROW - 5)}H{NAMES + cell * i}"
    return f'<path d="{path}"/>'


def _words(stream: Signals) -> Iterator[tuple[int, int, str | None]]:
    """Words offered, from the cycle in which each comes to the one behind its transfer."""
    start = None
    for i, (valid, ready) in enumerate(zip(stream.valid, stream.ready, strict=True)):
        if valid == "1" and start is None:
            start = i
        if start is not None and (ready == "1" or i == len(stream.valid) - 1):
            yield start, i + 1, stream.data[start]
            start = None


def _word(
    stream: Signals, place: tuple[int, int], word: str | None, y: int, cell: int, marked: bool
) -> str:
    start, stop = place
    left, right, middle = NAMES + cell * start, NAMES + cell * stop, y + ROW // 2
    path = (
        f"M{left} {middle}l3 {5 - ROW // 2}H{right - 3}L{right} {middle}"
        f"l-3 {ROW // 2 - 5}H{left + 3}z"
    )
    room = max(3, int((right - left - 10) / DIGIT))
    kind, at = ("wrong" if marked else "word"), f"cycle {stream.first + start:,}"
    if stop - start > 1:
        at = f"cycles {stream.first + start:,} to {stream.first + stop - 1:,}"
    told = word if word is not None else "not taken before the run ends"
    return (
        f'<g class="{kind}"><title>{text(f"{at}: {told}")}</title><path d="{path}"/>'
        f'<text x="{(left + right) / 2:g}" y="{y + 15}">{text(short(word or "?", room))}</text></g>'
    )


def _times(cycles: range, marked: int, cell: int) -> str:
    """Numbers of cycles on top, as many as there is room for; the marked one's always."""
    step = -(-round(len(f"{cycles.stop:,}") * DIGIT + 10) // cell)
    at = marked if marked in cycles else cycles.start
    return "".join(
        f'<text class="{"now" if cycle == marked else "time"}" '
        f'x="{NAMES + cell * (cycle - cycles.start) + cell / 2:g}" y="15">{cycle:,}</text>'
        for cycle in cycles if (cycle - at) % step == 0
    )  # fmt: skip
