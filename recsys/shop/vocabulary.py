"""The words of the built-in shop, read from the files beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Category:
    """A branch of the catalog."""

    path: str
    lowest: float
    highest: float
    """Price range in EUR."""
    materials: tuple[str, ...]
    nouns: tuple[str, ...]
    """What is sold there."""


@dataclass(frozen=True)
class Interest:
    """A latent taste. It draws on several categories and is said in several words."""

    name: str
    categories: tuple[str, ...]
    item_words: tuple[str, ...]
    """What items say; never all of them, never always the same."""
    query_words: tuple[str, ...]
    """What only shoppers say when they search."""


@cache
def categories() -> tuple[Category, ...]:
    """All branches."""
    return tuple(_category(line) for line in _lines("categories.txt"))


@cache
def interests() -> tuple[Interest, ...]:
    """All latent tastes."""
    return tuple(_interest(line) for line in _lines("interests.txt"))


@cache
def pairs(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What goes with what, by the lines `one > other, other` of a file."""
    parted = (line.split(" > ") for line in _lines(name))
    return tuple((one.strip(), _split(others, ",")) for one, others in parted)


def _lines(name: str) -> list[str]:
    text = files("recsys.shop").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark))


def _category(line: str) -> Category:
    path, prices, materials, nouns = _split(line, "|")
    low, high = prices.split("-")
    return Category(path, float(low), float(high), _split(materials, ","), _split(nouns, ";"))


def _interest(line: str) -> Interest:
    name, paths, words = _split(line, "|")
    said, searched = words.split(" ; ")
    return Interest(name, _split(paths, ","), _split(said, ";"), _split(searched, ";"))
