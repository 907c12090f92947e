"""One private release of popularity: booked, read, capped, made noisy, cut at a threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Engine, select

from cluster.database import EVENTS_TABLE, reading
from cluster.event_store import DAY_US, OWNED, OWNER
from cluster.interactions import catalog_ids
from cluster.item_store import ItemStore
from cluster.retention import AGE
from recsys.behavior import type_weight
from recsys.config import EventWeights
from recsys.privacy.counts import Cells, Noise, capped_counts, discrete_laplace, least_told, noisy_counts
from recsys.privacy.ledger import BudgetLedger, Spending
from recsys.privacy.settings import ReleaseConfig

E = EVENTS_TABLE.c
KIND = "popularity"


@dataclass(frozen=True)
class Release:
    """Counts that may be shown to anybody."""

    at: str
    epsilon: float
    epsilon_left: float
    user_cells: int
    first_day: str
    last_day: str
    threshold: int
    """Noisy counts below it are left out."""
    items: tuple[tuple[str, int], ...]
    """`(item_id, noisy number of users and days)`, most first, ties by id."""

    def as_json(self) -> dict[str, object]:
        """What is written and shown."""
        return {**asdict(self), "items": [{"item_id": one, "count": num} for one, num in self.items]}


def release(
    engine: Engine,
    ledger: BudgetLedger,
    config: ReleaseConfig,
    weights: EventWeights,
    now: datetime | None = None,
    noise: Noise = discrete_laplace,
) -> Release:
    """Noisy counts of the newest days; the budget pays before anything is read.

    Over items of the catalog alone, whose names come from the shop and not from its people. Raises
    `BudgetSpentError`, `StoreError`.
    """
    now = now or datetime.now(UTC)
    last = int(now.timestamp() * 1e6) // DAY_US
    first = last - config.days + 1
    span = {"first_day": _date(first), "last_day": _date(last), "user_cells": config.user_cells}
    made = Spending(now.isoformat(timespec="seconds"), KIND, config.epsilon, parameters=span)
    left = ledger.spend(made, config.epsilon_budget)
    ids = catalog_ids(ItemStore(engine))
    counts = capped_counts(read_cells(engine, ids, weights, first, last), len(ids), config.user_cells)
    noisy = noisy_counts(counts, config.epsilon, config.user_cells, noise)
    threshold = least_told(config.epsilon, config.user_cells, config.false_share)
    told = np.flatnonzero(noisy >= threshold)
    order = told[np.lexsort((told, -noisy[told]))]
    items = tuple((ids[place], int(noisy[place])) for place in order.tolist())
    return Release(made.at, config.epsilon, left, **span, threshold=threshold, items=items)  # type: ignore[arg-type]


def read_cells(engine: Engine, ids: Iterable[str], weights: EventWeights, first: int, last: int) -> Cells:
    """Who acted on which item of the catalog on which of these days, in ways that speak for it.

    A visitor who turned out to be a user counts as that user; of a day to come as of the day received.
    """
    place = {item_id: number for number, item_id in enumerate(ids)}
    kinds = [kind for kind in sorted(weights.known_types()) if type_weight(kind, weights) > 0.0]
    day = AGE // DAY_US
    seen = select(OWNER, E.item_id, day).select_from(OWNED).distinct()
    seen = seen.where(E.event_type.in_(kinds), day >= first, day <= last)
    with reading(engine) as connection:
        rows = [row for row in connection.execute(seen) if row[1] in place]
    return Cells(
        [row[0] for row in rows],
        np.array([place[row[1]] for row in rows], np.int64),
        np.array([int(row[2]) for row in rows], np.int64),
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_US / 1e6, UTC).date().isoformat()
