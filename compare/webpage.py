"""A report as one file of HTML: its pictures inside, nothing to load from elsewhere, readable on a phone."""

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence

from matplotlib import style
from matplotlib.figure import Figure

from compare.figure import STYLE

CSS = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
.wide{overflow-x:auto} table{border-collapse:collapse;font-size:13px;margin:1rem 0}
td{white-space:nowrap} td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:right}
td:first-child,th:first-child{text-align:left;font-family:monospace}
img{max-width:100%} .solid{background:#56B4E955} .liquid{background:#F0E44255} h2{margin-top:2rem}
li{margin:.3rem 0;overflow-wrap:anywhere} .tiles{display:flex;flex-wrap:wrap;gap:.3rem}
.tiles img{width:9.5rem} pre{overflow-x:auto;background:#f4f4f4;padding:.6rem}
"""
MARKED = ("solid", "liquid")
"""Cells of a table that are coloured."""


def document(title: str, parts: Iterable[str]) -> str:
    """The page of these ``parts``, each HTML already."""
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head><body>{body}</body></html>"
    )


def image(figure: Figure, name: str, dpi: int = 130) -> str:
    """A picture, embedded; ``name`` is what is read aloud in its place."""
    buffer = io.BytesIO()
    with style.context(STYLE):
        figure.savefig(buffer, format="png", dpi=dpi)
    text = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(name)}" src="data:image/png;base64,{text}">'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    lines = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    lines += ["".join(map(_cell, row)) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def _cell(text: str) -> str:
    mark = f' class="{text}"' if text in MARKED else ""
    return f"<td{mark}>{html.escape(text)}</td>"


def listing(lines: Iterable[str]) -> str:
    """Lines of plain text as a list."""
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


def number(value: float, error: float) -> str:
    """``0.574 ± 0.012``; without what is missing, ``-`` without a value."""
    if not math.isfinite(value):
        return "-"
    if not math.isfinite(error):
        return f"{value:.3f}"
    return f"{value:.3f} ± {error:.3f}" if error == 0 or error >= 5e-4 else f"{value:.4f} ± {error:.1g}"


def paragraph(text: str) -> str:
    """Plain text."""
    return f"<p>{html.escape(text)}</p>"
