"""A workspace of an earlier state is opened by today's commands and service, as at an upgrade."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_check import check_events
from cluster.item_store import ItemStore
from cluster.key_store import KeyStore
from cluster.loop_store import LoopStore
from cluster.serving_database import open_serving_database
from recsys.config import RuntimeConfig, ServeConfig
from recsys.errors import IndexFormatError
from recsys.index import current_version
from recsys.relations.file import read_relations
from serve_app.app import build_application
from tests.serve.conftest import client_of
from tests.upgrade.conftest import OldShop
from tests.upgrade.old_shop import COLUMNS, DECISIONS
from tests.upgrade.releases import ERASED, RELEASES

NAMES = [release.name for release in RELEASES]
READABLE = NAMES[1:]
"""States whose index versions today's code answers from."""
SHOPPER = "shopper-0001"
FIT = ("fit", "--force", "--trials", "10")
every = pytest.mark.parametrize("old", NAMES, indirect=True)
readable = pytest.mark.parametrize("old", READABLE, indirect=True)
first = pytest.mark.parametrize("old", ["first"], indirect=True)


def events_of(old: OldShop) -> list[list[object]]:
    """The rows of the event log, as the old state listed them."""
    with closing(sqlite3.connect(old.workspace.database)) as connection:
        return [list(row) for row in connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY seq")]


async def asked(client: httpx.AsyncClient, user: str) -> list[str]:
    """Ids of a list of ten that nothing was wrong with."""
    answer = await client.post("/v1/recommend", json={"user_id": user, "n": 10})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["degraded"]) <= {"fallback"}, "a shopper who has seen nearly everything"
    return [item["item_id"] for item in answer.json()["items"]]


async def lists_are_as_long_as_then(old: OldShop) -> None:
    """Lists of the shoppers whom the old state was asked for."""
    async with client_of(old.service()) as client:
        lengths = {user: len(await asked(client, user)) for user in old.listing["lists"]}
    assert lengths == old.listing["lists"]


@every
def test_items_and_events_are_those_that_the_old_state_listed(old: OldShop) -> None:
    if old.release.name in ("first", "fitted"):  # the others as far as tables were added since
        old.run("upgrade", "--check", code=1)
    old.run("upgrade")
    old.run("upgrade", "--check")
    engine = open_database(old.workspace.database_url)
    assert events_of(old) == old.listing["events"]
    check = check_events(engine)
    assert (check.faults, check.whole) == (0, len(old.listing["events"]))
    fields = ("item_id", "title", "category", "price_minor")
    rows = [row for table in ItemStore(engine).scan() for row in table.to_pylist()]
    assert [[row[name] for name in fields] for row in rows] == old.listing["items"]
    engine.dispose()
    status = old.run("status")
    assert (status["items"], status["events"]) == (len(old.listing["items"]), len(old.listing["events"]))


@readable
def test_the_version_that_was_in_service_answers_and_writes_are_taken(old: OldShop) -> None:
    assert old.run("verify")["index_version"] == old.listing["published"]
    assert current_version(old.workspace) == old.listing["published"]

    async def scene() -> None:
        await lists_are_as_long_as_then(old)
        async with client_of(old.service()) as client:
            shown = (await asked(client, SHOPPER))[0]
            event = {"event_id": "new", "user_id": SHOPPER, "item_id": shown, "event_type": "purchase"}
            ack = (await client.post("/v1/events:batch", json={"events": [event]})).json()
            item = {"item_id": "new-1", "title": "A lamp that came today"}
            taken = (await client.post("/v1/items:batch", json={"items": [item]})).json()
            assert (ack["appended"], taken["inserted"]) == (1, 1)
            assert shown not in await asked(client, SHOPPER)
            similar = await client.post("/v1/similar", json={"item_id": "new-1", "n": 3})
            assert len(similar.json()["items"]) == 3
            versions = (await client.get("/v1/index/versions")).json()["versions"]
            assert [one["broken"] for one in versions] == [None] * len(versions)

    asyncio.run(scene())
    assert old.run("status")["events"] == len(old.listing["events"]) + 1, "what was acknowledged is there"
    report = old.embed()
    assert (report["embedded"], report["items"]) == (1, len(old.listing["items"]) + 1)
    assert old.run("verify")["index_version"] == report["index_version"] != old.listing["published"]


@first
def test_a_version_that_today_cannot_read_is_told_and_embed_takes_its_place(old: OldShop) -> None:
    told = old.refused("verify")
    assert "an older release wrote the index version" in told
    assert "next: recsys embed, with the same options as before" in told
    assert old.refused("rollback").startswith("there is no earlier version")
    with pytest.raises(IndexFormatError, match="older release"):
        build_application(RuntimeConfig(workspace=old.workspace.root), ServeConfig())
    assert "older release" in next(iter(old.run("status")["index_versions"].values()))
    assert "recsys embed" in old.run("status")["next"]
    index = next(row for row in old.run("doctor", code=3)["findings"] if row["name"] == "index")
    assert index["advice"] == IndexFormatError.HINT
    report = old.embed()
    assert (report["embedded"], report["reused"], report["new"]) == (0, 50, True)
    assert old.run("verify")["index_version"] == report["index_version"]
    asyncio.run(lists_are_as_long_as_then(old))
    assert "older release" in old.refused("publish", old.listing["published"])
    assert "older release" in old.refused("rollback")


@every
def test_what_is_embedded_stays_and_a_fit_is_published_and_taken_back(old: OldShop) -> None:
    is_readable = old.release.name in READABLE
    report = old.embed(*(["--no-index"] if is_readable else []))
    assert (report["embedded"], report["reused"]) == (0, report["distinct_texts"])
    before = current_version(old.workspace)
    assert (before == old.listing["published"]) == is_readable
    fitted = old.run(*FIT)["index_version"]
    assert current_version(old.workspace) == fitted != before
    asyncio.run(lists_are_as_long_as_then(old))
    assert old.run("rollback")["published"] == before
    asyncio.run(lists_are_as_long_as_then(old))
    assert old.run("publish", fitted)["published"] == fitted


@every
def test_a_backup_of_what_was_upgraded_is_restored_whole(old: OldShop) -> None:
    made = old.run("backup", "--out", "saved.tar")
    old.workspace.root.rename(old.workspace.root.with_name("moved"))
    back = old.run("restore", "saved.tar")
    events = len(old.listing["events"])
    assert (made["events"], back["whole_events"], back["faults"]) == (events, events, 0)
    assert back["index_version"] == old.listing["published"] == current_version(old.workspace)
    assert events_of(old) == old.listing["events"]
    old.run("upgrade", "--check")


@every
def test_a_shopper_of_before_is_erased_and_stays_so(old: OldShop) -> None:
    theirs = [row for row in old.listing["events"] if row[2] == f"user:{SHOPPER}"]
    assert theirs
    assert old.run("erase", SHOPPER)["events"] == len(theirs)
    rest = [row for row in old.listing["events"] if row not in theirs]
    assert events_of(old) == rest
    erased_then = ("erase", ERASED, "-w", "shop") in old.release.steps
    late = {"item_id": "item-00000", "event_type": "view", "occurred_at": "2026-01-01T00:00:00Z"}
    users = [SHOPPER, ERASED] if erased_then else [SHOPPER]
    Path("late.jsonl").write_text("\n".join(json.dumps({"user_id": user, **late}) for user in users))
    old.run("import", "events", "late.jsonl")
    assert events_of(old) == rest
    assert check_events(open_database(old.workspace.database_url)).faults == 0


@readable
def test_decisions_keys_loop_and_what_else_lies_there_are_in_force(old: OldShop) -> None:
    engine = open_database(old.workspace.database_url)
    controls = ControlStore(engine)
    for path in DECISIONS:
        kind, name = path.split("/")[-2:]
        assert controls.get(kind.removesuffix("s"), name).body
    asyncio.run(a_rule_counts(old))
    assert LoopStore(engine).paused == (old.release.name == "fitted")
    keys = [] if old.release.name == "fitted" else ["till"]
    assert [key.name for key in KeyStore(engine).all()] == keys
    serving = open_serving_database(f"sqlite:///{old.workspace.serving_database}")
    assert AnswerStore(serving).count() >= len(old.listing["lists"])
    assert old.run("loop", "status")
    if old.release.name == "related":
        relations = read_relations(old.workspace.relations)
        assert relations is not None
        assert relations.num_rows == 20
        assert json.loads((old.workspace.tuning / "signals" / "tuning.json").read_text())["trials"]
        assert old.run(*FIT, "--settings", "shop/tuning/signals/settings.json")["settings"]
    engine.dispose()


async def a_rule_counts(old: OldShop) -> None:
    """The API shows the rule of then."""
    async with client_of(old.service()) as client:
        found = (await client.get("/v1/rules/spring")).json()
        assert found["body"]["effect"] == DECISIONS["/v1/rules/spring"]["effect"]
        quarantine = (await client.get("/v1/quarantine")).json()
        assert bool(quarantine["files"]) == (old.release.name == "sealed")
        drawn = await client.get("/v1/index/map")
        assert drawn.status_code == 404, "a map of before counts as not drawn"
