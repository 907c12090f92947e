"""The shop at scale can be served: items, vectors, histories and versions belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from jobs.bench.shop_at_scale import ShopAtScale, ShopPlan, make_shop_at_scale
from jobs.bench.shop_history import EVENTS_PER_USER, used_items, user_id
from jobs.bench.vectors import synthetic_vectors
from recsys.index import current_version, load_manifest
from recsys.query import Query
from recsys.retrieval import ShardIndex

PLAN = ShopPlan(num_items=300, num_users=20)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopAtScale:
    return make_shop_at_scale(tmp_path_factory.mktemp("scale") / "shop", PLAN)


def test_every_item_is_in_the_index_and_every_event_names_one(shop: ShopAtScale) -> None:
    engine = open_database(shop.workspace.database_url)
    assert ItemStore(engine).count() == PLAN.num_items
    events = EventStore(engine)
    assert events.count() == PLAN.num_users * EVENTS_PER_USER
    history = events.events_of(f"user:{user_id(7)}", 1_000)
    assert len(history) == EVENTS_PER_USER
    assert [event.occurred_at_us for event in history] == sorted(event.occurred_at_us for event in history)
    known = set(ItemStore(engine).get([event.item_id for event in history]).column("item_id").to_pylist())
    assert known == {event.item_id for event in history}
    assert load_manifest(shop.workspace, shop.published).item_count == PLAN.num_items


def test_both_versions_are_there_and_the_fitted_one_has_links(shop: ShopAtScale) -> None:
    assert current_version(shop.workspace) == shop.published != shop.text_version
    plain, fitted = (load_manifest(shop.workspace, name) for name in (shop.text_version, shop.published))
    assert plain.blend is None
    assert fitted.blend is not None
    index = ShardIndex.open(shop.workspace, fitted, 0)
    (best,) = index.search([Query(np.zeros(384, np.float32), {"behaviour": {"item-00000": 1.0}})], 3)
    assert best.scores.max() > 0.0


def test_a_finished_shop_is_kept_and_another_plan_makes_another(tmp_path: Path) -> None:
    said: list[str] = []
    small = ShopPlan(num_items=60, num_users=2, fitted=False)
    first = make_shop_at_scale(tmp_path / "shop", small, said.append)
    assert make_shop_at_scale(tmp_path / "shop", small, said.append) == first
    made = len(said)
    other = make_shop_at_scale(tmp_path / "shop", ShopPlan(num_items=70, num_users=2), said.append)
    assert len(said) == 2 * made
    assert load_manifest(other.workspace, other.published).item_count == 70


def test_neighbours_are_the_nearest_others() -> None:
    vectors = synthetic_vectors(40)
    used = used_items(np.random.default_rng(0), [f"i{number:02d}" for number in range(40)], vectors)
    assert used.near.shape == (40, 39)
    for item in range(40):
        assert item not in used.near[item]
    expected = np.take_along_axis(vectors @ vectors.T, used.near, axis=1)
    assert used.cosines == pytest.approx(expected, abs=1e-5)
