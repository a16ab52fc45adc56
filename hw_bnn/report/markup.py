"""Small pieces of HTML; all text that comes from outside is escaped here and nowhere else.

>>> table("layers", ["layer", "cycles"], [["<fc1>", 1024]])
'<div class="wide" tabindex="0" role="region" aria-label="layers"><table><caption>layers</caption>\
<thead><tr><th scope="col">layer</th><th scope="col" class="n">cycles</th></tr></thead>\
<tbody><tr><th scope="row">&lt;fc1&gt;</th><td class="n">1,024</td></tr></tbody></table></div>'
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ..console import printable


class Markup(str):
    """Text that is HTML already."""


def text(value: object) -> str:
    """HTML of a value: numbers with separators, None as a dash, everything else escaped."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return "&ndash;"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return html.escape(printable(value))


def short(words: str, most: int = 36) -> str:
    """At most so many characters: what is cut out is from the middle."""
    return words if len(words) <= most else f"{words[: most // 2 - 1]}\u2026{words[-most // 2 :]}"


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A table; a column is aligned to the right where its cells are numbers. A row's first cell is
    its heading."""

    def numeric(i: int) -> bool:
        cells = [row[i] for row in rows if row[i] is not None]
        return bool(cells) and all(
            isinstance(c, int | float) and not isinstance(c, bool) for c in cells
        )

    kind = [' class="n"' if numeric(i) else "" for i in range(len(columns))]
    head = "".join(f'<th scope="col"{k}>{text(c)}</th>' for k, c in zip(kind, columns, strict=True))
    lines = "".join(f"<tr>{_row(row, kind)}</tr>" for row in rows)
    name = text(caption)
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}"><table>'
        f"<caption>{name}</caption><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
        "</div>"
    )


def _row(row: Sequence[object], kind: Sequence[str]) -> str:
    cells = [f"<td{k}>{text(c)}</td>" for k, c in zip(kind[1:], row[1:], strict=True)]
    return "".join([f'<th scope="row"{kind[0]}>{text(row[0])}</th>', *cells])


def section(title: str, *parts: str) -> Markup:
    """A heading and what stands below it."""
    return Markup(f"<h2>{text(title)}</h2>\n" + "\n".join(parts) + "\n")


def paragraph(content: object) -> Markup:
    return Markup(f"<p>{text(content)}</p>")


def code(content: object) -> Markup:
    return Markup(f"<code>{text(content)}</code>")


def verdict(good: bool, content: object) -> Markup:
    """Text in the colour of a passed or failed check."""
    return Markup(f'<span class="{"good" if good else "bad"}">{text(content)}</span>')


def meter(share: float, hot: bool = False) -> Markup:
    """A bar filled to `share` of its length (0 to 1)."""
    width = 100 * min(max(share, 0.0), 1.0)
    return Markup(
        f'<div class="meter{" hot" if hot else ""}" role="img" aria-label="{width:.0f} percent">'
        f'<i style="width:{width:.1f}%"></i></div>'
    )


def cards(figures: Sequence[tuple[str, object]]) -> Markup:
    """The key figures: (name, value) pairs."""
    inner = "".join(
        f'<div class="card"><b>{text(value)}</b><span>{text(name)}</span></div>'
        for name, value in figures
    )
    return Markup(f'<div class="cards">{inner}</div>')


def page(title: str, subtitle: object, body: str, footer: object) -> str:
    """The whole document."""
    template = Template((Path(__file__).parent / "page.html").read_text())
    return template.substitute(
        title=text(title), heading=text(title), subtitle=text(subtitle), body=body,
        footer=text(footer),
    )  # fmt: skip
