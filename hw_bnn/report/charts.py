"""Drawings as inline SVG: curves, histograms, pictures; a confusion matrix as a table.

Colours are those of page.html by class (l0, l1, ...); what they tell is told by words, too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from .markup import Markup, text

WIDTH, HEIGHT, LEFT, RIGHT, BELOW = 560, 190, 64, 150, 22
LEVELS = 8
"""Steps of brightness of a picture."""


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> Markup:
    return Markup(
        f'<svg class="chart" role="img" aria-label="{text(title)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )


def figure(title: str | Markup, drawing: str) -> Markup:
    """A drawing with what it shows below it."""
    return Markup(f"<figure>{drawing}<figcaption>{text(title)}</figcaption></figure>")


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> Markup:
    """Curves through (x, y), each named at its end; nothing where there are fewer than two points.

    Args:
        series: name -> points, x ascending, all finite.
    """
    drawn = {name: points for name, points in series.items() if len(points) > 1}
    if not drawn:
        return Markup("")
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    low, high, first, last = min(ys), max(ys), min(xs), max(xs)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - BELOW - 8

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + wide * (x - first) / ((last - first) or 1),
            8 + tall * (1 - (y - low) / ((high - low) or 1)),
        )

    parts = [_axes(f"{high:.4g}", f"{low:.4g}", f"{first:g}", f"{last:g}")]
    names: list[tuple[float, int, str]] = []
    for index, (name, points) in enumerate(drawn.items()):
        places = [at(x, y) for x, y in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="l{index % 4}" d="M{path}"/>')
        names.append((places[-1][1], index, name))
    below = -math.inf
    for y, index, name in sorted(names):
        below = max(y + 4, below + 14)
        parts.append(
            f'<text class="left l{index % 4}" x="{LEFT + wide + 8}" y="{below:.1f}">'
            f"{text(name)}</text>"
        )
    return figure(title, _svg(title, WIDTH, HEIGHT, parts))


def _axes(high: str, low: str, first: str, last: str) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BELOW
    return (
        f'<path class="axis" d="M{LEFT} 8V{bottom}H{right}"/>'
        f'<text class="small right" x="{LEFT - 6}" y="16">{text(high)}</text>'
        f'<text class="small right" x="{LEFT - 6}" y="{bottom}">{text(low)}</text>'
        f'<text class="small left" x="{LEFT}" y="{HEIGHT - 6}">{text(first)}</text>'
        f'<text class="small right" x="{right}" y="{HEIGHT - 6}">{text(last)}</text>'
    )


def histogram(title: str, low: float, high: float, series: Mapping[str, Sequence[int]]) -> Markup:
    """Shares of counts in bins of one width from low to high, one row of bars a series."""
    drawn = {name: counts for name, counts in series.items() if sum(counts)}
    if not drawn:
        return Markup("")
    shares = {name: [c / sum(counts) for c in counts] for name, counts in drawn.items()}
    peak = max(max(values) for values in shares.values())
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - BELOW - 8
    parts = [_axes(f"{100 * peak:.3g} %", "0 %", f"{low:g}", f"{high:g}")]
    for index, (name, values) in enumerate(shares.items()):
        step = wide / len(values)
        bar = step * 0.9 / len(shares)
        path = "".join(
            f"M{LEFT + step * i + bar * index:.1f} {HEIGHT - BELOW}v{-tall * v / peak:.1f}"
            f"h{bar:.1f}v{tall * v / peak:.1f}z"
            for i, v in enumerate(values) if v
        )  # fmt: skip
        parts.append(f'<path class="bar l{index % 4}" d="{path}"/>')
        parts.append(
            f'<text class="left l{index % 4}" x="{LEFT + wide + 8}" y="{20 + 16 * index}">'
            f"{text(name)}</text>"
        )
    return figure(title, _svg(title, WIDTH, HEIGHT, parts))


def bars(title: str, counts: Sequence[int]) -> Markup:
    """A histogram as small as a line of text, without axes."""
    most, step = max(counts, default=0) or 1, 6
    path = "".join(f"M{step * i} 24v{-24 * n / most:.1f}h5v{24 * n / most:.1f}z"
                   for i, n in enumerate(counts) if n)  # fmt: skip
    return _svg(title, step * len(counts), 24, [f'<path class="bar l0" d="{path}"/>'])


def matrix(caption: str, confusion: Sequence[Sequence[int]]) -> Markup:
    """A confusion matrix: a row a label, a column what was said; shaded by the share of the row."""
    heads = "".join(f'<th scope="col" class="n">{i}</th>' for i in range(len(confusion)))
    rows = ""
    for label, row in enumerate(confusion):
        whole = sum(row) or 1
        cells = "".join(
            f'<td class="n {"right" if said == label else "wrong"}" '
            f'style="--share:{100 * n / whole:.0f}%">{n:,}</td>'
            if n else '<td class="n dim">\u00b7</td>'
            for said, n in enumerate(row)
        )  # fmt: skip
        rows += f'<tr><th scope="row" class="n">{label}</th>{cells}</tr>'
    name = text(caption)
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}"><table class="heat">'
        f'<caption>{name}</caption><thead><tr><th scope="col" class="n">label</th>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def picture(values: Sequence[int], shape: Sequence[int], low: int, high: int) -> Markup:
    """A frame as it is streamed, (H, W, C), or (K) of a square; nothing where it is no picture.

    Args:
        values: H x W x C integers of low to high, channel fastest; C is 1 or 3.
    """
    size = tuple(shape)
    if len(size) == 1 and math.isqrt(size[0]) ** 2 == size[0]:
        size = (math.isqrt(size[0]), math.isqrt(size[0]), 1)
    if len(size) != 3 or size[2] not in (1, 3) or math.prod(size) != len(values):
        return Markup("")
    rows, columns, channels = size
    runs: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for y in range(rows):
        row = [
            tuple(
                (LEVELS - 1) * (min(max(v, low), high) - low) // ((high - low) or 1)
                for v in values[(y * columns + x) * channels :][:channels]
            )
            for x in range(columns)
        ]
        start = 0
        for x in range(1, columns + 1):
            if x == columns or row[x] != row[start]:
                runs[row[start]].append(f"M{start} {y}h{x - start}v1h{start - x}z")
                start = x
    paths = [
        f'<path fill="{_colour(level)}" d="{"".join(runs[level])}"/>' for level in sorted(runs)
    ]
    return Markup(
        f'<svg class="picture" role="img" aria-label="input" viewBox="0 0 {columns} {rows}">'
        f"{''.join(paths)}</svg>"
    )


def _colour(level: tuple[int, ...]) -> str:
    parts = level if len(level) == 3 else level * 3
    return "#" + "".join(f"{255 * p // (LEVELS - 1):02x}" for p in parts)
