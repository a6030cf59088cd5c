"""The page of traps: what every page warns of, a line each, in place of ``<!-- generated: traps -->``.

A trap is an item of a list under a heading that names traps; its line is its bold words with the sentence
after them, or its first sentence; a short one takes the next with it. So is every sentence of a paragraph
that begins with ``Traps:``.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

MARK = "<!-- generated: traps -->"
PARAGRAPH = re.compile(r"^Traps: (.*?)(?=\n\n)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.*\b(?:[Tt]raps|cannot tell)\b.*)$", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?])\s+(?=[A-Z`\"(*])")
ENOUGH = 60
"""Letters below which a sentence is too little to know a trap by, and the next one is added."""


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Headings that name traps, with what stands under them."""
    for match in HEADING.finditer(text):
        rest = text[match.end() :]
        end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
        yield match[2], rest[: end.start()] if end else rest


def items(section: str) -> list[str]:
    """Of the list in a section, each on one line."""
    found: list[str] = re.findall(r"^\* (.*(?:\n(?: {2,}\S.*))*)", section, re.MULTILINE)
    return [re.sub(r"\s+", " ", item) for item in found]


def line(item: str) -> str:
    """What is said of a trap in a line."""
    bold = re.match(r"\*\*.+?\*\*:?\s*", item)
    head, rest = (bold[0], item[bold.end() :]) if bold else ("", item)
    first, *more = SENTENCE.split(rest)
    while more and len(first) < ENOUGH:
        first = f"{first} {more.pop(0)}"
    return f"{head}{first}".strip()


def linked_from_above(text: str, folder: str) -> str:
    """Links of a page in ``folder`` as they are from the folder above."""
    return re.sub(
        r"\]\((?!https?:|#)([^)#]+)", lambda m: f"]({posixpath.normpath(posixpath.join(folder, m[1]))}", text
    )


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def traps(folder: Path) -> str:
    """The Markdown of all traps of the pages in a folder."""
    parts = []
    for page in sorted([*folder.glob("*.md"), *folder.glob("howto/*.md")]):
        text = page.read_text(encoding="utf-8")
        if MARK in text:
            continue
        text = linked_from_above(text, page.parent.relative_to(folder).as_posix())
        place = page.relative_to(folder).as_posix()
        for heading, section in sections(text):
            if found := [line(item) for item in items(section) if not item.startswith("More: ")]:
                title = re.sub(r"[`*]", "", text.partition("\n")[0].removeprefix("# "))
                parts += [f"## {title}", "", f"From [{title}: {heading}]({place}#{slug(heading)}).", ""]
                parts += [*(f"* {each}" for each in found), ""]
        for match in PARAGRAPH.finditer(text):
            before = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)
            sentences = SENTENCE.split(re.sub(r"\s+", " ", match[1]))
            parts += [
                f"## {before[0]}",
                "",
                f"From [{before[0]}: {before[-1]}]({place}#{slug(before[-1])}).",
                "",
            ]
            parts += [*(f"* {each}" for each in sentences), ""]
    return "\n".join(parts)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        source[0] = source[0].replace(MARK, traps(Path(app.srcdir)))


def _outdated(app: Sphinx, *_: Any) -> list[str]:
    """Pages that are made of others are made anew."""
    return [name for name in ("gallery", "traps") if name in app.env.found_docs]


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True}
