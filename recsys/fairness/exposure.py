"""Exposure of groups: seen places count by how likely they are looked at, beside catalog and demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recsys.config import Config
from recsys.metrics.lists import gini

DRAWS = 200
LEAST_SHARE = 0.005
"""Groups with a smaller share of the catalog are pooled as `all others`."""
OTHERS = "all others"


class GroupExposure(Config):
    """One group in one dimension."""

    dimension: str
    group: str
    items: int
    exposure: float
    """Share of all exposure, places weighed by 1 / log2(1 + place)."""
    catalog: float
    """Share of the items."""
    demand: float
    """Share of the events."""
    against_catalog: float
    """Exposure over catalog share: 1 is its share, below 1 is shown less."""
    interval: tuple[float, float]
    """Of that ratio, 95 %, over lists."""
    against_demand: float | None
    """Exposure over demand share; None without demand."""
    flagged: bool
    """Shown surely less than `least` of its share, and less than it is wanted."""


class ExposureReport(Config):
    """All groups."""

    lists: int
    items: int
    shown_items: int
    gini: float
    """Of exposure over items: 0 alike, towards 1 all on one."""
    groups: tuple[GroupExposure, ...]


def exposure_report(
    lists: Sequence[Sequence[str]],
    groups: Mapping[str, Mapping[str, str]],
    demand: Mapping[str, float],
    least: float = 0.8,
    seed: int = 0,
) -> ExposureReport:
    """Exposure of every group in shown lists of item ids; items that no group knows are left out.

    A group is flagged when the upper end of its ratio to the catalog is below `least` and it is shown
    less than it is wanted.
    """
    items = sorted({item for known in groups.values() for item in known})
    place = {item: number for number, item in enumerate(items)}
    shown = [[place[item] for item in own if item in place] for own in lists]
    found = [
        one
        for dimension, known in groups.items()
        for one in _dimension(dimension, known, items, shown, demand, least, seed)
    ]
    width = max((len(own) for own in shown), default=0)
    table = np.full((len(shown), width), -1, np.int64)
    for row, own in enumerate(shown):
        table[row, : len(own)] = own
    return ExposureReport(
        lists=len(lists),
        items=len(items),
        shown_items=len({number for own in shown for number in own}),
        gini=gini(table, len(items)) if items else 0.0,
        groups=tuple(found),
    )


def _dimension(
    dimension: str,
    known: Mapping[str, str],
    items: Sequence[str],
    shown: Sequence[Sequence[int]],
    demand: Mapping[str, float],
    least: float,
    seed: int,
) -> list[GroupExposure]:
    names = _pooled([known.get(item, OTHERS) for item in items])
    labels = sorted(set(names))
    number = {name: place for place, name in enumerate(labels)}
    group = np.array([number[name] for name in names], np.int64)
    by_list = np.zeros((len(shown), len(labels)))
    for row, own in enumerate(shown):
        weights = 1.0 / np.log2(np.arange(len(own)) + 2.0)
        np.add.at(by_list[row], group[np.array(own, np.int64)], weights)
    catalog = np.bincount(group, minlength=len(labels)) / max(len(items), 1)
    wanted = np.bincount(group, [max(demand.get(item, 0.0), 0.0) for item in items], minlength=len(labels))
    wanted = wanted / wanted.sum() if wanted.sum() > 0.0 else wanted
    share, low, high = _shares(by_list, seed)
    return [
        _group(
            dimension,
            name,
            int((group == n).sum()),
            share[n],
            (low[n], high[n]),
            catalog[n],
            wanted[n],
            least,
        )
        for n, name in enumerate(labels)
    ]


def _pooled(names: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [name if counts[name] >= LEAST_SHARE * len(names) else OTHERS for name in names]


def _shares(by_list: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of all exposure of each group, with its interval by resampling lists."""
    total = by_list.sum()
    if total <= 0.0:
        nothing = np.zeros(by_list.shape[1])
        return nothing, nothing, nothing
    rng = np.random.default_rng(seed)
    drawn = np.stack(
        [by_list[rng.integers(len(by_list), size=len(by_list))].sum(axis=0) for _ in range(DRAWS)]
    )
    shares = drawn / np.maximum(drawn.sum(axis=1, keepdims=True), 1e-12)
    low, high = np.percentile(shares, [2.5, 97.5], axis=0)
    return by_list.sum(axis=0) / total, low, high


def _group(
    dimension: str,
    name: str,
    items: int,
    share: float,
    reach: tuple[float, float],
    catalog: float,
    wanted: float,
    least: float,
) -> GroupExposure:
    against = wanted > 0.0
    return GroupExposure(
        dimension=dimension,
        group=name,
        items=items,
        exposure=float(share),
        catalog=float(catalog),
        demand=float(wanted),
        against_catalog=float(share / catalog),
        interval=(float(reach[0] / catalog), float(reach[1] / catalog)),
        against_demand=float(share / wanted) if against else None,
        flagged=bool(reach[1] / catalog < least and (not against or share < wanted)),
    )
