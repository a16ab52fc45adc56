"""The flow of an accelerator as a drawing: nodes from top to bottom, streams with their widths.

FIFOs are not drawn: their depth stands at the stream. A stream that passes other nodes by (the
short way around a block) goes around them on the right.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..accelerator import Description, Node
from ..accelerator.wiring import SOURCE
from .markup import Markup, short, text

BOX, HIGH, GAP, APART = 250, 44, 40, 24  # width and height of a box, space below and beside one
_DETOUR = 34  # by how much each further stream that passes nodes by goes around


@dataclass(frozen=True)
class Link:
    """A stream between two drawn nodes: bits of a word, and the words of the FIFOs on its way."""

    producer: str
    consumer: str
    bits: int
    depth: int


def links(accelerator: Description) -> list[Link]:
    """The streams of the drawing: those between nodes that are no FIFOs."""
    nodes = {node.name: node for node in accelerator.nodes}
    after = {s.producer: s for s in accelerator.streams if _fifo(nodes.get(s.producer))}
    found = []
    for stream in accelerator.streams:
        if _fifo(nodes.get(stream.producer)):
            continue
        depth, end, passed = 0, stream, set[str]()
        while end.consumer in after and end.consumer not in passed:  # a stranger's may be a ring
            passed.add(end.consumer)
            depth, end = depth + (nodes[end.consumer].depth or 0), after[end.consumer]
        found.append(Link(stream.producer, end.consumer, stream.word_bits, depth))
    return found


def _fifo(node: Node | None) -> bool:
    return node is not None and "fifo" in node.op.lower()


def places(drawn: list[Link]) -> dict[str, tuple[int, int]]:
    """Name -> (row, column): a row below all that a node reads, in the column of the first of these
    that is free."""
    readers: dict[str, list[Link]] = {}
    for link in drawn:
        readers.setdefault(link.consumer, []).append(link)
    rows: dict[str, int] = {SOURCE: 0}
    waiting = list(dict.fromkeys(link.consumer for link in drawn))
    while waiting:  # a wiring without a circle, or the rest is left out
        ready = [n for n in waiting if all(link.producer in rows for link in readers[n])]
        if not ready:
            break
        for name in ready:
            rows[name] = 1 + max(rows[link.producer] for link in readers[name])
        waiting = [n for n in waiting if n not in rows]
    taken: set[tuple[int, int]] = set()
    found: dict[str, tuple[int, int]] = {}
    for name, row in sorted(rows.items(), key=lambda item: item[1]):
        column = min((found[link.producer][1] for link in readers.get(name, [])), default=0)
        while (row, column) in taken:
            column += 1
        taken.add((row, column))
        found[name] = (row, column)
    return found


def flow(accelerator: Description) -> Markup:
    """The drawing, as inline SVG."""
    drawn = links(accelerator)
    where = places(drawn)
    slowest = max(accelerator.nodes, key=lambda node: node.cycles, default=None)
    nodes = {node.name: node for node in accelerator.nodes}
    parts, detours = [], 0
    columns = 1 + max(column for _, column in where.values())
    for link in drawn:
        if link.producer in where and link.consumer in where:
            passes = where[link.consumer][0] - where[link.producer][0] > 1
            detours += passes
            parts.append(_line(link, where, columns, detours if passes else 0))
    parts += [
        _box(name, at, nodes.get(name), nodes.get(name) is slowest) for name, at in where.items()
    ]
    width = columns * (BOX + APART) + detours * _DETOUR + (90 if detours else 60)
    height = (1 + max(row for row, _ in where.values())) * (HIGH + GAP) - GAP + 2
    told = f"The nodes of {accelerator.name} and the streams between them"
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="flow"><svg class="flow" '
        f'role="img" aria-label="{text(told)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg></div>'
    )


def _corner(at: tuple[int, int]) -> tuple[int, int]:
    return at[1] * (BOX + APART) + 1, at[0] * (HIGH + GAP) + 1


def _box(name: str, at: tuple[int, int], node: Node | None, hot: bool) -> str:
    x, y = _corner(at)
    if node is None:
        title = "input" if name == SOURCE else "output"
        below, kind = name, "end"
    else:
        title, kind = name, "hot" if hot else "node"
        below = ", ".join(filter(None, [node.layer, f"{node.cycles:,} cycles"]))
    middle = x + BOX // 2
    return (
        f'<g class="{kind}"><title>{text(f"{title}: {below}")}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HIGH}" rx="6"/>'
        f'<text x="{middle}" y="{y + 18}">{text(short(title))}</text>'
        f'<text class="small" x="{middle}" y="{y + 35}">{text(short(below))}</text></g>'
    )


def _line(link: Link, where: dict[str, tuple[int, int]], columns: int, detour: int) -> str:
    (x1, y1), (x2, y2) = _corner(where[link.producer]), _corner(where[link.consumer])
    x1, x2, y1 = x1 + BOX // 2, x2 + BOX // 2, y1 + HIGH
    label = f"{link.bits:,} bit{'' if link.bits == 1 else 's'}"
    label += f", FIFO {link.depth:,}" if link.depth else ""
    if not detour:
        path = f"M{x1} {y1}C{x1} {y1 + 20} {x2} {y2 - 20} {x2} {y2}"
        at, y = x2 + 8, (y1 + y2) // 2 + (4 if x1 == x2 else 12)
    else:
        side = columns * (BOX + APART) + (detour - 1) * _DETOUR
        start, end = x1 + BOX // 4, x2 + BOX // 4
        path = f"M{start} {y1}C{start} {y1 + 25} {side} {y1 + 5} {side} {y1 + 40}"
        path += f"V{y2 - 40}C{side} {y2 - 5} {end} {y2 - 25} {end} {y2}"
        at, y = side + 6, (y1 + y2) // 2
    return f'<path d="{path}"/><text class="small left" x="{at}" y="{y}">{label}</text>'
