"""Both clients against a service behind a socket and keys: every answer is read, every refusal is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from recsys.access import RateLimit, Scope
from recsys.client import (
    AsyncClient,
    BusyError,
    ChangedError,
    Client,
    ClientConfig,
    EventSender,
    KeyRefusedError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from recsys.errors import RecsysError
from recsys.experiments.result import ExperimentResults
from recsys.off_policy import OffPolicyReport
from recsys.payloads import ItemBody, ListSpec, PolicySpec, RecommendRequest
from tests.serve.conftest import RunningShop

PATIENT = ClientConfig(timeout_s=30.0, deadline_s=30.0)


class Waited:
    """An asynchronous client whose answers are waited for."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, running_shop: RunningShop) -> Iterator[Any]:
    """One client and then the other, with a key to everything."""
    if request.param == "sync":
        with Client(running_shop.url, api_key=running_shop.key, config=PATIENT) as found:
            yield found
        return
    with asyncio.Runner() as runner:
        waited = Waited(AsyncClient(running_shop.url, api_key=running_shop.key, config=PATIENT), runner)
        yield waited
        waited.close()


def shopper_of(shop: RunningShop) -> str:
    return shop.small.events.typical_users(1)[0].removeprefix("user:")


def test_lists(client: Client, running_shop: RunningShop) -> None:
    user = shopper_of(running_shop)
    cheap = {"field": "price_minor", "op": "<=", "value": 5000}
    found = client.recommend(user_id=user, n=5)
    assert len(found.items) == 5
    assert all(item.reasons[0].text for item in found.items)
    assert len(client.similar(item_id="item-00001", n=4).items) == 4
    assert client.search(text="steel kettle", n=3, filter=cheap).items
    page = client.lists(user_id=user, lists=[ListSpec(name="a", n=3), ListSpec(name="b", n=3)])
    assert not {i.item_id for i in page.lists["a"].items} & {i.item_id for i in page.lists["b"].items}
    assert len(client.rank(user_id=user, item_ids=["item-00001", "item-00002"]).items) == 2
    assert len(client.embed(texts=["one", "two"]).embeddings) == 2


def test_catalog(client: Client) -> None:
    mug = ItemBody.model_validate(
        {"item_id": "new-mug", "title": "Clay mug", "price": "9.50 EUR", "size": "L"}
    )
    put = client.put_items([mug, {"item_id": "bad"}])
    assert (put.inserted + put.updated, [row.row for row in put.rejected]) == (1, [1])
    assert client.item("new-mug").price_minor == 950
    assert client.item("new-mug").attributes == {"size": "L"}
    assert [one.item_id for one in client.items(["new-mug", "nothing"]).items] == ["new-mug"]
    assert client.categories().categories
    assert client.delete_item("new-mug").deleted == 1
    with pytest.raises(MissingError) as caught:
        client.delete_item("new-mug")
    assert (caught.value.status, caught.value.refusal.kind) == (404, "NotFoundError")


def test_events_and_people(client: Client) -> None:
    view = {"event_id": "c-1", "user_id": "c-user", "item_id": "item-00003", "event_type": "view"}
    first, again = client.put_events([view]), client.put_events([view])
    assert (first.appended, again.duplicates) == (1, 1)
    assert client.profile("c-user").num_events == 1
    assert [one["event_id"] for one in client.export_user("c-user").events] == ["c-1"]
    assert client.erase_user("c-user").events == 1
    assert client.erase_user("c-user").events == 0


def test_decisions_and_evidence(client: Client) -> None:
    body = {"effect": {"kind": "hide"}, "items": {"field": "brand", "op": "==", "value": "Nobody"}}
    made = client.put_decision("rules", "quiet", body, revision=0, actor="tester")
    assert [one.name for one in client.decisions("rules")] == ["quiet"]
    with pytest.raises(ChangedError):
        client.put_decision("rules", "quiet", body, revision=0)
    assert client.decision("rules", "quiet").revision == made.revision
    assert client.delete_decision("rules", "quiet").name == "quiet"
    assert client.audit(limit=1)[0].action == "delete"
    looked = client.preview_rules(request=RecommendRequest(n=3), rules=[])
    assert len(looked.before.items) == 3
    assert client.reviews() == []
    arms = {"arms": [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5}]}
    client.put_decision("experiments", "trial", arms)
    assert isinstance(client.experiment_results("trial"), ExperimentResults)
    client.delete_decision("experiments", "trial")
    assert isinstance(client.off_policy([PolicySpec(name="any", kind="uniform")]), OffPolicyReport)


def test_operations(client: Client) -> None:
    assert client.healthy()
    assert client.ready()
    assert client.index().item_count == 200
    assert "recsys_request_seconds" in client.metrics()
    assert client.pause_loop().paused
    assert not client.resume_loop().paused
    assert not client.loop().paused
    asked = client.ask_job("embed")
    assert asked.kind == "embed"
    assert client.jobs() == []
    with pytest.raises(MissingError):
        client.job("no-run")


def test_what_operators_ask(client: Client, running_shop: RunningShop) -> None:
    now = client.index().index_version
    served = client.health().index
    assert served is not None
    assert served.index_version == now
    assert [one.index_version for one in client.versions().versions if one.published] == [now]
    with pytest.raises(ChangedError):
        client.roll_back("no-version")
    assert client.quality(limit=5)
    told = client.explain(request=RecommendRequest(user_id=shopper_of(running_shop), n=3))
    assert len(told.answer.items) == 3
    assert [one.item_id for one in client.browse_items(limit=1).items] == ["item-00000"]
    assert client.quarantine().total == 0
    for missing in (client.item_map, lambda: client.quarantined_rows("nothing")):
        with pytest.raises(RecsysError):
            missing()


def test_a_refusal_is_found_in_the_services_words(client: Client) -> None:
    with pytest.raises(RefusedError, match="no_such_field") as caught:
        client.recommend(filter={"field": "no_such_field", "op": "==", "value": 1})
    assert (caught.value.status, caught.value.refusal.kind) == (422, "FilterError")
    assert len(caught.value.request_id) >= 20


def test_keys_open_what_they_name(running_shop: RunningShop) -> None:
    weak = made_key(running_shop, Scope.RECOMMEND)
    for key, status in ((None, 401), ("rk_no", 401), (weak, 403)):
        with Client(running_shop.url, api_key=key) as client, pytest.raises(KeyRefusedError) as caught:
            client.index()
        assert caught.value.status == status
        assert "rk_" not in repr(client) + str(caught.value)


def test_a_busy_service_is_waited_for(running_shop: RunningShop) -> None:
    """Four requests a second, one at once: Retry-After says when the second may come, and it ends well."""
    slow = made_key(running_shop, Scope.ADMIN, rate=RateLimit(per_s=4.0, burst=1))
    with Client(running_shop.url, api_key=slow, config=PATIENT) as client:
        assert [client.index().item_count for _ in range(2)] == [200, 200]
        with pytest.raises(BusyError) as caught:
            [client.with_config(max_attempts=1).index() for _ in range(50)]
        assert caught.value.refusal.retry_after_s is not None


def made_key(shop: RunningShop, scope: Scope, **more: Any) -> str:
    """A new key, when the service knows it: keys are read again every 50 ms."""
    key = shop.store.create("tester", [scope], **more).text
    with Client(shop.url, api_key=key, config=PATIENT) as client:
        for _ in range(200):
            try:
                client.index()
            except KeyRefusedError as error:
                if error.status == 403:
                    return key
                continue
            return key
    raise AssertionError("the key is not known")


def test_nobody_there_is_told_in_time() -> None:
    quick = ClientConfig(timeout_s=0.2, deadline_s=0.3, first_pause_s=0.01)
    with Client("http://127.0.0.1:9", config=quick) as client, pytest.raises(UnreachableError):
        client.index()


def test_events_from_the_background_are_in_the_profile(running_shop: RunningShop) -> None:
    with Client(running_shop.url, api_key=running_shop.key, config=PATIENT) as client:
        with EventSender(client) as sender:
            for number in range(1, 31):
                sender.send({"user_id": "sent", "item_id": f"item-{number:05d}", "event_type": "view"})
        assert client.profile("sent").num_events == 30
        assert sender.counts.taken == 30
