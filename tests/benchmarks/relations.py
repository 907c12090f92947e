"""Do relations between items improve lists: as a source, as smoothing of vectors, as constraints?

The sets state no relations, so they are mined from the training part alone: complements are pairs bought
together (one visit where times are real, next to each other in a history where only the order is) more often
than their categories make likely, substitutes are items of one special category that the same shoppers buy
but not together, variants are titles that differ in colour and size only, and categories come from the
catalog (brands where there are none). Settings are chosen on validation, 0 among them; the test is asked
once. Events of all sets count alike; grocery's seldom bought items can be left out.

    python -m tests.benchmarks.relations --data ../shared/data/office
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp

from recsys.blend.blended import Blended
from recsys.blend.fit import choosing_sample, fit_blend
from recsys.blend.histories import Histories
from recsys.blend.making import make_signals
from recsys.blend.pool import pool_of
from recsys.blend.settings import FittedBlend
from recsys.blend.signals import Signals
from recsys.blend.weights import fit_weights
from recsys.complements import VISIT_US, Complements
from recsys.config import EncoderConfig, FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import Ranked, Scorer, hits_of, rank_split
from recsys.evaluation.slices import COLD_EVENTS
from recsys.evaluation.splits import COLD_SHARE, Split, cold_items, cold_question, validation_and_test
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.metrics.accuracy import accuracy_at
from recsys.metrics.bootstrap import paired_difference
from recsys.relations import ItemGraph, Relations
from recsys.rerank.pool import variant_key
from tests.benchmarks.baskets import BASKETS, TEST_DAYS, baskets, recall
from tests.benchmarks.baskets import read as read_purchases
from tests.benchmarks.protocol import embed, load_items

LEAST_TOGETHER, LEAST_LIFT, KEPT = 3, 2.0, 20
FACTORS = (0.0, 0.1, 0.2, 0.4, 0.8)
"""Of a related item, against the deviation of the scores of the best hundred."""
SHARES = (0.0, 0.1, 0.2, 0.4, 0.6)
Number = TypeVar("Number", int, float)
HELD = (0, 1, 2, 5)
"""Newest items of a history whose substitutes are held back."""
RECENT = 5
"""Newest items of a history that speak for what is related to them."""


@dataclass(frozen=True, eq=False)
class Shop:
    """A set with what its catalog says."""

    data: Dataset
    groups: tuple[str | None, ...]
    """Category path, or brand where the set has no categories."""
    variants: tuple[str | None, ...]
    split: str


def read(folder: Path, least_events: int) -> Shop:
    """All events with weight 1; items with fewer than `least_events` events are left out."""
    items = load_items(folder)
    events = pq.read_table(folder / "events.parquet")
    events = events.filter(pc.equal(events.column("event_type"), "purchase"))
    if least_events > 1:
        counts = events.column("item_id").value_counts()
        kept = counts.filter(pc.greater_equal(pc.struct_field(counts, "counts"), least_events))
        items = items.filter(pc.is_in(items.column("item_id"), pc.struct_field(kept, "values")))
    vectors = embed(items, Path("workspace/bench") / folder.name, EncoderConfig())
    order = pc.sort_indices(items.column("item_id"))
    items, vectors = items.take(order), vectors[order.to_numpy()]
    ids = items.column("item_id").to_pylist()
    times = events.column("occurred_at").cast("timestamp[us]").cast("int64").to_numpy()
    users = [f"user:{user}" for user in events.column("user_id").to_pylist()]
    log = InteractionLog.build(
        ids, users, events.column("item_id").to_pylist(), np.ones(len(users), np.float32), times
    )
    rows = items.select(["title", "category", "brand", "attributes"]).to_pylist()
    categories = [row["category"] for row in rows]
    groups = categories if any(categories) else [row["brand"] for row in rows]
    data = Dataset(folder.name, log, vectors, ids, categories)
    split = "leave-one-out" if (folder / "sequences.parquet").exists() else "temporal"
    return Shop(data, tuple(groups), tuple(variant_key(row) for row in rows), split)


@dataclass(frozen=True, eq=False)
class Mined:
    """Relations of one training part."""

    complements: sp.csr_matrix
    """`[N, N]`: row goes with column; rows of at most `KEPT` with logarithms of lifts."""
    substitutes: sp.csr_matrix
    """`[N, N] bool`, both ways."""
    rules: tuple[sp.csr_matrix, ...]
    """If-then rules between categories as a product `[N, C] [C, C] [C, N]`."""

    @classmethod
    def of(cls, shop: Shop, log: InteractionLog) -> Mined:
        together, apart = _pairs(shop, log)
        own = np.asarray((user_matrix(log)).sum(0)).ravel()
        complements = _complements(together, own, shop.groups)
        return cls(complements, _substitutes(shop, together, apart, own), _rules(together, shop.groups))


def user_matrix(log: InteractionLog) -> sp.csr_matrix:
    """`[U, N]`: who bought what."""
    shape = (log.num_users, log.num_items)
    counts = sp.csr_matrix((np.ones(len(log), np.float32), (log.users, log.items)), shape=shape)
    return (counts > 0).astype(np.float32)


def _pairs(shop: Shop, log: InteractionLog) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """How often two items are in one visit, and how many users have both; without the diagonal."""
    same = log.users[1:] == log.users[:-1]
    if shop.split == "temporal":
        apart = ~same | (np.diff(log.occurred_at_us) >= VISIT_US)
        baskets = np.concatenate([[0], np.cumsum(apart)])[: len(log)]
        rows, items = baskets, log.items
    else:  # each step is a visit with the one before it
        steps = np.flatnonzero(same)
        rows = np.concatenate([np.arange(len(steps)), np.arange(len(steps))])
        items = np.concatenate([log.items[steps], log.items[steps + 1]])
    shape = (int(rows.max(initial=0)) + 1, log.num_items)
    visits = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, items)), shape=shape)
    visits.data[:] = 1.0
    users = user_matrix(log)
    return _off_diagonal(visits.T @ visits), _off_diagonal(users.T @ users)


def _off_diagonal(counts: sp.spmatrix) -> sp.csr_matrix:
    matrix = sp.csr_matrix(counts)
    matrix.setdiag(0.0)
    matrix.eliminate_zeros()
    return matrix


def _complements(together: sp.csr_matrix, own: np.ndarray, groups: Sequence[str | None]) -> sp.csr_matrix:
    """Pairs bought together `LEAST_LIFT` times as often as their categories are."""
    names = {name: number for number, name in enumerate(sorted({group or "" for group in groups}))}
    group = np.array([names[name or ""] for name in groups], np.int64)
    which = sp.csr_matrix((np.ones(len(group)), (np.arange(len(group)), group)))
    between = (which.T @ together @ which).toarray()
    sizes = np.bincount(group, own, len(names))
    pairs = together.tocoo()
    one, other = group[pairs.row], group[pairs.col]
    # Within a pair of categories as if items were drawn by their own frequency.
    expected = between[one, other] * own[pairs.row] * own[pairs.col] / (sizes[one] * sizes[other])
    lift = pairs.data / np.maximum(expected, 1e-9)
    kept = (pairs.data >= LEAST_TOGETHER) & (lift >= LEAST_LIFT)
    weights = np.log(lift[kept]) * np.log1p(pairs.data[kept])
    return _best_of_rows(sp.csr_matrix((weights, (pairs.row[kept], pairs.col[kept])), shape=together.shape))


def _rules(together: sp.csr_matrix, groups: Sequence[str | None]) -> tuple[sp.csr_matrix, ...]:
    """Pairs of different categories that are in one visit `LEAST_LIFT` times as often as chance."""
    names = {name: number for number, name in enumerate(sorted({group for group in groups if group}))}
    places = [(item, names[group]) for item, group in enumerate(groups) if group]
    shape = (len(groups), len(names))
    member = sp.csr_matrix((np.ones(len(places)), np.array(places).T), shape=shape)
    between = (member.T @ together @ member).toarray()
    sums = between.sum(1)
    lift = between * sums.sum() / np.maximum(sums[:, None] * sums[None, :], 1e-9)
    np.fill_diagonal(lift, 0.0)
    kept = (lift >= LEAST_LIFT) & (between >= 2 * LEAST_TOGETHER)
    logs = np.log(lift, where=kept, out=np.zeros_like(lift))
    return member, _best_of_rows(sp.csr_matrix(logs)), sp.csr_matrix(member.T)


def _best_of_rows(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """At most `KEPT` of each row, scaled so that a row's best is 1."""
    pairs = matrix.tocoo()
    order = np.lexsort((pairs.col, -pairs.data, pairs.row))
    rows = pairs.row[order]
    starts = np.searchsorted(rows, np.arange(matrix.shape[0]))
    rank = np.arange(len(rows)) - starts[rows]
    kept = order[rank < KEPT]
    best = np.zeros(matrix.shape[0])
    np.maximum.at(best, pairs.row, pairs.data)
    data = pairs.data[kept] / np.maximum(best[pairs.row[kept]], 1e-9)
    return sp.csr_matrix((data.astype(np.float32), (pairs.row[kept], pairs.col[kept])), shape=matrix.shape)


def _substitutes(shop: Shop, together: sp.csr_matrix, apart: sp.csr_matrix, own: np.ndarray) -> sp.csr_matrix:
    """Items of one category whose buyers are the same more often than chance, but hardly in one visit."""
    groups = np.array([group or f"\0{number}" for number, group in enumerate(shop.groups)], object)
    _, group = np.unique(groups.astype(str), return_inverse=True)
    pairs = apart.tocoo()
    inside = (group[pairs.row] == group[pairs.col]) & (pairs.data >= LEAST_TOGETHER)
    rows, columns, both = pairs.row[inside], pairs.col[inside], pairs.data[inside]
    visits = np.asarray(together[rows, columns]).ravel()
    chance = own[rows] * own[columns] / max(len(shop.data.log.user_keys), 1)
    kept = (both >= LEAST_LIFT * chance) & (visits <= 0.2 * both)
    return sp.csr_matrix((np.ones(int(kept.sum()), bool), (rows[kept], columns[kept])), shape=apart.shape)


@dataclass(frozen=True, eq=False)
class WithRelated:
    """Scores with what the newest items' complements add."""

    base: Scorer
    related: tuple[sp.csr_matrix, ...]
    """Matrices whose product says what goes with each item, `[N, N]`."""
    factor: float

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`; `factor` in deviations of each row's best hundred."""
        scores = np.array(self.base.scores(histories))
        if self.factor == 0.0:
            return scores
        newest = histories.steps < RECENT
        weights = 0.7 ** histories.steps[newest].astype(np.float64)
        shape = (len(histories), histories.num_items)
        recent = sp.csr_matrix((weights, (histories.rows[newest], histories.items[newest])), shape=shape)
        for matrix in self.related:
            recent = recent @ matrix
        added = np.asarray(recent.toarray(), np.float32)
        best = -np.partition(-scores, 99, axis=1)[:, :100]
        return np.asarray(scores + self.factor * best.std(axis=1, keepdims=True) * added)


@dataclass(frozen=True, eq=False)
class Part:
    """One split with the signals of its training part."""

    split: Split
    signals: Signals
    mined: Mined
    graph: ItemGraph


def part_of(shop: Shop, split: Split, fitted: FittedBlend, config: FitConfig) -> Part:
    """Signals and relations, from the training part alone."""
    signals = make_signals(replace(shop.data, log=split.train), fitted.settings, config)
    mined = Mined.of(shop, split.train)
    pairs = sp.triu(mined.substitutes, 1).tocoo()
    edges = [*zip(pairs.row.tolist(), pairs.col.tolist(), [1.0] * pairs.nnz, strict=True)]
    edges += list(_variant_edges(shop.variants))
    return Part(split, signals, mined, ItemGraph.of(edges, shop.groups, {}))


def _variant_edges(keys: Sequence[str | None]) -> Iterable[tuple[int, int, float]]:
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        if key is not None and first.setdefault(key, place) != place:
            yield first[key], place, 1.0


def ranked(scorer: Scorer, split: Split) -> Ranked:
    """New items only."""
    return rank_split(scorer, split, True, with_auc=False)


def shares_of(part: Part, share: float, few_only: bool) -> np.ndarray:
    """`[N]`: the same for all, or less the more events an item has."""
    events = np.bincount(part.split.train.items, minlength=part.split.train.num_items)
    return share / (1.0 + events) if few_only else np.full(len(events), share)


def smoothed(part: Part, share: float, few_only: bool) -> Signals:
    """The signals with vectors drawn to their neighbours."""
    vectors = part.graph.smoothed(part.signals.vectors, shares_of(part, share, few_only))
    return replace(part.signals, vectors=vectors)


def chosen_smoothing(
    part: Part, fitted: FittedBlend, few_only: bool, config: FitConfig, alone: bool
) -> tuple[float, FittedBlend]:
    """The best share on validation, and the blend with its weights; 0 where nothing beats no smoothing.

    Of the blend the share is chosen with the weights as they are; then they are searched for anew.
    """
    values: dict[float, float] = {}
    for share in SHARES:
        scorer = TextAlone if alone else partial(Blended, blend=fitted.discover)
        values[share] = ndcg_of(scorer(smoothed(part, share, few_only)), part.split)
    if alone:
        return best_of(values, "  by share"), fitted
    plain = values.pop(0.0)
    share = best_of(values, f"  0: {plain:.4f}; by share")
    pool = pool_of(smoothed(part, share, few_only), part.split, True)
    found, value = fit_weights(pool, config)
    print(f"  share {share:g} with weights of its own: {value:.4f}", flush=True)
    won = max(value, values[share]) > plain
    own = found if value > values[share] else fitted.discover
    return (share, fitted.model_copy(update={"discover": own})) if won else (0.0, fitted)


@dataclass(frozen=True, eq=False)
class TextAlone:
    """The text signal as a scorer."""

    signals: Signals

    def scores(self, histories: Histories) -> np.ndarray:
        return np.array(self.signals.text_scores(histories))


class Table:
    """Rows of one question, each against the row it is compared with."""

    def __init__(self, split: Split) -> None:
        counts = np.bincount(split.train.items, minlength=split.train.num_items)
        cold = split.targets.multiply((counts <= COLD_EVENTS)[None, :])
        self._split = split
        self._cold = np.asarray(sp.csr_matrix(cold).sum(1)).ravel() > 0
        print(f"\n{len(split.users):,} shoppers, {int(self._cold.sum()):,} with a target of few events")
        print(
            "| method | NDCG@10 | HR@10 | less the plain one [95 %] | warm | cold |\n"
            "|---|---|---|---|---|---|"
        )

    def measures(self, lists: np.ndarray) -> dict[str, np.ndarray]:
        """Of lists `[B, 50]`."""
        targets = np.diff(self._split.targets.indptr)
        size = np.full(len(lists), self._split.train.num_items)
        return accuracy_at(hits_of(lists, self._split.targets), targets, size)

    def row(self, name: str, lists: np.ndarray, plain: np.ndarray) -> None:
        """Print one."""
        ours, theirs = self.measures(lists), self.measures(plain)
        gain = ours["ndcg@10"] - theirs["ndcg@10"]
        print(
            f"| {name} | {ours['ndcg@10'].mean():.4f} | {ours['hr@10'].mean():.4f} | {_told(gain)} "
            f"| {_told(gain[~self._cold])} | {_told(gain[self._cold])} |",
            flush=True,
        )


def _told(gain: np.ndarray) -> str:
    if not len(gain):
        return "-"
    found = paired_difference(gain, np.zeros(len(gain)))
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def one_variant(lists: np.ndarray, variants: Sequence[str | None]) -> tuple[np.ndarray, float]:
    """Later variants behind everything else; and how many a list of ten had."""
    lost = 0
    found = lists.copy()
    for row, own in enumerate(lists.tolist()):
        first: dict[str, int] = {}
        late = [
            place
            for place in own
            if place >= 0 and (key := variants[place]) is not None and first.setdefault(key, place) != place
        ]
        lost += sum(place in set(late) for place in own[:10])
        kept = [place for place in own if place not in set(late)]
        found[row] = [*kept, *late]
    return found, lost / len(lists)


def held_back(lists: np.ndarray, part: Part, newest: int) -> tuple[np.ndarray, float]:
    """Substitutes of each shopper's newest items behind everything else; how many a list of ten had."""
    lost, found = 0, lists.copy()
    log = part.split.train
    for row, user in enumerate(part.split.users.tolist()):
        end = int(log.offsets[user + 1])
        own = log.items[max(end - newest, int(log.offsets[user])) : end]
        if not len(own):
            continue
        late = set(part.mined.substitutes[own].indices.tolist())
        lost += sum(place in late for place in lists[row, :10].tolist())
        kept = [place for place in lists[row].tolist() if place not in late]
        found[row] = [*kept, *(place for place in lists[row].tolist() if place in late)]
    return found, lost / len(lists)


def best_of(values: dict[Number, float], say: str) -> Number:
    """The value that does best; the earliest of equals."""
    print(f"{say}:", {value: round(found, 4) for value, found in values.items()}, flush=True)
    return max(values, key=lambda value: values[value])


def ndcg_of(scorer: Scorer, split: Split) -> float:
    """On a validation split."""
    return float(ranked(scorer, split).metrics["ndcg@10"].mean())


def main() -> None:
    """Print the tables of one set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--least-events", type=int, default=1, help="items with fewer are left out")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--choosing-users", type=int, default=2_000)
    parser.add_argument("--max-items", type=int, default=12_500, help="items that the regression covers")
    parser.add_argument(
        "--as-is", action="store_true", help="signals with their default settings; weights are fitted"
    )
    asked = parser.parse_args()
    shop = read(asked.data, asked.least_events)
    config = FitConfig(
        num_trials=asked.trials,
        max_users=asked.choosing_users,
        split=shop.split,
        max_direct_items=asked.max_items,
    )
    run(shop, config, asked.as_is)
    if shop.split == "temporal":
        cart_table(asked.data, shop)


def run(shop: Shop, config: FitConfig, as_is: bool = False) -> None:
    """Fit and choose on validation, then ask the test."""
    validation, test = validation_and_test(shop.data.log, config.split, config.holdout_days)
    fitted = (
        FittedBlend()
        if as_is
        else fit_blend(validation, shop.data, config, lambda text: print(f"  {text}", flush=True))
    )
    chosen_on = part_of(shop, choosing_sample(validation, config).unseen_only(), fitted, config)
    # By the very search that smoothed vectors get below.
    weights, _ = fit_weights(pool_of(chosen_on.signals, chosen_on.split, True), config)
    fitted = fitted.model_copy(update={"discover": weights})
    mined = chosen_on.mined
    print(
        f"{shop.data.label}: {shop.data.log.num_items:,} items, {mined.complements.nnz:,} complements of "
        f"{int((np.diff(mined.complements.indptr) > 0).sum()):,} items, {mined.substitutes.nnz // 2:,} pairs "
        f"of substitutes, {sum(1 for _ in _variant_edges(shop.variants)):,} variants, "
        f"{len(set(shop.groups) - {None}):,} categories or brands",
        flush=True,
    )
    warm_tables(shop, config, fitted, chosen_on, test.unseen_only())
    cold_table(shop, config, fitted, chosen_on, test)


def warm_tables(shop: Shop, config: FitConfig, fitted: FittedBlend, chosen_on: Part, test: Split) -> None:
    """Source, smoothing and constraints on the test."""
    blend = fitted.discover
    plain = Blended(chosen_on.signals, blend)
    sources: dict[str, Callable[[Mined], tuple[sp.csr_matrix, ...]]] = {
        "complements": lambda mined: (mined.complements,),
        "if-then rules": lambda mined: mined.rules,
    }
    chosen: dict[str, float] = {}
    for name, of in sources.items():
        related = of(chosen_on.mined)
        values = {f: ndcg_of(WithRelated(plain, related, f), chosen_on.split) for f in FACTORS}
        chosen[name] = best_of(values, f"validation, factor of {name}")
    lists = ranked(plain, chosen_on.split).lists
    held_values = {n: float(_ndcg(held_back(lists, chosen_on, n)[0], chosen_on.split).mean()) for n in HELD}
    held = best_of(held_values, "validation, newest items whose substitutes are held back")
    smoothings: dict[str, tuple[bool, bool, float, FittedBlend]] = {}
    for alone in (True, False):
        for few_only in (False, True):
            name = (
                f"{'text alone' if alone else 'blend'}, smoothed{' where events are few' if few_only else ''}"
            )
            print(f"validation, {name}", flush=True)
            share, own = chosen_smoothing(chosen_on, fitted, few_only, config, alone)
            smoothings[name] = alone, few_only, share, own
    part = part_of(shop, test, fitted, config)
    told = Table(test)
    base, text = Blended(part.signals, blend), TextAlone(part.signals)
    plain_lists, text_lists = ranked(base, test).lists, ranked(text, test).lists
    told.row("ours", plain_lists, plain_lists)
    for name, of in sources.items():
        factor = chosen[name] or FACTORS[2]
        lists_with = ranked(WithRelated(base, of(part.mined), factor), test).lists
        told.row(f"{name} as a source, factor {_marked(chosen[name], factor)}", lists_with, plain_lists)
    told.row("text alone", text_lists, text_lists)
    for name, (alone, few_only, share, own) in smoothings.items():
        signals = smoothed(part, share or SHARES[1], few_only)
        scorer: Scorer = TextAlone(signals) if alone else Blended(signals, own.discover)
        told.row(
            f"{name}, share {_marked(share, share or SHARES[1])}",
            ranked(scorer, test).lists,
            text_lists if alone else plain_lists,
        )
    found, lost = one_variant(plain_lists, shop.variants)
    told.row(f"one variant a list ({lost:.2f} a list lost their place)", found, plain_lists)
    newest = held or HELD[1]
    found, lost = held_back(plain_lists, part, newest)
    name = f"substitutes of the newest {_marked(held, newest)} held back ({lost:.2f} a list)"
    told.row(name, found, plain_lists)


def _marked(chosen: float, shown: float) -> str:
    return f"{shown:g}" if chosen else f"{shown:g} (validation chose 0)"


def _ndcg(lists: np.ndarray, split: Split) -> np.ndarray:
    targets = np.diff(split.targets.indptr)
    return accuracy_at(hits_of(lists, split.targets), targets, np.full(len(lists), 1))["ndcg@10"]


def cart_table(folder: Path, shop: Shop) -> None:
    """A basket with one item held out: stated complements before the learned ones, and the learned alone."""
    purchases = read_purchases(folder)
    end = purchases[-1][2]
    cut = end - TEST_DAYS * DAY_US
    known, later = [row for row in purchases if row[2] < cut], [row for row in purchases if row[2] >= cut]
    every = baskets(later)
    rng = np.random.default_rng(3)
    asked = [every[n] for n in sorted(rng.choice(len(every), min(BASKETS, len(every)), replace=False))]
    learned = Complements.learn(known)
    mined = Mined.of(shop, shop.data.log.select(shop.data.log.occurred_at_us < cut)).complements
    ids = shop.data.log.item_ids
    sides = {
        ids[row]: dict(zip((ids[c] for c in own.indices), own.data.tolist(), strict=True))
        for row in np.flatnonzero(np.diff(mined.indptr)).tolist()
        for own in [mined[row]]
    }
    stated = Relations(complements=sides)

    def both(rest: Sequence[str]) -> list[str]:
        first = [item for item, _, _ in stated.beside(rest)]
        return [*first, *(item for item, _ in learned.beside(rest) if item not in set(first))]

    plain = recall(asked, lambda rest: [item for item, _ in learned.beside(rest)], 2)
    print(
        f"\n{len(asked):,} baskets, one item held out\n\n"
        "| list | recall@20 | less learned [95 %] |\n|---|---|---|"
    )
    ways = {"learned complements": plain, "stated before learned": recall(asked, both, 2)}
    for name, own in ways.items():
        print(f"| {name} | {own.mean():.4f} | {_told(own - plain)} |", flush=True)


def cold_table(shop: Shop, config: FitConfig, fitted: FittedBlend, chosen_on: Part, test: Split) -> None:
    """A tenth of the catalog without any event: what its categories, brands and variants do for it."""
    cold = cold_items(test.train.item_ids, COLD_SHARE)
    known = part_of(shop, cold_question(chosen_on.split, cold), fitted, config)
    print("validation of cold items, text alone", flush=True)
    share, _ = chosen_smoothing(known, fitted, False, config, True)
    values = {s: ndcg_of(Blended(smoothed(known, s, True), fitted.discover), known.split) for s in SHARES}
    few = best_of(values, "validation of cold items, blend, smoothed where events are few")
    part = part_of(shop, cold_question(test.unseen_only(), cold), fitted, config)
    told = Table(part.split)
    text, base = (
        ranked(TextAlone(part.signals), part.split).lists,
        ranked(Blended(part.signals, fitted.discover), part.split).lists,
    )
    told.row("cold items: text alone", text, text)
    drawn = TextAlone(smoothed(part, share or SHARES[1], False))
    told.row(
        f"cold items: text alone, smoothed, share {_marked(share, share or SHARES[1])}",
        ranked(drawn, part.split).lists,
        text,
    )
    told.row("cold items: ours", base, base)
    mixed = Blended(smoothed(part, few or SHARES[1], True), fitted.discover)
    told.row(
        f"cold items: ours, smoothed where events are few, share {_marked(few, few or SHARES[1])}",
        ranked(mixed, part.split).lists,
        base,
    )


if __name__ == "__main__":
    main()
