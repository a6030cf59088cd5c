"""The gallery: every figure with its numbers and verdicts, in place of ``<!-- generated: gallery -->``.

Plain Markdown and tables; ``gallery.js`` filters what is there, and without it all is shown.
"""

import importlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import figures
from figures import AGREES, DIFFERS, MISSING, PAPERS, SILENT, Drawn, Paper, Row, gathered
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util import logging

MARK = "<!-- generated: gallery -->"
PICTURES = Path(__file__).parents[2] / "build" / "gallery"
PIXELS = 1500
"""Width of a picture, at most: twice that of its column."""

ORDER = (AGREES, DIFFERS, SILENT, MISSING)

logger = logging.getLogger(__name__)


def gallery(papers: Iterable[str], page: Path) -> str:
    """The Markdown of the gallery, for a page of the sources."""
    return "\n".join([_buttons(papers := list(papers)), *(_paper(name, page) for name in papers)])


def _buttons(papers: list[str]) -> str:
    def group(name: str, label: str, choices: list[tuple[str, str]]) -> str:
        buttons = "".join(
            f'<button type="button" data-{name}="{escape(value)}" aria-pressed="{str(not value).lower()}">'
            f"{escape(text)}</button>"
            for value, text in choices
        )
        return f'<div role="group" aria-label="{label}"><span>{label}</span>{buttons}</div>'

    short = [(name, PAPERS[name].title.split(":")[0]) for name in papers]
    short = [
        (n, PAPERS[n].title.removeprefix("Our question: ") if t == "Our question" else t) for n, t in short
    ]
    return "\n".join(
        [
            '<div class="filters" hidden>',
            group("paper", "paper", [("", "all"), *short]),
            group("kind", "verdict", [("", "all"), *((kind, kind) for kind in ORDER)]),
            '<p role="status" aria-live="polite"></p>',
            "</div>",
            "",
        ]
    )


def _paper(name: str, page: Path) -> str:
    paper = PAPERS[name]
    cards = [_card(name, paper, drawn, page) for drawn in gathered(name, logger.info)]
    return "\n".join([f"({name})=", f"## {paper.title}", "", paper.lead, "", *cards])


def _card(name: str, paper: Paper, drawn: Drawn, page: Path) -> str:
    place = os.path.relpath(picture(name, drawn.name, PICTURES), page.parent)
    said = caption(drawn)
    alt = re.sub(r"[`*\\\[\]]", "", re.split(r"(?<=[.?])\s", said, maxsplit=1)[0].replace("\n", " "))
    return "\n".join(
        [
            f"### {heading(drawn.name)}",
            "",
            f":::::{{container}} card paper-{name}",
            "::::{container} panel",
            f":::{{image}} {place}",
            f":alt: {alt}",
            ":width: 100%",
            ":loading: lazy",
            ":::",
            "",
            said,
            "::::",
            "",
            f'<div class="numbers" data-paper="{name}">',
            *_numbers(drawn.rows, paper.beside),
            "</div>",
            "",
            ":::::",
            "",
        ]
    )


def heading(name: str) -> str:
    """Of a figure, from the name of its files."""
    if re.fullmatch(r"figS?\d+", name):
        return f"Fig. {name.removeprefix('fig')}"
    return name.replace("_", " ").capitalize()


def _numbers(rows: Iterable[Row], beside: str) -> list[str]:
    rows = list(rows)
    if not rows:
        return ['<p class="none">A figure without numbers of its own.</p>']
    counted = Counter(row.kind for row in rows)
    said = ", ".join(f"{counted[kind]} {kind}" for kind in ORDER if counted[kind])
    lines = [f'<p class="verdicts">{said}</p>', '<div class="scroll" tabindex="0" role="region"']
    lines[-1] += ' aria-label="numbers of this figure">'
    lines.append("<table><thead><tr>")
    lines.append("".join(f"<th>{escape(x)}</th>" for x in ("number", "ours", beside, "verdict")))
    lines.append("</tr></thead><tbody>")
    for row in rows:
        lines.append(
            f'<tr data-kind="{row.kind}"><td>{_inline(row.what)}</td><td>{escape(row.ours)}</td>'
            f'<td>{escape(row.beside)}</td><td class="verdict">{escape(row.verdict)}</td></tr>'
        )
        if row.note:
            note = f'<td colspan="4">{_inline(row.note)}</td>'
            lines.append(f'<tr data-kind="{row.kind}" class="note">{note}</tr>')
    return [*lines, "</tbody></table></div>"]


def _inline(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def caption(drawn: Drawn) -> str:
    """What the module that draws a figure says of it: its docstring, in Markdown."""
    text = importlib.import_module(f"paper_figures.{drawn.module}").__doc__ or ""
    text = re.sub(r":\w+:`~?\.?([^`]*)`", r"`\1`", text.replace("``", "`")).strip()
    return "".join(
        part
        if part.startswith("`")
        else re.sub(r"(?<=\w)\*(?=[\s,.;:)^]|$)", r"\\*", part).replace("<", "&lt;")
        for part in re.split(r"(`[^`]*`)", text)
    )


def picture(paper: str, name: str, folder: Path) -> Path:
    """A copy of a figure of at most PIXELS and 256 colours, small enough for a page of fifty."""
    source, target = figures.FIGURES / paper / f"{name}.png", folder / f"{paper}-{name}.png"
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(source) as image:
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image.convert("RGBA").getchannel("A"))
            if flat.width > PIXELS:
                flat = flat.resize(
                    (PIXELS, round(flat.height * PIXELS / flat.width)), Image.Resampling.LANCZOS
                )
            flat.quantize(256).save(target, optimize=True)
            shutil.copystat(source, target)
    return target


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        page = Path(app.env.doc2path(docname))
        source[0] = source[0].replace(MARK, gallery(app.config.gallery_papers or PAPERS, page))


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_config_value("gallery_papers", [], "", [list])
    app.add_js_file("gallery.js", loading_method="defer")
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
