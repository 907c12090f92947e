"""How far do fake purchases of one item get, with and without caps and screening?

The built-in shop; the pushed item is the one in the middle by number of events. Each attack is written into
an event store and read back by the paths of serving and of `recsys fit`: recent popularity, and the lists of
shoppers who have nothing to do with it after a whole new fit. Text vectors are hashed words, which no event
changes.

    python -m tests.benchmarks.shilling
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.interactions import read_interactions
from cluster.screening import screen_store
from recsys.blend.blended import Blended
from recsys.blend.fit import fit_blend
from recsys.blend.fit_shop import held_out
from recsys.blend.histories import histories_of
from recsys.blend.making import make_signals
from recsys.config import EventWeights, FitConfig, ScreeningConfig, ServeConfig, UserCaps
from recsys.dataset import Dataset
from recsys.evaluation.ranking import top_places
from recsys.evaluation.splits import seen_items
from recsys.popularity import RecentPopularity
from recsys.robustness import capped
from recsys.schemas import EVENTS, conform
from recsys.shop import Shop, make_shop
from tests.benchmarks.hashed_words import hashed_words

NOW = datetime(2026, 3, 1, tzinfo=UTC)
N, ASKED, BATCH = 10, 200, 10_000
NO_CAPS = UserCaps(events=10**9, item_events=10**9, item_events_a_day=10**9)


@dataclass(frozen=True)
class Attack:
    """Fake purchases of one item."""

    name: str
    users: int
    each: int
    days: float = 1.0
    """The last days, over which they are spread by chance."""


@dataclass(frozen=True)
class Defence:
    """What is switched on."""

    name: str
    caps: bool
    screening: bool


ATTACKS = (
    Attack("1 user, 100,000 purchases in a day", 1, 100_000),
    Attack("1,000 users, 100 purchases each in a day", 1_000, 100),
    Attack("1,000 users, 100 purchases each over 30 days", 1_000, 100, 30.0),
    Attack("1,000 users, 1 purchase each in a day", 1_000, 1),
)
DEFENCES = (
    Defence("none", False, False), Defence("caps", True, False), Defence("screening", False, True),
    Defence("both", True, True),
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What an attack came to."""

    rank: int
    """Place of the pushed item in recent popularity, from 1."""
    left_out: int
    """Fake users who were screened."""
    honest_left_out: int
    lists: np.ndarray
    """`[ASKED, N]` places of items."""


def fakes(attack: Attack, item_id: str) -> pa.Table:
    """The attack's events (`EVENTS`)."""
    rng, total = np.random.default_rng(5), attack.users * attack.each
    times = [NOW - timedelta(days=float(share) * attack.days) for share in np.sort(rng.random(total))[::-1]]
    columns = {
        "event_id": [f"fake-{n}" for n in range(total)],
        "user_id": [f"fake-{n % attack.users}" for n in range(total)],
        "item_id": [item_id] * total,
        "event_type": ["purchase"] * total,
        "occurred_at": times,
        "received_at": times,
    }
    return conform(pa.table(columns), EVENTS)


@contextmanager
def store_of(tables: list[pa.Table]) -> Iterator[EventStore]:
    """A store with these events."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{Path(folder)}/shop.db")
        store = EventStore(engine)
        for table in tables:
            for start in range(0, table.num_rows, BATCH):
                store.append(table.slice(start, BATCH))
        yield store
        engine.dispose()


fitted: dict[tuple[tuple[str, ...], int, int, int], np.ndarray] = {}


def see(store: EventStore, shop: Shop, text: np.ndarray, item_id: str, defence: Defence, trials: int) -> Seen:
    """Popularity and lists as serving and `recsys fit` make them."""
    left_out = screen_store(store, ScreeningConfig(enabled=defence.screening)).marked
    serve, caps = ServeConfig(), UserCaps() if defence.caps else NO_CAPS
    popularity = RecentPopularity(serve.popularity_half_life_s, serve.profile.weights)
    most = caps.item_events_a_day if defence.caps else None
    popularity.add_counts(store.popularity_since(0, most, left_out).rows)
    ranked = [name for name, _ in popularity.top(shop.items.num_rows)]
    ids = shop.items.column("item_id").to_pylist()
    log = read_interactions(store, ids, EventWeights(), left_out=left_out)
    data = Dataset("shop", log, text, list(log.item_ids), [None] * len(ids))
    config = FitConfig(caps=caps, num_trials=trials)
    # Equal logs are fitted once: where all fakes are left out, nothing is left to tell apart.
    sign = (log.user_keys, len(log), int(log.occurred_at_us.sum()), len(capped(log, caps)))
    if sign not in fitted:
        fitted[sign] = lists(data, config)
    fake = sum(key.startswith("user:fake-") for key in left_out)
    return Seen(
        ranked.index(item_id) + 1 if item_id in ranked else len(ids),
        fake,
        len(left_out) - fake,
        fitted[sign],
    )


def lists(data: Dataset, config: FitConfig) -> np.ndarray:
    """Lists of `ASKED` honest shoppers after a fit, what they know hidden."""
    blend = fit_blend(held_out(data, config, lambda text: None), data, config, lambda text: None)
    signals = make_signals(data, blend.settings, config)
    honest = [n for n, key in enumerate(data.log.user_keys) if key.startswith("user:shopper-")]
    # Drawn by name: another attack must not draw other shoppers.
    honest.sort(key=lambda n: zlib.crc32(data.log.user_keys[n].encode()))
    users = np.array(sorted(honest[:ASKED]), np.int64)
    scores = Blended(signals, blend.blend(False)).scores(histories_of(data.log, users))
    scores[seen_items(data.log)[users].nonzero()] = -np.inf
    return np.asarray(top_places(scores, N))


def pushed_item(shop: Shop) -> str:
    """The item in the middle by number of events."""
    counts: Counter[str] = Counter(shop.events.column("item_id").to_pylist())
    return sorted(counts, key=lambda item_id: (counts[item_id], item_id))[len(counts) // 2]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30, help="trials of a fit for the weights")
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--shoppers", type=int, default=500)
    asked = parser.parse_args()
    trials = asked.trials
    shop = make_shop(num_items=asked.items, num_shoppers=asked.shoppers, now=NOW)
    text, item_id = hashed_words(shop.items), pushed_item(shop)
    place = sorted(shop.items.column("item_id").to_pylist()).index(item_id)
    with store_of([shop.events]) as store:
        clean = see(store, shop, text, item_id, DEFENCES[-1], trials)
        plain = see(store, shop, text, item_id, DEFENCES[0], trials)
    shown = np.mean((clean.lists == place).any(1))
    print(f"{shop.items.num_rows:,} items, {shop.events.num_rows:,} events")
    print(
        f"without an attack: rank {clean.rank:,}, "
        f"in {shown:.1%} of {len(clean.lists)} lists, {clean.honest_left_out} honest users left out, "
        f"{changed(clean, plain):.1%} of lists changed by caps and screening\n"
    )
    print(
        "| attack | defence | fake users left out | popularity rank | lists with the item | lists changed |"
    )
    print("|---|---|---|---|---|---|")
    for attack in ATTACKS:
        with store_of([shop.events, fakes(attack, item_id)]) as store:
            for defence in DEFENCES:
                found = see(store, shop, text, item_id, defence, trials)
                shown = np.mean((found.lists == place).any(1))
                print(
                    f"| {attack.name} | {defence.name} | {found.left_out:,} | {found.rank:,} "
                    f"| {shown:.1%} | {changed(found, clean):.1%} |",
                    flush=True,
                )


def changed(one: Seen, other: Seen) -> float:
    """Share of lists with another item in them."""
    pairs = zip(one.lists.tolist(), other.lists.tolist(), strict=True)
    return float(np.mean([set(a) != set(b) for a, b in pairs]))


if __name__ == "__main__":
    main()
