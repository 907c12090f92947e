"""A fitted index: what HTTP answers is what an evaluation ranks, and its reasons add up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.database import open_database
from cluster.dataset import read_dataset
from cluster.event_store import EventStore
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from recsys.blend.blended import Blended
from recsys.blend.fit_shop import fit_shop
from recsys.blend.fitted import Fitted
from recsys.blend.histories import histories_of
from recsys.blend.links import ModelLinks
from recsys.blend.making import make_signals
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig, IndexConfig, Scenario, ServeConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import hide, top_places
from recsys.evaluation.splits import Split
from recsys.explain import Contributions
from recsys.index import current_version, load_manifest, publish
from recsys.index.fitted import fitted_of_version
from recsys.query import EVERYBODY, Query
from recsys.retrieval import ShardIndex
from serve_app.offline import Recommender
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline, client_of, make_small_shop

EVERY = FittedBlend(
    settings=SignalSettings(ridge=2.0, behaviour_half_life_days=30.0),
    discover=Blend(text=0.7, behaviour=2.0, transition=0.3, popularity=0.1),
    again=Blend(text=0.5, behaviour=1.0, transition=0.2, repeat=0.8, own=-0.3, popularity=0.05),
)
CONFIG = FitConfig(num_trials=5, num_neighbours=30)


@pytest.fixture(scope="module")
def fitted_shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> tuple[SmallShop, Dataset]:
    """A shop whose published version has every signal."""
    small = make_small_shop(tmp_path_factory.mktemp("fitted"), tiny_bert, None)
    data = dataset_of(small)
    signals = make_signals(data, EVERY.settings, CONFIG)
    links = ModelLinks.of(data.log.item_ids, signals)
    publish_fit(small, Fitted(EVERY, links, Whitening.fit(data.vectors, EVERY.settings.whitening)))
    return small, data


def dataset_of(small: SmallShop) -> Dataset:
    return read_dataset(small.workspace, small.items, small.events, small.encoder.version)


def publish_fit(small: SmallShop, fitted: Fitted | None) -> str:
    config = IndexConfig(num_shards=2)
    version = build_index(small.workspace, small.items, small.encoder.version, config, fitted).index_version
    publish(small.workspace, version)
    return version


def service_of(small: SmallShop) -> ShopService:
    generous = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
    return assemble_inline(small, generous)


def asked(service: ShopService, work: Callable[[Any], Any]) -> Any:
    async def run() -> Any:
        async with client_of(service) as client:
            return await work(client)

    return asyncio.run(run())


def answers(small: SmallShop, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    async def work(client: Any) -> list[dict[str, Any]]:
        found = [await client.post("/v1/recommend", json=body) for body in bodies]
        assert all(answer.status_code == 200 for answer in found)
        return [answer.json() for answer in found]

    return list(asked(service_of(small), work))


@pytest.mark.parametrize("include_seen", [False, True])
def test_http_lists_are_the_evaluated_lists(
    fitted_shop: tuple[SmallShop, Dataset], include_seen: bool
) -> None:
    small, data = fitted_shop
    log = data.log
    signals = make_signals(data, EVERY.settings, CONFIG)
    users = np.arange(log.num_users, dtype=np.int32)
    scores = Blended(signals, EVERY.blend(include_seen)).scores(histories_of(log, users))
    everybody = Split(log, users, None, 0)  # no targets are asked for
    available = availability(small, log.item_ids)
    hide(scores, everybody, users, not include_seen, available)
    lists = top_places(scores, 10)
    keys = [key.partition(":")[2] for key in log.user_keys]
    bodies = [{"user_id": key, "n": 10, "include_seen": include_seen} for key in keys]
    same = 0
    for user, answer in enumerate(answers(small, bodies)):
        reviewed = any(event.review_text for event in small.events.events_of(log.user_keys[user], 5_000))
        if reviewed or (log.weights[log.rows_of(user)] <= 0).any():
            continue  # logs carry no review texts, and dislikes bound the text signal
        expected = scores[user, lists[user]]
        found = [item["score"] for item in answer["items"]]
        assert found == pytest.approx(expected.tolist(), abs=2e-4)
        if (np.diff(-expected) > 5e-4).all():  # outside near ties the items are the same too
            assert [item["item_id"] for item in answer["items"]] == [
                log.item_ids[place] for place in lists[user]
            ]
        same += 1
    assert same >= 10


@pytest.mark.parametrize("include_seen", [False, True])
def test_lists_without_a_service_are_the_http_lists(
    fitted_shop: tuple[SmallShop, Dataset], include_seen: bool
) -> None:
    small, data = fitted_shop
    users = [key.partition(":")[2] for key in data.log.user_keys[:15]]
    bodies = [{"user_id": user, "n": 10, "include_seen": include_seen} for user in users]
    expected = [item for answer in answers(small, bodies) for item in answer["items"]]
    with Recommender.from_workspace(small.workspace.root) as shop:
        found = shop.recommend(users, k=10, include_seen=include_seen)
    assert found.column("item_id").to_pylist() == [item["item_id"] for item in expected]
    assert found.column("score").to_pylist() == pytest.approx([item["score"] for item in expected], rel=1e-5)
    reasons = [item["reasons"][0]["text"] if item["reasons"] else None for item in expected]
    assert found.column("reason").to_pylist() == reasons


def test_a_scenario_changes_the_weights_and_an_unknown_one_is_refused(
    fitted_shop: tuple[SmallShop, Dataset],
) -> None:
    small, data = fitted_shop
    scenarios = {
        "words": Scenario(behaviour=0.0, transition=0.0, repeat=0.0, own=0.0, popularity=0.0),
        "same": Scenario(),
    }
    config = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30, scenarios=scenarios)
    user = data.log.user_keys[0].partition(":")[2]

    async def work(client: Any) -> list[Any]:
        named = [{}, {"scenario": "same"}, {"scenario": "words"}, {"scenario": "nowhere"}]
        return [await client.post("/v1/recommend", json={"user_id": user, **body}) for body in named]

    plain, same, crowd, unknown = asked(assemble_inline(small, config), work)
    scores = [[item["score"] for item in answer.json()["items"]] for answer in (plain, same, crowd)]
    assert scores[0] == scores[1] != scores[2]
    assert max(scores[2]) <= EVERY.discover.text + 1e-5  # a cosine and nothing else
    assert unknown.status_code == 422
    assert "same, words" in unknown.json()["message"]


def availability(small: SmallShop, item_ids: tuple[str, ...]) -> np.ndarray:
    available = {
        item_id: flag
        for items in small.items.scan()
        for item_id, flag in zip(
            items.column("item_id").to_pylist(), items.column("available").to_pylist(), strict=True
        )
    }
    return np.array([available[item_id] for item_id in item_ids])


def test_reasons_sum_to_the_score_and_deleting_the_named_item_lowers_it(
    fitted_shop: tuple[SmallShop, Dataset],
) -> None:
    small, data = fitted_shop
    manifest = load_manifest(small.workspace, current_version(small.workspace))
    shards = [ShardIndex.open(small.workspace, manifest, number) for number in range(2)]

    async def work(service: ShopService) -> None:
        from recsys.blend.query import Known, blended_query

        await service.start()
        view = service.watch.view
        checked = 0
        for key in data.log.user_keys[:20]:
            profile = await service.profiles.profile(key, 1_800_000_000_000_000)
            vectors = await view.vectors(profile.item_ids)
            asked = blended_query(profile, Known(vectors, {}), EVERY.settings, EVERY.again, 0.3)
            if asked.query.is_zero:
                continue
            found = await view.search(asked.query, 5, frozenset(), None)
            sources = {source for weights in asked.query.links.values() for source in weights}
            links = (await view.details(found.candidates.item_ids, [], sources)).links
            rows = await view.vectors(found.candidates.item_ids)
            for item_id, score in zip(
                found.candidates.item_ids, found.candidates.scores.tolist(), strict=True
            ):
                explained = Contributions(
                    asked.user,
                    rows[item_id][None, :],
                    text_factor=asked.text_factor,
                    query=asked.query,
                    links=[links[item_id]],
                )
                parts = list(explained.best_first(0))
                assert sum(part.value for part in parts) == pytest.approx(
                    score, abs=1e-5 * max(1, abs(score))
                )
                named = next(part for part in parts if part.item_id)
                kept = [n for n, part in enumerate(asked.user.parts) if part.item_id != named.item_id]
                weights = np.array([asked.user.parts[n].weight for n in kept])
                vector = (
                    (weights @ asked.user.matrix[kept]) * asked.text_factor if kept else 0 * rows[item_id]
                )
                without = {
                    signal: {source: weight for source, weight in sources.items() if source != named.item_id}
                    for signal, sources in asked.query.links.items()
                }
                lowered = [
                    shard.search(
                        [Query(np.asarray(vector, np.float32), without)], 200, include_unavailable=True
                    )[0]
                    for shard in shards
                ]
                after = {
                    other: value
                    for part in lowered
                    for other, value in zip(part.item_ids, part.scores.tolist(), strict=True)
                }
                assert score - after[item_id] == pytest.approx(named.value, abs=1e-4)
                checked += 1
        await service.stop()
        assert checked >= 50

    asyncio.run(work(service_of(small)))


def test_links_add_exactly_what_brute_force_adds(fitted_shop: tuple[SmallShop, Dataset]) -> None:
    small, data = fitted_shop
    manifest = load_manifest(small.workspace, current_version(small.workspace))
    fitted = fitted_of_version(small.workspace, manifest)
    source = data.log.item_ids[3]
    query = Query(
        np.zeros(manifest.dim, np.float32), {"behaviour": {source: 2.0}, "popularity": {EVERYBODY: 0.5}}
    )
    place = {item_id: number for number, item_id in enumerate(fitted.links.item_ids)}
    behaviour = fitted.links.signals["behaviour"].toarray()[place[source]]
    popular = fitted.links.signals["popularity"].toarray()[-1]
    for number in range(2):
        shard = ShardIndex.open(small.workspace, manifest, number)
        found = shard.search([query], 500, include_unavailable=True)[0]
        for item_id, score in zip(found.item_ids, found.scores.tolist(), strict=True):
            expected = 2.0 * behaviour[place[item_id]] + 0.5 * popular[place[item_id]]
            assert score == pytest.approx(expected, abs=1e-5)


def test_a_prepared_shard_has_nothing_left_to_make(fitted_shop: tuple[SmallShop, Dataset]) -> None:
    small, _ = fitted_shop
    manifest = load_manifest(small.workspace, current_version(small.workspace))
    shard = ShardIndex.open(small.workspace, manifest, 0)
    shard.warm()
    made = set(vars(shard))
    item_id = shard.search(np.zeros((1, shard.dim), np.float32), 1)[0].item_ids[0]
    query = Query(np.ones(shard.dim, np.float32), {"behaviour": {item_id: 1.0}})
    shard.search([query], 10, exclude=[[item_id]])
    shard.newest(3)
    assert set(vars(shard)) == made


def test_a_changed_catalog_keeps_what_was_learned(tmp_path: Path, tiny_bert: Path) -> None:
    small = make_small_shop(tmp_path, tiny_bert, None)
    fitted = fit_shop(dataset_of(small), CONFIG, None, lambda text: None)
    first = publish_fit(small, fitted)
    items = next(iter(small.items.scan()))
    changed = items.slice(0, 1).set_column(
        items.schema.get_field_index("title"), "title", [["A title nobody has seen"]]
    )
    small.items.upsert(changed)
    second = small.index()
    assert second != first
    manifest = load_manifest(small.workspace, second)
    assert manifest.blend == fitted.blend
    again = fitted_of_version(small.workspace, manifest)
    for name, matrix in fitted.links.signals.items():
        assert abs(again.links.signals[name] - matrix).max() == 0.0
    answer = answers(small, [{"user_id": dataset_of(small).log.user_keys[0].partition(":")[2]}])[0]
    assert len(answer["items"]) == 10
    similar = asked(
        service_of(small), lambda c: c.post("/v1/similar", json={"item_id": manifest_item(small)})
    )
    assert similar.status_code == 200
    assert similar.json()["items"]


def manifest_item(small: SmallShop) -> str:
    store = ItemStore(open_database(small.workspace.database_url))
    return str(next(iter(store.scan())).column("item_id")[5].as_py())


def test_a_price_change_does_not_cost_an_item_its_neighbours(
    fitted_shop: tuple[SmallShop, Dataset],
) -> None:
    small, _ = fitted_shop

    async def work(service: ShopService) -> None:
        await service.start()
        items = next(iter(small.items.scan())).slice(3, 1)
        item_id = items.column("item_id")[0].as_py()
        linked = await service.watch.view.retriever.links([item_id])
        sources = {source for signals in linked[item_id].values() for source in signals}
        before = (await service.watch.view.details([item_id], [], sources)).links
        assert before == linked
        price = items.schema.get_field_index("price_minor")
        small.items.upsert(items.set_column(price, items.schema.field(price), [[123]]))
        await service.watch.refresh_items()
        assert item_id in service.watch.view.live.changed
        assert (await service.watch.view.details([item_id], [], sources)).links == before
        await service.stop()

    asyncio.run(work(service_of(small)))


def test_event_stores_of_one_user_or_none_are_told_apart(tmp_path: Path, tiny_bert: Path) -> None:
    small = make_small_shop(tmp_path, tiny_bert, None)
    store = EventStore(open_database(small.workspace.database_url))
    assert store.count() > 0
    data = dataset_of(small)
    one = data.log.select(data.log.users == 0)
    lone = Dataset("one", one, data.vectors, data.texts, data.categories)
    fitted = fit_shop(lone, CONFIG, None, lambda text: None)
    assert all(np.isfinite(list(fitted.metrics.values())))
    assert all(np.isfinite(matrix.data).all() for matrix in fitted.links.signals.values())


def test_a_new_item_is_lent_what_behaviour_says_of_its_nearest_relatives(
    fitted_shop: tuple[SmallShop, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, data = fitted_shop
    rows = {row["item_id"]: row for row in small.shop.items.to_pylist()}
    users = [key.partition(":")[2] for key in data.log.user_keys[:12]]

    def places() -> list[float]:
        """Where a copy of each shopper's first item stands, and that its reasons are the shopper's own."""

        async def work(client: Any) -> list[float]:
            found = []
            for number, user in enumerate(users):
                best = (await client.post("/v1/recommend", json={"user_id": user, "n": 1})).json()["items"][0]
                copied = {
                    name: rows[best["item_id"]][name]
                    for name in ("title", "description", "category", "brand")
                }
                name = f"copy-{number}"
                await client.post("/v1/items:batch", json={"items": [{"item_id": name, **copied}]})
                listed = (await client.post("/v1/recommend", json={"user_id": user, "n": 150})).json()[
                    "items"
                ]
                place = next((n for n, item in enumerate(listed) if item["item_id"] == name), 150)
                reasons = listed[place]["reasons"] if place < len(listed) else []
                assert sum(reason["share"] for reason in reasons) <= 1.0 + 1e-6
                found.append(float(place))
                await client.delete(f"/v1/items/{name}")
            return found

        return list(asked(service_of(small), work))

    lent = places()

    async def nothing(vector: np.ndarray) -> dict[str, dict[str, float]]:
        return {}

    monkeypatch.setattr("serve_app.index_watch.lender_of", lambda retriever: nothing)
    assert np.mean(lent) < np.mean(places())
