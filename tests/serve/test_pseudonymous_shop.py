"""A shop that keeps pseudonyms: one person over every entry, and no id of hers in any byte of its files."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from recsys.config import ServeConfig
from recsys.errors import InputError
from recsys.privacy.secret import VARIABLE, names_of
from recsys.shop import make_shop
from tests.serve.conftest import NOW, SmallShop, assemble_inline, client_of, make_small_shop

CANARY = "canary-anna@shop.example"
VISITOR = "canary-of-the-tag"
IDS = {"user_id": CANARY, "visitor_id": "canary-phone", "session_id": "canary-session"}


@pytest.fixture
def shop(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """Items and no events, and a secret beside the workspace."""
    monkeypatch.delenv(VARIABLE, raising=False)
    made = make_shop(num_items=100, num_shoppers=5, now=NOW)
    small = make_small_shop(tmp_path / "shop", tiny_bert, replace(made, events=made.events.slice(0, 0)))
    said = run("init", small, "--pseudonymous", "--secret-file", str(tmp_path / "shop.secret"))
    assert said["pseudonymous"]
    return small


def run(command: str, small: SmallShop, *arguments: str) -> dict[str, Any]:
    found = CliRunner().invoke(app, [*command.split(), "-w", str(small.workspace.root), "--json", *arguments])
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def holders(folder: Path) -> list[str]:
    """Files that hold the canary."""
    return [str(file) for file in folder.rglob("*") if file.is_file() and b"canary" in file.read_bytes()]


def test_one_person_over_every_entry_and_no_byte_of_her_id(shop: SmallShop, tmp_path: Path) -> None:
    asyncio.run(over_every_entry(shop, tmp_path))


async def over_every_entry(shop: SmallShop, tmp_path: Path) -> None:
    items = [f"{item}" for item in shop.shop.items.column("item_id").to_pylist()[:8]]
    log = tmp_path / "events.jsonl"
    old = {**IDS, "event_type": "purchase", "occurred_at": "2026-01-01T00:00:00Z"}
    rows = [{**old, "item_id": item} for item in items[:4]]
    bad = [{**IDS, "item_id": items[0], "event_type": "canary-type"}, {"user": CANARY, "event_type": "view"}]
    log.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *bad]) + f"{CANARY},no JSON at all\n")
    report = run("import events", shop, str(log))
    assert (report["appended"], run("import events", shop, str(log))["duplicates"]) == (4, 4)
    assert list(shop.workspace.quarantine.glob("events-*.parquet"))
    async with client_of(assemble_inline(shop, ServeConfig())) as client:
        sent = [
            {**IDS, "item_id": item, "event_type": "click", "event_id": f"canary-{item}"}
            for item in items[4:]
        ]
        for appended in (4, 0):
            answer = (await client.post("/v1/events:batch", json={"events": sent})).json()
            assert answer["appended"] == appended
        profile = (await client.get(f"/v1/users/{CANARY}/profile")).json()
        assert profile["num_events"] == 8
        visitor = (await client.get("/v1/users/canary-phone/profile", params={"kind": "visitor"})).json()
        assert "num_events" not in visitor  # what she did as a visitor would be hers; nothing was done so
        await believed_of_a_visitor(client, items[0])
        listed = (await client.post("/v1/recommend", json={"user_id": CANARY, "n": 5})).json()
        assert len(listed["items"]) == 5
        assert "no_profile" not in listed["degraded"]
        assert not {one["item_id"] for one in listed["items"]} & set(items)
        await client.post("/v1/rank", json={"user_id": CANARY, "item_ids": items})
        await client.post("/v1/lists", json={**{"user_id": CANARY}, "lists": [{"name": "home"}]})
        await client.post("/v1/recommend", json={"visitor_id": "canary-phone"})
        exported = (await client.get(f"/v1/users/{CANARY}/export")).json()
        assert len(exported["events"]) == 8
    assert holders(shop.workspace.root) == []
    file = tmp_path / "anna.json"
    run("export-user", shop, CANARY, "--out", str(file))
    assert len(json.loads(file.read_text())["events"]) == 8
    assert run("erase", shop, CANARY)["events"] == 8
    assert run("erase", shop, VISITOR, "--kind", "visitor")["events"] == 1
    assert shop.events.count() == 0
    assert run("import events", shop, str(log))["appended"] == 0
    assert holders(shop.workspace.root) == []


async def believed_of_a_visitor(client: httpx.AsyncClient, item: str) -> None:
    """Of a visitor who has not signed in, by the shop's own id; as a user nobody has that id."""
    view = {"visitor_id": VISITOR, "item_id": item, "event_type": "view"}
    assert (await client.post("/v1/events:batch", json={"events": [view]})).json()["appended"] == 1
    path = f"/v1/users/{VISITOR}/profile"
    known = (await client.get(path, params={"kind": "visitor"})).json()
    assert (known["user_id"], [one["item_id"] for one in known["interests"]]) == (VISITOR, [item])
    assert (await client.get(path)).status_code == 404


def test_a_shop_with_plain_ids_does_not_become_pseudonymous(small_shop: SmallShop, tmp_path: Path) -> None:
    arguments = ["init", "-w", str(small_shop.workspace.root), "--pseudonymous"]
    refused = CliRunner().invoke(app, [*arguments, "--secret-file", str(tmp_path / "s")])
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "s").exists()


def test_the_secret_stays_out_of_the_workspace_and_pseudonyms_can_be_asked_for(shop: SmallShop) -> None:
    inside = str(shop.workspace.root / "s")
    refused = CliRunner().invoke(
        app, ["init", "-w", str(shop.workspace.root), "--pseudonymous", "--secret-file", inside]
    )
    assert isinstance(refused.exception, InputError)
    said = CliRunner().invoke(app, ["pseudonym", "-w", str(shop.workspace.root), "-"], input=f"{CANARY}\n")
    assert said.stdout.strip() == f"user:{names_of(shop.workspace).of('user', CANARY)}"
