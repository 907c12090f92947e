"""What the history says about one kind of run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recsys.feedback.run import Kind, Run, RunState, Trigger

CONTAINED_IN = {Kind.FIT: (Kind.FINE_TUNE,), Kind.EMBED: (Kind.FIT, Kind.FINE_TUNE)}
"""Kinds that do this kind's work as well when they succeed; refused they brought nothing into service."""


@dataclass(frozen=True)
class Past:
    """Runs of one kind, reduced to what a decision needs."""

    finished: Run | None
    """The last that did what it could, also as a part of another kind."""
    failures: tuple[Run, ...]
    """Those that failed since, oldest first."""
    known_events: int = 0
    """Events that work of this kind in service knows of, though nobody wrote the run down (0: not known)."""

    @classmethod
    def of(cls, kind: Kind, history: Sequence[Run], known_events: int = 0) -> Past:
        """From runs in the order in which they began; dry runs do not count."""
        containing = CONTAINED_IN.get(kind, ())
        finished: Run | None = None
        failures: list[Run] = []
        for run in history:
            if run.trigger is Trigger.DRY_RUN:
                continue
            contains = run.kind in containing and run.state is RunState.SUCCEEDED
            if contains or (run.is_finished and run.kind is kind):
                finished, failures = run, []
            elif run.state is RunState.FAILED and run.kind is kind:
                failures.append(run)
        return cls(finished, tuple(failures), known_events)

    @property
    def events_seq(self) -> int:
        """Events that the last finished run knew of, or one by hand; 0 before any."""
        return max(self.finished.events_seq if self.finished else 0, self.known_events)

    @property
    def was_refused(self) -> bool:
        """Whether the last finished run did not stay in service."""
        return self.finished is not None and self.finished.state is not RunState.SUCCEEDED

    def age_s(self, now_s: float) -> float:
        """Steady seconds since the last finished run ended; since the loop first ran, before any."""
        return now_s if self.finished is None else elapsed_s(self.finished, now_s)


def elapsed_s(run: Run, now_s: float) -> float:
    """Steady seconds since a run ended.

    Infinite for one without an end or with one that is still to come, which a clock that was lost leaves
    behind: better one run early than none for ever.
    """
    return now_s - run.ended_s if run.ended_s is not None and run.ended_s <= now_s else math.inf
