"""Docstrings with columns (a tree of errors, a layout of folders) are shown as they are written."""

from __future__ import annotations

from typing import Any

import griffe


class Columns(griffe.Extension):
    """Indents such paragraphs, which makes them blocks in Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every object that is read."""
        if obj.docstring is not None:
            parts = obj.docstring.value.split("\n\n")
            obj.docstring.value = "\n\n".join(indented(part) if has_columns(part) else part for part in parts)


def has_columns(part: str) -> bool:
    """Whether most of several lines have a gap of three spaces or more inside."""
    lines = part.splitlines()
    return len(lines) > 2 and 2 * sum("   " in line.strip() for line in lines) > len(lines)


def indented(part: str) -> str:
    """The lines, each four spaces further right."""
    return "\n".join("    " + line for line in part.splitlines())
