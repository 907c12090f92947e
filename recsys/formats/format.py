"""A file format of another product: by what it is known, and where our fields stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from recsys.formats.cells import Cell

Wanted = Literal["items", "events", "relations"]
"""What an import reads; relations have no format but the plain one."""


class Kind(StrEnum):
    """What the rows of a file are."""

    ITEMS = "items"
    EVENTS = "events"
    USERS = "users"
    """Attributes of people: known, so that they can be refused by name; nothing here keeps them."""


@dataclass(frozen=True)
class Inherit:
    """Rows that leave out what an earlier row of the same product or order says."""

    own: tuple[Cell, ...]
    """Names under which later rows may mean this one; the first row of a name keeps it."""
    parent: Cell
    """The name of the row that fills this one's blanks."""
    columns: tuple[str, ...]
    """Columns that are filled."""


@dataclass(frozen=True)
class Format:
    """One kind of file; the rest of what an item says becomes attributes where `keeps_rest`."""

    name: str
    """What `--from` takes."""
    kind: Kind
    title: str
    """What people call such a file."""
    marks: tuple[tuple[str, ...], ...]
    """Of each group a file has at least one column, by its exact name."""
    absent: tuple[str, ...] = ()
    """Columns that such a file does not have."""
    fields: Mapping[str, Cell] = field(default_factory=dict)
    """Field of the contract -> where it stands."""
    attributes: Mapping[str, Cell] = field(default_factory=dict)
    """Attributes of an item by name."""
    named_values: Cell | None = None
    """Further attributes as `(name, value)` pairs, where their names stand in the row."""
    keeps_rest: bool = False
    """Whether columns that nothing above looks at become attributes."""
    withheld: tuple[str, ...] = ()
    """Columns that never do: what a shop pays is nobody else's business."""
    each: Cell | None = None
    """A list: its row stands for one row of each element."""
    skipped: Mapping[str, Cell] = field(default_factory=dict)
    """Reason -> what is true of rows that are no items, or no events, by design."""
    inherit: Inherit | None = None

    def fits(self, columns: frozenset[str]) -> bool:
        """Whether a file with these columns is one of this format."""
        known = all(columns.intersection(group) for group in self.marks)
        return known and not columns.intersection(self.absent)

    @property
    def expected(self) -> str:
        """The columns by which it is known, in words."""
        return ", ".join(" or ".join(group) for group in self.marks)
