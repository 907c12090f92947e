"""How much an erasure took away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ErasureCounts:
    """What was taken away."""

    people: int = 0
    """Keys with events or answers: a user and the visitors who turned out to be this user count each."""
    events: int = 0
    links: int = 0
    answers: int = 0
    refused_rows: int = 0
    """Rows of imports that had been refused and set aside."""
    mentions: int = 0
    """Lines and cells of logs, reports and runs in which the name was overwritten."""
    clean: bool = True
    """Whether no leftover byte was found in the database files; False: see docs/privacy.md."""
    rebuilt: bool = False
    """Whether a database file had to be written anew for that."""

    def as_rows(self) -> dict[str, Any]:
        """What people and machines read."""
        return asdict(self)
