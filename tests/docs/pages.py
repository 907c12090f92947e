"""The documentation's pages as data: their fenced blocks, inline commands, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
"""Every page that somebody reads; DESIGN.md and CHANGELOG.md have links but no commands to repeat."""
LINKED = (*PAGES, ROOT / "DESIGN.md", ROOT / "CHANGELOG.md")
SHELL = frozenset({"sh", "bash"})

_FENCE = re.compile(
    r"^(?:<!-- not run here: (?P<reason>[^\n]+?) -->\n+)?"
    r"(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=fence)[ ]*$",
    re.M | re.S,
)
_INLINE = re.compile(r"(?<!`)`(?P<code>[^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, and why it is not run, where a comment says so."""

    page: Path
    line: int
    language: str
    code: str
    reason: str | None
    title: str | None = None
    """What stands above it (`title="relations.csv"`)."""

    @property
    def is_file(self) -> bool:
        """Whether it shows a file that later blocks read: its title is the file's name."""
        return self.title is not None and self.language != "text"

    def shows(self, above: Block) -> bool:
        """Whether it is the output of the block right above; one with a title is an example of it at most."""
        end = above.line + above.code.count("\n") + 1
        kind = self.language in {"", "text", "json"} and self.title is None and self.reason is None
        return kind and self.line - end <= 2

    @property
    def place(self) -> str:
        """For messages: `docs/live.md:12`."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The page's blocks in these languages, or all of them."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        language = (found["info"].split() or [""])[0]
        if not languages or language in languages:
            line = text.count("\n", 0, found.start("code")) + 1
            title = re.search(r'title="([^"/]+)"', found["info"])
            yield Block(page, line, language, found["code"], found["reason"], title and title[1])


def prose(page: Path) -> str:
    """The page without its blocks, with as many lines."""
    text = page.read_text(encoding="utf-8")
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def inline_code(page: Path) -> Iterator[tuple[int, str]]:
    """What stands between single backticks, with its line."""
    text = prose(page)
    for found in _INLINE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found["code"]
