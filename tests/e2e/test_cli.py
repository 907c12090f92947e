"""The command line as a shop's engineer uses it, each command a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.database import open_database
from cluster.item_store import ItemStore
from recsys.index.gate import mark_refused
from recsys.workspace import Workspace

pytestmark = pytest.mark.timeout(300)


def recsys(*arguments: str | Path, code: int = 0) -> str:
    """Run a command and require its exit code; what it printed on stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb"},
    )
    assert done.returncode == code, (arguments, done.stdout[-2_000:], done.stderr[-2_000:])
    return done.stdout if code == 0 else done.stderr


def lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects a command printed."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_the_road_by_hand_and_again_without_work(tmp_path: Path, tiny_bert: Path) -> None:
    files, workspace = tmp_path / "files", tmp_path / "ws"
    recsys("shop", files, "--items", "120", "--shoppers", "20", "--now", "2026-01-01")
    for kind in ("items", "events"):
        recsys("import", kind, files / f"{kind}.parquet", "-w", workspace)
    embed = ("embed", "-w", workspace, "--encoder", tiny_bert, "--shards", "2", "--cpus", "1", "--json")
    first, index = lines(recsys(*embed))
    again, same = lines(recsys(*embed))
    assert (first["embedded"], again["embedded"], again["reused"]) == (
        first["distinct_texts"],
        0,
        first["distinct_texts"],
    )
    assert (index["new"], same["new"]) == (True, False)
    assert index["index_version"] == same["index_version"]
    status = lines(recsys("status", "-w", workspace, "--json"))[0]
    assert status["items"] == 120
    assert status["events"] > 0
    other = lines(recsys("index", "-w", workspace, "--shards", "3", "--json"))[0]
    assert other["new"]
    assert index["index_version"] in recsys("rollback", "-w", workspace)
    assert other["index_version"] in recsys("publish", other["index_version"], "-w", workspace)
    assert index["index_version"] in recsys("rollback", "-w", workspace)
    mark_refused(Workspace(workspace), other["index_version"], ["worse"])
    assert index["index_version"] in recsys("publish", "-w", workspace)
    assert other["index_version"] in recsys("publish", "-w", workspace, "--force")
    assert other["index_version"] in recsys("publish", "-w", workspace)  # a person has taken it


def test_wrong_use_is_one_clear_line_and_an_exit_code(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("id,name\na,x\n")
    assert "FIELD=COLUMN" in recsys("import", "items", table, "-w", tmp_path, "-c", "title", code=2)
    assert "recsys embed" in recsys("serve", "-w", tmp_path / "empty", code=3)
    assert "--public" in recsys("serve", "-w", tmp_path, "--host", "0.0.0.0", code=2)
    assert "no such index version" in recsys("publish", "nope", "-w", tmp_path, code=3)
    bad = tmp_path / "bad.csv"
    bad.write_text("id,name\n,x\n")
    recsys("import", "items", bad, "-w", tmp_path, code=1)


def test_a_mistyped_workspace_is_neither_made_nor_published(tmp_path: Path) -> None:
    away = tmp_path / "worksapce"
    said = lines(recsys("status", "-w", away, "--json"))[0]
    assert (said["items"], said["index_versions"]) == (0, {})
    assert "recsys import items" in said["next"]
    assert not away.exists()
    assert "recsys artifacts" in recsys("status", "-w", "s3://bucket/shop", code=2)
    assert "the catalog is empty" in recsys("embed", "-w", away, code=2)
    assert "nothing is embedded yet" in recsys("label", "choose", "-w", away, code=2)
    assert lines(recsys("status", "-w", away, "--json"))[0]["index_versions"] == {}


def test_a_catalog_that_was_emptied_is_told(embedded: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(embedded / "ws", workspace)
    items = ItemStore(open_database(Workspace(workspace).database_url))
    items.delete([row["item_id"] for part in items.scan() for row in part.to_pylist()])
    assert "the catalog is empty" in recsys("label", "choose", "-w", workspace, code=2)


def test_the_command_explains_itself() -> None:
    assert "Usage:" in recsys("--help")  # tests/unit/jobs asks every command


TRIALS = ("--trials", "8")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """A folder with `files` of a small built-in shop and `ws`, whose items are embedded and published."""
    root = tmp_path_factory.mktemp("embedded")
    recsys("shop", root / "files", "--items", "120", "--shoppers", "60", "--now", "2026-01-01")
    recsys("import", "items", root / "files/items.parquet", "-w", root / "ws")
    recsys("embed", "-w", root / "ws", "--encoder", tiny_bert, "--cpus", "1", "--json")
    return root


@pytest.fixture(scope="module")
def fitted(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The same shop with events and a first fit, and what the fit said; tests copy it."""
    workspace = tmp_path_factory.mktemp("fitted") / "ws"
    shutil.copytree(embedded / "ws", workspace)
    recsys("import", "events", embedded / "files/events.parquet", "-w", workspace)
    return workspace, lines(recsys("fit", "-w", workspace, *TRIALS, "--json"))[0]


def test_fit_learns_publishes_and_is_repeatable_and_evaluate_reports(
    fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, first = tmp_path / "ws", fitted[1]
    shutil.copytree(fitted[0], workspace)
    again = lines(recsys("fit", "-w", workspace, *TRIALS, "--json"))[0]
    assert (first["new"], again["new"]) == (True, False)
    assert first["index_version"] == again["index_version"]
    assert first["metric"] == "inner_product"
    assert first["validation"]["discover ndcg@10"] > 0.0
    next_run = lines(recsys("loop", "run", "--dry-run", "-w", workspace, "--json"))[0]
    assert (next_run["due"], next_run["not_due"]["fit"][:4]) == ({}, "0 of")
    result = lines(recsys("evaluate", "-w", workspace, *TRIALS, "--json"))[0]
    titles = [table["title"] for table in result["tables"]]
    assert titles[:2] == ["seen items hidden", "repeats allowed"]
    assert all(title.startswith("cold items") for title in titles[2:])
    reports = list((workspace / "reports").glob("evaluation-*/evaluation.*"))
    assert {path.suffix for path in reports} == {".json", ".md", ".html"}


def test_fit_without_events_says_so(embedded: Path) -> None:
    assert "no events" in recsys("fit", "-w", embedded / "ws", code=2)


def test_a_trained_encoder_is_embedded_fitted_and_not_trained_twice(
    fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, before = tmp_path / "ws", fitted[1]
    shutil.copytree(fitted[0], workspace)
    train = ("train", "-w", workspace, "--epochs", "2", "--batch", "32", "--as-evaluated", "--json")
    first, again = lines(recsys(*train))[0], lines(recsys(*train))[0]
    assert first["steps"] > 0
    assert "nothing to do" in again["trained"]
    folder = Path(first["encoder"])
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["mode"] == "head"
    assert card["data_cutoff"].startswith("20")
    assert card["curve"][0]["epoch"] == 0.0
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".md", ".txt"}
    embedded = lines(recsys("embed", "-w", workspace, "--encoder", folder, "--cpus", "1", "--json"))
    assert embedded[0]["embedded"] > 0
    assert "recsys fit" in embedded[1]["published"]  # texts alone do not replace what was learned
    assert before["index_version"] in recsys("status", "-w", workspace, "--json")
    other = recsys(*train, "--name", folder.name, "--seed", "5", code=2)
    assert "another training has this name" in other
    refitted = lines(recsys("fit", "-w", workspace, *TRIALS, "--force", "--json"))[0]
    assert refitted["new"]
    too_few = recsys(*train, "--batch", "100000", code=2)
    assert "too few training pairs" in too_few
