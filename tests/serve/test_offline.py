"""Lists without Ray and HTTP: those that the service answers, and the same for events that are brought."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from recsys.client import Client
from recsys.errors import IndexMissingError, InputError, NotFoundError
from recsys.payloads import ListAnswer
from serve_app.offline import Recommender
from tests.serve.conftest import RunningShop

CHEAP = {"field": "price_minor", "op": "<=", "value": 5000}


@pytest.fixture(scope="module")
def client(running_shop: RunningShop) -> Iterator[Client]:
    with Client(running_shop.url, api_key=running_shop.key) as found:
        yield found


@pytest.fixture(scope="module")
def offline(running_shop: RunningShop) -> Iterator[Recommender]:
    with Recommender.from_workspace(running_shop.small.workspace.root) as found:
        yield found


def served(answers: list[ListAnswer]) -> list[tuple[int, str, str | None]]:
    return [
        (rank, item.item_id, item.reasons[0].text if item.reasons else None)
        for answer in answers
        for rank, item in enumerate(answer.items, 1)
    ]


def own(table: pa.Table) -> list[tuple[int, str, str | None]]:
    return [(row["rank"], row["item_id"], row["reason"]) for row in table.to_pylist()]


def users_of(shop: RunningShop, count: int) -> list[str]:
    """Shoppers of the built-in shop; other tests' own are left out."""
    built_in = set(shop.small.shop.events.column("user_id").to_pylist())
    found = [key.removeprefix("user:") for key in shop.small.events.typical_users(count + 20)]
    return [user for user in found if user in built_in][:count]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"scenario": "home"},
        {"scenario": "cart"},
        {"scenario": "email", "filter": CHEAP},
        {"include_seen": True, "exclude": ["item-00001"]},
    ],
)
def test_lists_are_the_served_ones(
    client: Client, offline: Recommender, running_shop: RunningShop, asked: dict[str, Any]
) -> None:
    users = users_of(running_shop, 8)
    table = offline.recommend(users, k=10, **asked)
    answers = [client.recommend(user_id=user, n=10, explore=False, **asked) for user in users]
    assert own(table) == served(answers)
    scores = [item.score for answer in answers for item in answer.items]
    assert table.column("score").to_pylist() == pytest.approx(scores, rel=1e-5)
    expected = [user for user, answer in zip(users, answers, strict=True) for _ in answer.items]
    assert table.column("user_id").to_pylist() == expected
    assert offline.index_version == answers[0].index_version


def test_similar_items_and_searches_are_the_served_ones(client: Client, offline: Recommender) -> None:
    items, texts = ["item-00003", "item-00101"], ["steel kettle", "a warm scarf"]
    similar = offline.similar(items, k=7, filter=CHEAP)
    assert own(similar) == served([client.similar(item_id=one, n=7, filter=CHEAP) for one in items])
    assert similar.column_names == ["source_item_id", "rank", "item_id", "score", "reason"]
    found = offline.search(texts, k=7)
    assert own(found) == served([client.search(text=one, n=7) for one in texts])
    with pytest.raises(NotFoundError):
        offline.similar("nothing")


def test_an_event_counts_at_once_and_a_new_item_after_a_refresh(client: Client, offline: Recommender) -> None:
    wants = {"user_id": "off-1", "item_id": "item-00010", "event_type": "purchase"}
    client.put_events([wants])
    answer = client.recommend(user_id="off-1", n=5)
    assert own(offline.recommend("off-1", k=5)) == served([answer])
    client.put_items([{"item_id": "off-new", "title": "Offline item", "category": "Kitchen"}])
    near = {"field": "item_id", "op": "==", "value": "off-new"}
    assert offline.similar("item-00010", filter=near).num_rows == 0
    offline.refresh()
    live = client.similar(item_id="item-00010", filter=near)
    assert own(offline.similar("item-00010", filter=near)) == served([live]) != []
    client.delete_item("off-new")


def test_somebody_unknown_gets_what_is_popular(client: Client, offline: Recommender) -> None:
    for _ in range(50):  # the service counts events every two seconds
        offline.refresh()
        table, answer = offline.recommend("nobody-knows", k=6), client.recommend(user_id="nobody-knows", n=6)
        if own(table) == served([answer]):
            break
        time.sleep(0.1)
    assert own(table) == served([answer])
    assert table.num_rows == 6


def test_events_that_are_brought_speak_as_those_of_the_log(
    offline: Recommender, running_shop: RunningShop
) -> None:
    users = users_of(running_shop, 3)
    rows = [row for row in running_shop.small.shop.events.to_pylist() if row["user_id"] in users]
    log = running_shop.small.shop.events
    mine = log.filter(pa.compute.is_in(log.column("user_id"), pa.array(users)))
    expected = offline.recommend(users, k=8)
    for brought in (mine, mine.to_pandas(), rows):
        assert own(offline.recommend(users, events=brought, k=8)) == own(expected)
    everybody = offline.recommend(events=rows, k=1).column("user_id").to_pylist()
    assert everybody == list(dict.fromkeys(row["user_id"] for row in rows))
    visits = [{"visitor_id": "v", "item_id": "item-00003", "event_type": "view"}]
    assert set(offline.recommend(events=visits).column("user_id").to_pylist()) == {"v"}
    with pytest.raises(InputError, match="row 2"):
        offline.recommend(events=[*visits, {"visitor_id": "v", "item_id": "", "event_type": "view"}])
    with pytest.raises(InputError):
        offline.recommend(events="events.csv")


def test_tables_are_pandas_tables_as_well(offline: Recommender, running_shop: RunningShop) -> None:
    users = users_of(running_shop, 2)
    frame = offline.recommend(pd.Series(users), k=3).to_pandas()
    assert list(frame.columns) == ["user_id", "rank", "item_id", "score", "reason"]
    assert frame.groupby("user_id", sort=False).size().to_dict() == dict.fromkeys(users, 3)
    assert offline.recommend(pa.array(users), k=3).num_rows == 6
    assert offline.recommend([], k=3).num_rows == 0
    with pytest.raises(InputError):
        offline.recommend(users, k=0)
    with pytest.raises(InputError):
        offline.recommend()


def test_an_explanation_names_everything_that_speaks_for_an_item(
    offline: Recommender, running_shop: RunningShop
) -> None:
    user = users_of(running_shop, 1)[0]
    first = offline.recommend(user, k=1).to_pylist()[0]
    found = offline.explain(user, first["item_id"]).to_pylist()
    assert found[0]["text"] == first["reason"]
    parts = [row["contribution"] for row in found]
    assert parts == sorted(parts, reverse=True)
    assert len(found) > 2
    assert sum(row["share"] for row in found) <= 1.0 + 1e-6
    seen = next(row["item_id"] for row in found if row["item_id"])
    assert offline.explain(user, seen).num_rows
    with pytest.raises(NotFoundError):
        offline.explain(user, "nothing")


def test_a_notebooks_own_loop_may_turn(offline: Recommender) -> None:
    async def cell() -> int:
        return int(offline.similar("item-00003", k=2).num_rows)

    assert asyncio.run(cell()) == 2


def test_no_index_is_said_so(tmp_path: Any) -> None:
    with pytest.raises(IndexMissingError):
        Recommender.from_workspace(tmp_path)


def test_neither_ray_nor_a_web_server_is_loaded(running_shop: RunningShop) -> None:
    code = f"""
import sys
from serve_app.offline import Recommender
with Recommender.from_workspace({str(running_shop.small.workspace.root)!r}) as shop:
    assert shop.similar("item-00003").num_rows == 10
sys.exit(str({{"ray", "fastapi", "uvicorn", "torch"}} & set(sys.modules) or "") or 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
