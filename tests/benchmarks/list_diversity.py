"""What diversity, calibration and the mild setting of `home` cost and bring, on a real shop's test.

The blend is fitted and the diversity chosen on validation; the test is asked once. Intra-list distance is
1 - mean pairwise cosine of the ten items' text vectors as the encoder gave them.

    recsys import items ../shared/data/office/items.parquet --workspace W   (and events, then recsys embed)
    python -m tests.benchmarks.list_diversity --workspace W --split leave-one-out
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cluster.database import open_database
from cluster.dataset import read_dataset
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from jobs.publish_index import newest_encoder_version
from recsys.blend.blended import Blended
from recsys.blend.fit import fit_blend
from recsys.blend.histories import histories_of
from recsys.blend.making import make_signals
from recsys.blend.settings import FittedBlend
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import hide, hits_of, top_places
from recsys.evaluation.splits import Split, validation_and_test
from recsys.merchandising.scenario import MILD
from recsys.metrics.accuracy import accuracy_at
from recsys.metrics.bootstrap import mean_interval
from recsys.metrics.lists import catalogue_coverage
from recsys.rerank import ListSettings, Pool, arrange, category_mix, top_category
from recsys.workspace import Workspace

N, WIDTH, CHUNK = 10, 50, 256
DIVERSITIES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
LEAST_GAIN = 0.1
"""What the chosen diversity must bring in intra-list distance on validation."""


@dataclass(frozen=True)
class Listed:
    """Lists of one setting."""

    ndcg: np.ndarray
    """`[B]`."""
    distance: np.ndarray
    """`[B]`."""
    divergence: np.ndarray
    """`[B]`: of the list's categories from the shopper's, Kullback-Leibler."""
    coverage: float


class Bench:
    """One split with its scores, asked for many settings."""

    def __init__(
        self, data: Dataset, blend: FittedBlend, question: Split, titles: list[str], pool: int
    ) -> None:
        self._data, self._question = data, question.unseen_only()
        signals = make_signals(replace(data, log=question.train), blend.settings, FitConfig())
        scorer = Blended(signals, blend.blend(False))
        turned = Whitening.fit(data.vectors, blend.settings.whitening).apply(data.vectors)
        self._turned = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        self._pools: list[tuple[np.ndarray, np.ndarray]] = []
        users = self._question.users
        for start in range(0, len(users), CHUNK):
            own = users[start : start + CHUNK]
            scores = np.asarray(scorer.scores(histories_of(question.train, own)), np.float32)
            hide(scores, self._question, own, True, None)
            for row, places in zip(scores, top_places(scores, pool), strict=True):
                kept = places[places >= 0]
                self._pools.append((kept, row[kept]))
        self._fields = [
            {"category": category, "title": title}
            for category, title in zip(data.categories, titles, strict=True)
        ]
        self._mixes = [self._mix(user) for user in users.tolist()]

    def lists(self, settings: ListSettings) -> Listed:
        """Ten places for everybody."""
        found = np.full((len(self._pools), N), -1, np.int64)
        for row, ((places, scores), mix) in enumerate(zip(self._pools, self._mixes, strict=True)):
            fields = [self._fields[place] for place in places]
            ids = tuple(str(place) for place in places)
            pool = Pool(ids, scores, self._turned[places].astype(np.float32), fields)
            order = arrange(pool, settings, N, mix=mix).order
            found[row, : len(order)] = places[list(order)]
        hits = hits_of(found, self._question.targets)
        wide = np.pad(hits, ((0, 0), (0, WIDTH - N)))
        targets = np.diff(self._question.targets.indptr)
        measured = accuracy_at(wide, targets, np.full(len(wide), self._data.log.num_items))
        distance = np.array([self._distance(own) for own in found])
        divergence = np.array(
            [self._divergence(own, mix) for own, mix in zip(found, self._mixes, strict=True)]
        )
        coverage = catalogue_coverage(found, self._data.log.num_items)
        return Listed(measured["ndcg@10"], distance, divergence, coverage)

    def _mix(self, user: int) -> dict[str, float]:
        log = self._question.train
        own = slice(log.offsets[user], log.offsets[user + 1])
        weights: dict[str, float] = {}
        for place, weight in zip(log.items[own].tolist(), log.weights[own].tolist(), strict=True):
            weights[str(place)] = weights.get(str(place), 0.0) + weight
        return category_mix(weights, {name: self._data.categories[int(name)] or "" for name in weights})

    def _distance(self, places: np.ndarray) -> float:
        own = self._data.vectors[places[places >= 0]].astype(np.float64)
        count = len(own)
        total = own.sum(axis=0)
        return 1.0 - float(total @ total - (own**2).sum()) / (count * (count - 1)) if count > 1 else 0.0

    def _divergence(self, places: np.ndarray, mix: dict[str, float]) -> float:
        shown = [top_category(self._fields[place]) for place in places[places >= 0].tolist()]
        value = 0.0
        for name, share in mix.items():
            listed = 0.99 * shown.count(name) / max(len(shown), 1) + 0.01 * share
            value += share * float(np.log(share / listed))
        return value


def chosen(bench: Bench) -> float:
    """The least diversity that brings `LEAST_GAIN` on validation; what each does there is printed."""
    plain, found = bench.lists(ListSettings()), 0.0
    for diversity in DIVERSITIES:
        one = bench.lists(ListSettings(diversity=diversity))
        gain = one.distance.mean() / plain.distance.mean() - 1.0
        loss = one.ndcg.mean() / plain.ndcg.mean() - 1.0
        print(f"validation, diversity {diversity}: distance {gain:+.1%}, NDCG@10 {loss:+.1%}")
        found = found or (diversity if gain >= LEAST_GAIN else 0.0)
    return found


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--split", default="leave-one-out")
    parser.add_argument("--pool", type=int, default=50, help="candidates of a list")
    asked = parser.parse_args()
    workspace = Workspace(asked.workspace.resolve())
    engine = open_database(workspace.database_url)
    items = ItemStore(engine)
    data = read_dataset(workspace, items, EventStore(engine), newest_encoder_version(workspace))
    rows = {
        row["item_id"]: row["title"]
        for part in items.scan()
        for row in part.select(["item_id", "title"]).to_pylist()
    }
    titles = [rows.get(item_id, "") for item_id in data.log.item_ids]
    config = FitConfig(split=asked.split)
    validation, test = validation_and_test(data.log, config.split, config.holdout_days)
    blend = fit_blend(validation, data, config, lambda text: None)
    best = chosen(Bench(data, blend, validation, titles, asked.pool))
    bench = Bench(data, blend, test, titles, asked.pool)
    plain = bench.lists(ListSettings())
    print(
        f"{len(plain.ndcg):,} shoppers, {data.log.num_items:,} items; chosen on validation: diversity {best}"
    )
    print("| setting | NDCG@10 | change [95 %] | list distance | change | off own mix | coverage |")
    print("|---|---|---|---|---|---|---|")
    tried = {"score alone": ListSettings()}
    tried |= {f"diversity {value}": ListSettings(diversity=value) for value in DIVERSITIES}
    tried |= {"calibration 0.3": ListSettings(calibration=0.3), "home (mild)": MILD}
    for name, settings in tried.items():
        one = bench.lists(settings)
        change = mean_interval(one.ndcg - plain.ndcg)
        base = plain.ndcg.mean()
        mark = ", **chosen**" if settings.diversity == best and name.startswith("diversity") else ""
        print(
            f"| {name}{mark} | {one.ndcg.mean():.4f} | {change.mean / base:+.1%} "
            f"[{change.low / base:+.1%}, {change.high / base:+.1%}] | {one.distance.mean():.4f} "
            f"| {one.distance.mean() / plain.distance.mean() - 1:+.1%} "
            f"| {one.divergence.mean():.3f} | {one.coverage:.1%} |"
        )


if __name__ == "__main__":
    main()
