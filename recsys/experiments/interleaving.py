"""Two rankings in one list, each place drafted by one of them: Radlinski, Kurup, Joachims 2008."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


def team_draft(
    first: Sequence[str], second: Sequence[str], n: int, rng: np.random.Generator
) -> tuple[list[str], dict[str, int]]:
    """The interleaved list of at most `n` items, and the team (0 or 1) that drafted each.

    In every round a coin says who picks first; a team picks its best item that is not there yet.
    """
    rankings = (list(first), list(second))
    shown: list[str] = []
    teams: dict[str, int] = {}
    while len(shown) < n:
        before = len(shown)
        for team in (0, 1) if rng.random() < 0.5 else (1, 0):
            pick = next((item for item in rankings[team] if item not in teams), None)
            if pick is not None and len(shown) < n:
                teams[pick] = team
                shown.append(pick)
        if len(shown) == before:
            break
    return shown, teams


@dataclass(frozen=True)
class Preference:
    """What clicks on interleaved lists say."""

    users: int
    """Shoppers who preferred one of the arms."""
    for_second: int
    """Of them: the second."""
    ties: int
    """Shoppers whose clicks were even, or none."""
    p_value: float
    """Two-sided sign test over shoppers."""


def preference(clicks: Iterable[tuple[str, int]]) -> Preference:
    """The verdict of clicks, each a shopper and the team whose item it was.

    A shopper counts once, for the arm with more clicks.
    """
    from scipy.stats import binomtest

    credit: dict[str, int] = {}
    for unit, team in clicks:
        credit[unit] = credit.get(unit, 0) + (1 if team else -1)
    second = sum(value > 0 for value in credit.values())
    users = sum(value != 0 for value in credit.values())
    chance = float(binomtest(second, users).pvalue) if users else 1.0
    return Preference(users, second, len(credit) - users, chance)
