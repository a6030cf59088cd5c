"""The code of a page: fenced blocks in order, those that are not to be run left out.

A block is run unless a comment on the line before says ``<!-- not run: why -->``. Python blocks of a page
share one namespace; of shell blocks the lines ``python -m PACKAGE ...`` are run, in this process.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>.+?) -->\n)?^```(?P<language>python|sh)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """Code of a page; ``line`` is where it begins, ``why`` it is not run, or empty."""

    language: str
    code: str
    line: int
    why: str

    def commands(self) -> list[list[str]]:
        """Of a shell block: arguments of each command."""
        joined = self.code.replace("\\\n", " ")
        return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


def blocks(page: Path) -> Iterator[Block]:
    """All Python and shell blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        yield Block(match["language"], match["code"], line, match["why"] or "")
