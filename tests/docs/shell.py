"""Shell code as simple commands, as far as a page's blocks need it: no expansion, nothing is run."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator

_OPERATORS = frozenset("();|&\n")
_REDIRECTIONS = frozenset("<>&")
_KEYWORDS = frozenset(
    {
        "do",
        "then",
        "else",
        "if",
        "while",
        "until",
        "!",
        "{",
        "time",
        "nohup",
        "exec",
        "export",
        "sudo",
        "nice",
    }
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class _Lines(io.StringIO):
    """Leaves the newline after a comment where it is, so that the command before it ends there."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # IOBase says bytes
        line = super().readline(size)
        if line.endswith("\n"):
            self.seek(self.tell() - 1)
        return line


def commands(code: str) -> Iterator[list[str]]:
    """Words of each simple command, without assignments before it, redirections and keywords."""
    words: list[str] = []
    skip = False
    for token in _tokens(code):
        if set(token) <= _OPERATORS | _REDIRECTIONS:
            redirects = bool(set(token) & frozenset("<>")) and "(" not in token
            if redirects and words and words[-1] in {"1", "2"}:
                words.pop()
            if not redirects:
                yield from _simple(words)
                words = []
            skip = redirects
        elif skip:
            skip = False
        else:
            words.append(token)
    yield from _simple(words)


def _tokens(code: str) -> Iterator[str]:
    lexer = shlex.shlex(_Lines(code.replace("\\\n", " ")), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    yield from lexer


def _simple(words: list[str]) -> Iterator[list[str]]:
    start = 0
    while start < len(words) and (words[start] in _KEYWORDS or _ASSIGNMENT.match(words[start])):
        start += 1
    if words[start:]:
        yield words[start:]
