"""Small pieces of HTML; all text that comes from outside is escaped here and nowhere else.

>>> table(["layer", "cycles"], [["<fc1>", 1024]])
'<div class="wide"><table><tr><th>layer</th><th class="n">cycles</th></tr>\
<tr><td>&lt;fc1&gt;</td><td class="n">1,024</td></tr></table></div>'
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


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A table; a column is aligned to the right where its cells are numbers."""

    def numeric(i: int) -> bool:
        cells = [row[i] for row in rows if row[i] is not None]
        return bool(cells) and all(
            isinstance(c, int | float) and not isinstance(c, bool) for c in cells
        )

    kind = ['class="n"' if numeric(i) else "" for i in range(len(columns))]
    head = "".join(_cell("th", k, c) for k, c in zip(kind, columns, strict=True))
    lines = "".join(
        "<tr>" + "".join(_cell("td", k, c) for k, c in zip(kind, row, strict=True)) + "</tr>"
        for row in rows
    )
    return Markup(f'<div class="wide"><table><tr>{head}</tr>{lines}</table></div>')


def _cell(tag: str, attributes: str, content: object) -> str:
    return f"<{tag}{' ' if attributes else ''}{attributes}>{text(content)}</{tag}>"


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
        f'<div class="meter{" hot" if hot else ""}"><i style="width:{width:.1f}%"></i></div>'
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
