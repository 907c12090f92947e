"""What came of a simulation, version by version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from jobs.charts.chart import Chart, Series
from jobs.charts.drawing import draw as draw_charts
from jobs.simulation.visit_log import Visit
from recsys.config import Config

DRAWS = 500
CHANGE_S = 2.0
LEAST_VISITS = 100


class VersionReport(Config):
    """The visits that one index version answered in one unbroken stretch."""

    index_version: str
    first_visit: int
    visits: int
    click_rate: float
    """Clicks a list."""
    conversion: float
    """Purchases a list."""
    expected_conversion: float
    """Purchases a list that the shoppers' true liking makes likely: the same without luck."""
    interval: tuple[float, float]
    """Of the expected conversion, 95 %, over shoppers."""
    share_of_best: float
    """Expected conversion over that of the best lists there were: what shoppers have met is not shown
    again, so that the best itself falls as they shop."""
    share_interval: tuple[float, float]
    """Of that share, 95 %, over shoppers."""
    p50_ms: float
    p99_ms: float


class SimulationReport(Config):
    """A whole simulation."""

    visits: int
    failed: int
    """Lists or events that were not answered with 200."""
    degraded: int
    swaps: int
    """Changes of the version, rollbacks among them."""
    rollbacks: int
    """Changes to a version that had answered before."""
    first_conversion: float
    """Expected purchases a list of the first version."""
    best_conversion: float
    """Of the version with the most, among those with a hundred visits."""
    first_share: float
    """Share of the best possible that the first version reached."""
    last_share: float
    """In the last tenth of the visits."""
    checked: int
    """Lists that were computed again by brute force from the version they name."""
    mixed: int
    """Of them: not that version's."""
    versions: tuple[VersionReport, ...]


def report(visits: Iterable[Visit], failed: int, checked: int, mixed: int) -> SimulationReport:
    """The report of visits in any order; raises nothing for none at all."""
    ordered = sorted(visits, key=lambda one: one.at_s)
    good = [one for one in ordered if not one.failed]
    stretches = _stretches(good)
    seen: set[str] = set()
    rollbacks = 0
    for number, own in enumerate(stretches):
        version = own[0].index_version
        rollbacks += number > 0 and version in seen
        seen.add(version)
    tail = good[-max(1, len(good) // 10) :]
    return SimulationReport(
        visits=len(ordered),
        failed=failed,
        degraded=sum(bool(set(one.degraded) - {"fallback"}) for one in good),
        swaps=max(len(stretches) - 1, 0),
        rollbacks=int(rollbacks),
        first_conversion=_mean(stretches[0]) if stretches else 0.0,
        best_conversion=max((_mean(own) for own in stretches if len(own) >= LEAST_VISITS), default=0.0),
        first_share=_share(stretches[0]) if stretches else 0.0,
        last_share=_share(tail) if tail else 0.0,
        checked=checked,
        mixed=mixed,
        versions=tuple(_version(own) for own in stretches),
    )


def _stretches(visits: Sequence[Visit]) -> list[list[Visit]]:
    """Visits of one version after another.

    Replicas take a new version within half a second of each other: a visit that another version answered
    just before or after the change belongs to that version's stretch.
    """
    found: list[list[Visit]] = []
    for one in visits:
        if found and one.index_version == found[-1][0].index_version:
            found[-1].append(one)
        elif (
            len(found) > 1
            and one.index_version == found[-2][0].index_version
            and _just_before(found[-1], one)
        ):
            found[-2].append(one)
        else:
            found.append([one])
    return found


def _just_before(newer: Sequence[Visit], one: Visit, within_s: float = 2.0) -> bool:
    return one.at_s - newer[0].at_s < within_s


def _version(visits: Sequence[Visit]) -> VersionReport:
    latencies = [one.latency_ms for one in visits]
    return VersionReport(
        index_version=visits[0].index_version,
        first_visit=visits[0].number,
        visits=len(visits),
        click_rate=float(np.mean([one.clicks for one in visits])),
        conversion=float(np.mean([one.purchases for one in visits])),
        expected_conversion=_mean(visits),
        interval=_interval(visits, [1.0] * len(visits)),
        share_of_best=_share(visits),
        share_interval=_interval(visits, [one.best_purchases for one in visits]),
        p50_ms=float(np.percentile(latencies, 50)),
        p99_ms=float(np.percentile(latencies, 99)),
    )


def _mean(visits: Sequence[Visit]) -> float:
    return float(np.mean([one.expected_purchases for one in visits]))


def _share(visits: Sequence[Visit]) -> float:
    best = sum(one.best_purchases for one in visits)
    return sum(one.expected_purchases for one in visits) / best if best > 0.0 else 0.0


def _interval(visits: Sequence[Visit], under: Sequence[float]) -> tuple[float, float]:
    """Of the ratio of expected purchases to `under`; bootstrap over shoppers."""
    sums: dict[str, list[float]] = {}
    for one, value in zip(visits, under, strict=True):
        own = sums.setdefault(one.user, [0.0, 0.0])
        own[0] += one.expected_purchases
        own[1] += value
    table = np.array(list(sums.values()))
    rng = np.random.default_rng(0)
    drawn = table[rng.integers(len(table), size=(DRAWS, len(table)))].sum(axis=1)
    rates = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12)
    return float(np.percentile(rates, 2.5)), float(np.percentile(rates, 97.5))


def draw(found: SimulationReport, file: Path) -> Path:
    """Conversion and its share of the best possible, by version, as a page or a picture."""
    xs = [one.first_visit + one.visits / 2 for one in found.versions]
    names = [one.index_version for one in found.versions]
    lines = {
        "purchases a list": [(one.expected_conversion, *one.interval) for one in found.versions],
        "share of the best possible": [(one.share_of_best, *one.share_interval) for one in found.versions],
    }
    charts = []
    for name, points in lines.items():
        ys, lows, highs = ([point[place] for point in points] for place in range(3))
        series = Series(name, xs, ys, lows, highs, names)
        charts.append(Chart(name.capitalize(), "visit", name, (series,), from_zero=True))
    return draw_charts(charts, file)
