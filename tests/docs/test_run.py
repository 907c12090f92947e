"""What the pages tell readers to type works: calls against a service, quick commands against a workspace."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.make_shop import write_csv
from recsys.config import ServeConfig
from tests.docs import http_call
from tests.docs.pages import PAGES, ROOT, SHELL, blocks
from tests.docs.shell import commands
from tests.serve.conftest import SmallShop, assemble_inline, client_of, make_small_shop

QUICK = frozenset(
    {
        ("status",), ("doctor",), ("verify",), ("backup",), ("retention",), ("export-user",), ("erase",),
        ("events", "verify"), ("keys", "create"), ("keys", "list"), ("keys", "usage"), ("loop", "status"),
        ("loop", "history"), ("privacy", "release"), ("privacy", "ledger"), ("moderate", "scan"),
        ("import", "items"), ("import", "events"), ("pseudonym",),
    }
)  # fmt: skip
"""Commands that need no Ray, no service and no second; `make docs-check` runs all of them."""
REFUSED = frozenset({"/v1/users/nobody@example.org/profile"})
"""Calls whose refusal is what the page shows."""
FIRST_EVENTS = 500


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> SmallShop:
    """One small shop for all pages; its service is not started here."""
    return make_small_shop(tmp_path_factory.mktemp("pages"), tiny_bert, None)


def test_every_call_of_every_page_is_answered(shop: SmallShop) -> None:
    config = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30, store=True)

    async def made() -> tuple[int, list[str]]:
        seen, wrong = 0, []
        async with client_of(assemble_inline(shop, config)) as client:
            for page in PAGES:
                for block in blocks(page, *SHELL):
                    for call in calls(block.code):
                        answer = await client.request(
                            call.method, call.target, content=call.body, headers=dict(call.headers)
                        )
                        seen += 1
                        if answer.is_error and call.path not in REFUSED:
                            wrong.append(f"{block.place}: {call.method} {call.path}: {answer.text[:300]}")
        return seen, wrong

    seen, wrong = asyncio.run(made())
    assert not wrong
    assert seen > 40


def calls(code: str) -> list[http_call.Call]:
    """The block's calls of the service."""
    found = [http_call.call_of(words[1:]) for words in commands(code) if words[0] == "curl"]
    return [one for one in found if isinstance(one, http_call.Call) and one.is_described]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_quick_commands_of_a_page_succeed(
    page: Path, shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [
        words[1:]
        for block in blocks(page, *SHELL)
        for words in commands(block.code)
        if block.reason is None and is_quick(words)
    ]
    if not wanted:
        return
    workspace = tmp_path / "workspace"
    shutil.copytree(shop.workspace.root, workspace)
    lay_out(tmp_path, shop)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECSYS_WORKSPACE", str(workspace))
    for words in wanted:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output[-2_000:], done.exception)


def is_quick(words: list[str]) -> bool:
    """Whether a line is run here: a quick command that names no other workspace and no variable."""
    elsewhere = {"--workspace", "-w", "--url"} & set(words)
    return words[0] == "recsys" and not elsewhere and any(tuple(words[1 : 1 + n]) in QUICK for n in (1, 2))


def lay_out(folder: Path, shop: SmallShop) -> None:
    """The files that the pages speak of."""
    for name in ("example", "files", "backups"):
        (folder / name).mkdir()
    write_csv(folder / "example", shop.shop)
    shutil.copy(folder / "example" / "catalog.csv", folder)
    pq.write_table(shop.shop.events, folder / "files" / "events.parquet")
    rows: list[dict[str, Any]] = shop.shop.events.slice(0, FIRST_EVENTS).to_pylist()
    lines = [
        {
            "user": row["user_id"],
            "item": row["item_id"],
            "type": row["event_type"],
            "ts": str(row["occurred_at"]),
        }
        for row in rows
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_pages_name_only_files_of_the_repository_that_exist() -> None:
    missing = [
        f"{block.place}: {word}"
        for page in PAGES
        for block in blocks(page, *SHELL)
        for words in commands(block.code)
        for word in words
        if word.startswith(("deploy/", "scripts/", "tests/")) and not (ROOT / word.split("::")[0]).exists()
    ]
    assert not missing
