"""Categories above a category: by what was stated, else by the steps of its path."""

from __future__ import annotations

from collections.abc import Mapping


def parent_of(category: str, parents: Mapping[str, str]) -> str | None:
    """The stated parent, else the path without its last step; None at the top."""
    return parents.get(category) or category.rpartition("/")[0] or None


def lineage(category: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """The category and everything above it, nearest first; ends where it would come round again."""
    found = [category]
    while (above := parent_of(found[-1], parents)) is not None and above not in found:
        found.append(above)
    return tuple(found)


def comes_round(category: str, parents: Mapping[str, str]) -> bool:
    """Whether going up from a category leads back to one that was passed."""
    top = lineage(category, parents)[-1]
    return parent_of(top, parents) is not None
