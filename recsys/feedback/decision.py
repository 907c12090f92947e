"""What the policy wants done, and why, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recsys.feedback.run import Kind


@dataclass(frozen=True)
class Action:
    """One run that is due."""

    kind: Kind
    reasons: tuple[str, ...]
    """In words, each with the figures behind it."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True)
class Decision:
    """Runs that are due, in the order in which they must happen; none with why not."""

    actions: tuple[Action, ...]
    why_not: Mapping[Kind, str]
    """For each kind that is not due, what it waits for."""

    def as_rows(self) -> dict[str, Any]:
        """The decision as people and machines read it."""
        return {
            "due": {action.kind.value: "; ".join(action.reasons) for action in self.actions},
            "not_due": {kind.value: why for kind, why in self.why_not.items()},
        }
