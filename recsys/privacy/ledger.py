"""What has been told about a shop's people so far, and how much may still be."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recsys.errors import BudgetSpentError, StoreError
from recsys.workspace import sync_folder

LEDGER, LOCK = "spent.jsonl", "spent.lock"
ROUNDING = 1e-9
"""Sums of decimal fractions may miss a budget by so much."""


@dataclass(frozen=True)
class Spending:
    """One release, booked before it was made."""

    at: str
    """ISO 8601, UTC."""
    what: str
    """Kind of release."""
    epsilon: float
    delta: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


class BudgetLedger:
    """`spent.jsonl` in the folder `privacy`: one release a line, only ever added to.

    It lies beside the erasures, which no restore may replace by an older copy: what was told stays told.
    Spendings add up (sequential composition), for each user over all releases.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> list[Spending]:
        """Every spending, oldest first.

        What a crash cut at the end was never released. Raises `StoreError` for any other line that is
        none: how much was spent is not known then.
        """
        file = self.folder / LEDGER
        if not file.is_file():
            return []
        *lines, _ = file.read_bytes().split(b"\n")
        return [_parsed(line, file) for line in lines if line]

    def spent(self) -> tuple[float, float]:
        """Epsilon and delta so far."""
        every = self.read()
        return math.fsum(one.epsilon for one in every), math.fsum(one.delta for one in every)

    def spend(self, spending: Spending, budget: float) -> float:
        """Book a release; what is left of the budget. It is on the disk when this returns.

        Raises `BudgetSpentError`, and books nothing, where the budget does not reach.
        """
        with self._locked():
            before = self.spent()[0]
            left = budget - before - spending.epsilon
            if left < -ROUNDING:
                raise BudgetSpentError(
                    "the privacy budget does not reach",
                    expected=f"at most {max(budget - before, 0.0):.6g} of {budget:g}",
                    found=f"{spending.epsilon:g}",
                    where=str(self.folder / LEDGER),
                )
            self._append(json.dumps(asdict(spending), sort_keys=True).encode() + b"\n")
        return max(left, 0.0)

    def _append(self, line: bytes) -> None:
        with (self.folder / LEDGER).open("r+b" if (self.folder / LEDGER).exists() else "w+b") as file:
            content = file.read()
            file.seek(content.rfind(b"\n") + 1)  # over what a crash cut
            file.truncate()
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time: two that look at once would both find room."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _parsed(line: bytes, file: Path) -> Spending:
    try:
        found = Spending(**json.loads(line))
        if not (found.epsilon > 0.0 and found.delta >= 0.0):
            raise ValueError("epsilon is not above 0")
    except (ValueError, TypeError) as error:
        raise StoreError(
            "a line of the privacy ledger cannot be read",
            expected="a JSON object with at, what and epsilon",
            found=str(error),
            where=str(file),
        ) from error
    return found
