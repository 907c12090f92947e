"""Two ranked lists in one, each place drafted by one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def team_draft(
    first: Sequence[str], second: Sequence[str], n: int, rng: np.random.Generator
) -> tuple[list[str], dict[str, int]]:
    """The interleaved list of at most `n` items, and the team (0 or 1) that drafted each.

    In every round a coin says who picks first, and each team picks its best item that is not there yet
    (Radlinski, Kurup, Joachims 2008). When one list has no more to offer the other fills the rest; those
    items belong to no team, since nothing was there to compare them with.
    """
    waiting = [list(dict.fromkeys(ranking))[::-1] for ranking in (first, second)]
    shown: list[str] = []
    teams: dict[str, int] = {}
    while len(shown) < n:
        for rest in waiting:
            while rest and rest[-1] in teams:
                rest.pop()
        order = (0, 1) if rng.random() < 0.5 else (1, 0)
        if not all(waiting):
            break
        for team in order:
            pick = _next(waiting[team], teams)
            if pick is not None and len(shown) < n:
                teams[pick] = team
                shown.append(pick)
    rest = [item for item in reversed(waiting[0] or waiting[1]) if item not in teams]
    return shown + rest[: n - len(shown)], teams


def _next(waiting: list[str], taken: dict[str, int]) -> str | None:
    while waiting:
        item = waiting.pop()
        if item not in taken:
            return item
    return None
