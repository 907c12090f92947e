"""`recsys keys`: quotas that are given, kept and shown, and use by day."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.database import open_database
from cluster.key_usage import CountedUse, UsageStore
from jobs.cli import app
from recsys.access import day_name, day_of
from recsys.errors import ConfigError, NotFoundError
from recsys.workspace import Workspace


class Keys:
    """The commands over one workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def text(self, *words: str) -> str:
        done = CliRunner().invoke(app, ["keys", *words, "--workspace", str(self.folder)])
        if done.exception is not None:
            raise done.exception
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text(*words, "--json").splitlines()]

    def use(self, key_id: str, *requests: int) -> int:
        """Let a key have made so many requests today, yesterday and so on; the number of today."""
        today = day_of(time.time_ns() // 1_000)
        told = [CountedUse(key_id, today - back, 1, count) for back, count in enumerate(requests)]
        UsageStore(open_database(Workspace(self.folder).database_url)).exchange(told, today)
        return today


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def test_a_quota_is_shown_and_a_rotation_keeps_it(keys: Keys) -> None:
    (made,) = keys.rows("create", "web shop", "-s", "recommend", "--quota", "100000")
    assert made["quota"] == 100_000
    (rotated,) = keys.rows("rotate", made["id"])
    assert (rotated["quota"], rotated["id"] != made["id"]) == (100_000, True)
    keys.rows("create", "free", "-s", "admin")
    assert sorted((row["name"], row["quota"]) for row in keys.rows("list")) == [
        ("free", None),
        ("web shop", 100_000),
        ("web shop", 100_000),
    ]


@pytest.mark.parametrize("quota", ["0", "-5", "many"])
def test_a_quota_that_is_none_is_refused(keys: Keys, quota: str) -> None:
    with pytest.raises(SystemExit) as ended:
        keys.text("create", "shop", "-s", "admin", "--quota", quota)
    assert ended.value.code == 2
    with pytest.raises(ConfigError, match="quota"):
        keys.text("create", "shop", "-s", "admin", "--quota", str(10**13))
    assert keys.rows("list") == []


def test_the_list_has_todays_use_beside_the_quota(keys: Keys) -> None:
    (made,) = keys.rows("create", "web shop", "-s", "recommend", "--quota", "100000")
    (free,) = keys.rows("create", "free", "-s", "admin")
    keys.use(made["id"], 1_234, 7)
    assert {row["id"]: row["today"] for row in keys.rows("list")} == {made["id"]: 1_234, free["id"]: 0}
    shown = keys.text("list")
    assert made["id"] in shown
    assert "1,234" in shown
    assert "rk_" not in shown


def test_use_is_told_by_key_and_day_and_only_of_the_days_that_are_asked_for(keys: Keys) -> None:
    (one,) = keys.rows("create", "web shop", "-s", "recommend", "--quota", "50")
    (two,) = keys.rows("create", "free", "-s", "admin")
    today = keys.use(one["id"], 5, 0, 1)
    keys.use(two["id"], 9)
    found = keys.rows("usage", one["id"], "--days", "2")
    assert found == [
        {"day": day_name(day), "id": one["id"], "name": "web shop", "requests": requests, "quota": 50}
        for day, requests in ((today - 1, 0), (today, 5))
    ]
    every = keys.rows("usage")
    assert (every[0]["day"], every[0]["requests"]) == (day_name(today - 2), 1)
    assert {row["name"] for row in every} == {"web shop", "free"}
    assert "web shop" in keys.text("usage")


def test_a_key_that_is_not_there_is_said_and_a_key_without_requests_has_no_rows(keys: Keys) -> None:
    (made,) = keys.rows("create", "shop", "-s", "admin")
    assert keys.rows("usage", made["id"]) == []
    assert "no requests in these days" in keys.text("usage")
    with pytest.raises(NotFoundError, match="no such key"):
        keys.text("usage", "000000000000")
