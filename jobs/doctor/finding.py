"""What one check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from recsys.errors import RecsysError


class State(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Lists are answered, and somebody should look."""
    FAILED = "failed"
    """Lists are not answered, or will not be after a restart."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    found: str
    advice: str = ""
    """What to do; empty when nothing is."""

    def as_row(self) -> dict[str, str]:
        """The finding for machines."""
        return asdict(self)


def ok(name: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(name, State.OK, found)


def warning(name: str, found: str, advice: str) -> Finding:
    """Somebody should look."""
    return Finding(name, State.WARNING, found, advice)


def failed(name: str, found: str, advice: str) -> Finding:
    """Something does not work."""
    return Finding(name, State.FAILED, found, advice)


Check = Callable[[], Iterable[Finding]]


def guarded(name: str, check: Check, advice: str) -> list[Finding]:
    """The findings of a check; one that failed where it raised what it should have reported itself."""
    try:
        return list(check())
    except (RecsysError, OSError, ValueError) as error:
        return [failed(name, str(error), advice)]
