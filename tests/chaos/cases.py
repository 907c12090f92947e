"""Every fault case: what is done, what has to come of it, and where it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tests.chaos.outcome import Outcome, Place


@dataclass(frozen=True)
class Case:
    """One row of the page."""

    name: str
    fault: str
    required: str
    module: str
    """Module of this package that has a function `run`, or `run_NAME` for one of several cases."""
    limit_s: float = 300.0
    """A case that takes longer has failed."""

    def load(self) -> Callable[[Place, Outcome], None]:
        """The function that runs it."""
        module = import_module(f"tests.chaos.{self.module}")
        found: Callable[[Place, Outcome], None] = (
            getattr(module, f"run_{self.name.lower()}", None) or module.run
        )
        return found


CASES = (
    Case(
        "D1",
        "kill -9 of the event store's process under load",
        "nothing acked is lost, nothing doubled, nothing invented",
        "killed_writer",
        600,
    ),
    Case("D4", "newest log cut at every byte", "starts, keeps all earlier events", "cut_log", 600),
    Case(
        "S15",
        "kill -9 at every step of publishing",
        "one complete version answers, nothing half-written is ever loaded",
        "killed_publish",
    ),
    Case(
        "S16",
        "index files flipped, cut, swapped, downgraded",
        "refused at load and at publishing, the old version stays",
        "altered_index",
    ),
)
