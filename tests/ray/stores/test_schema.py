"""Databases of earlier releases are recognised and brought up; of later ones refused."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from setuptools import find_packages  # type: ignore[import-untyped]
from sqlalchemy import Engine, create_engine, text
from typer.testing import CliRunner

from cluster import loop_tables
from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import database_engine, open_database, reading, writing
from cluster.event_check import check_events
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.key_store import KeyStore
from cluster.loop_store import LoopStore
from cluster.migrations import run_scripts
from cluster.schema import SCRIPTS, SERVING, SHOP, Schema, bring_up, schema_state
from cluster.serving_database import open_serving_database
from jobs.cli import app
from recsys.access import ApiKey, DailyQuota, RateLimit, Scope
from recsys.errors import StoreError
from recsys.workspace import Workspace
from tests.ray.stores.random_events import random_events

RELEASES = Path(__file__).parent / "releases"
ROOT = Path(__file__).parents[3]
MADE_LATER = {table.name for table in loop_tables.TABLES}
"""Tables of the loop are made when it first runs."""


def revive(name: str, path: Path) -> Path:
    """A database as a release left it, from its dump."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RELEASES / f"{name}.sql").read_text())
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    """A table's rows as SQLite has them."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@pytest.fixture(params=["first", "last"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The workspace of the first release, and of the one before digests."""
    workspace = Workspace(tmp_path / "shop").create()
    revive(f"{request.param}-recsys", workspace.database)
    if request.param == "last":
        revive("last-serving", workspace.serving_database)
    return workspace.root


def test_every_event_of_an_earlier_release_is_read_after_the_upgrade(old: Path) -> None:
    path = old / "recsys.db"
    before = rows(path, "events")
    engine = open_database(f"sqlite:///{path}")
    events = [event for batch in EventStore(engine).scan() for event in batch]
    assert [(event.seq, event.event_id, event.item_id, event.value) for event in events] == [
        (row[0], row[1], row[6], row[8]) for row in before
    ]
    assert [row[:-1] for row in rows(path, "events")] == before
    check = check_events(engine)
    assert (check.faults, check.whole) == (0, 12)
    assert ItemStore(engine).get(["a", "b"]).column("title").to_pylist() == ["Tent"]
    assert EventStore(engine).append(random_events(random.Random(5), 3, 2, "new")).appended == 3
    assert schema_state(engine, SHOP).is_current
    engine.dispose()


def test_decisions_answers_and_the_loop_survive(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{revive('last-recsys', tmp_path / 'shop.db')}")
    assert ControlStore(engine).get("rule", "r1").body == {"boost": 2}
    assert LoopStore(engine).paused
    serving = open_serving_database(f"sqlite:///{revive('last-serving', tmp_path / 'serving.db')}")
    assert AnswerStore(serving).count() == 1
    assert schema_state(serving, SERVING).is_current
    for opened in (engine, serving):
        opened.dispose()


def test_an_upgraded_database_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    engines = [open_database(f"sqlite:///{path}") for path in (old / "recsys.db", tmp_path / "new.db")]
    found = []
    for engine in engines:
        with reading(engine) as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, SHOP.metadata)
            found.append([one for one in differences if "loop_" not in str(one)])
            triggers = text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
            assert connection.execute(triggers).all() == [("events_removed", "events")]
        engine.dispose()
    assert found == [[], []]


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """A database of either kind without our tables."""
    SHOP.metadata.drop_all(engine)
    yield engine
    for schema in (SHOP, SERVING):
        schema.metadata.drop_all(engine)


def differences(engine: Engine, schema: Schema) -> list[Any]:
    """What Alembic would change so that a database has our tables; it would remove the other schema's."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, schema.metadata)
    mine = [one for one in found if "loop_" not in str(one)]
    return [one for one in mine if not str(one[0]).startswith("remove")]


@pytest.mark.parametrize("schema", [SHOP, SERVING], ids=lambda schema: schema.name)
def test_the_scripts_make_every_change_but_new_tables_which_make_themselves(
    empty: Engine, schema: Schema
) -> None:
    with writing(empty) as connection:
        run_scripts(connection, schema.version_table, SCRIPTS / schema.name, None)
    found = differences(empty, schema)
    made = {one[1].name for one in found if one[0] == "add_table"}
    others = [one for one in found if one[0] != "add_table"]
    assert [one for one in others if one[0] != "add_index" or one[1].table.name not in made] == []
    assert bring_up(empty, schema).revision == schema.head
    assert differences(empty, schema) == []
    assert schema_state(empty, schema).is_current


def test_an_upgrade_on_a_server_keeps_every_event(empty: Engine) -> None:
    with writing(empty) as connection:
        run_scripts(connection, SHOP.version_table, SCRIPTS / "shop", None, "0001")
        connection.execute(text("DROP TABLE schema_shop"))
        connection.execute(text("INSERT INTO counters VALUES ('schema', 1), ('events', 3), ('items', 0)"))
        for number in (1, 3):
            insert = "INSERT INTO events VALUES (:n, :id, 'user:u', 'u', NULL, NULL, 'i', 'rating', 4, 'é'"
            values = {"n": number, "id": f"e{number}"}
            connection.execute(text(f"{insert}, NULL, NULL, 7, 8)"), values)
    steps = bring_up(empty, SHOP).steps
    assert [step[:20] for step in steps] == ["0002: Every event ge", "0003: Keys may have "]
    assert [event.event_id for event in EventStore(empty).events_after(0, 9)] == ["e1", "e3"]
    assert check_events(empty).faults == 0, "a gap from before is nobody's loss"


KEYS_OF_0002 = """
CREATE TABLE api_keys (
    key_id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest {binary} NOT NULL, scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT, rate_per_s FLOAT(53), burst INTEGER
)"""


def test_keys_from_before_quotas_keep_what_they_open_and_have_none(empty: Engine) -> None:
    with writing(empty) as connection:
        run_scripts(connection, SHOP.version_table, SCRIPTS / "shop", None, "0002")
        binary = "BLOB" if empty.dialect.name == "sqlite" else "BYTEA"
        connection.execute(text(KEYS_OF_0002.format(binary=binary)))
        made = "INSERT INTO api_keys VALUES ('aaaaaaaaaaaa', 'shop', :digest, 'admin', 5, NULL, 9, 2.5, 7)"
        connection.execute(text(made), {"digest": b"d" * 32})
    assert [step[:4] for step in bring_up(empty, SHOP).steps] == ["0003"]
    assert KeyStore(empty).all() == [
        ApiKey("aaaaaaaaaaaa", "shop", b"d" * 32, frozenset({Scope.ADMIN}), 5, None, 9, RateLimit(2.5, 7))
    ]
    assert KeyStore(empty).create("new", {Scope.ADMIN}, quota=DailyQuota(8)).key.quota == DailyQuota(8)
    assert differences(empty, SHOP) == []


def test_a_table_of_keys_that_has_quotas_already_is_left_as_it_is(empty: Engine) -> None:
    """So it is after a restore of an older backup: this release made the table."""
    with writing(empty) as connection:
        run_scripts(connection, SHOP.version_table, SCRIPTS / "shop", None, "0002")
        SHOP.metadata.create_all(connection, tables=[SHOP.metadata.tables["api_keys"]])
    bring_up(empty, SHOP)
    assert schema_state(empty, SHOP).is_current
    assert differences(empty, SHOP) == []


def test_a_newer_database_is_refused_and_an_older_release_refuses_ours(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = open_database(url)
    with reading(engine) as connection:
        schema = connection.execute(text("SELECT value FROM counters WHERE name = 'schema'")).scalar_one()
    assert schema > 1, "releases before revisions look at this number and go no further"
    with writing(engine) as connection:
        connection.execute(text("UPDATE schema_shop SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer release; expected schema 0003 or older; found 9999"):
        open_database(url)


def test_an_upgrade_that_dies_has_done_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = revive("last-recsys", tmp_path / "shop.db")
    before = [rows(path, name) for name in ("events", "counters")]

    def dies(row: object) -> int:
        raise StoreError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr("cluster.event_digest.event_digest", dies)
        with pytest.raises(StoreError, match="power"):
            open_database(f"sqlite:///{path}")
    assert [rows(path, name) for name in ("events", "counters")] == before
    engine = open_database(f"sqlite:///{path}")
    assert check_events(engine).whole == 12
    engine.dispose()


def test_processes_that_open_an_old_database_together_upgrade_it_once(tmp_path: Path) -> None:
    path = revive("last-recsys", tmp_path / "shop.db")
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_database, [f"sqlite:///{path}"] * 4))
    for engine in engines:
        assert check_events(engine).whole == 12
        engine.dispose()


def test_upgrade_tells_then_does_and_check_says_whether_there_is_anything_to_do(old: Path) -> None:
    def run(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["upgrade", "--workspace", str(old), "--json", *options])
        return done.exit_code, done.stdout

    content = (old / "recsys.db").read_bytes()
    assert run("--check")[0] == 1
    code, told = run("--dry-run")
    assert (code, "0002" in told, "0003" in told, "to do" in told) == (0, True, True, True)
    assert (old / "recsys.db").read_bytes() == content
    code, told = run()
    assert (code, "done" in told) == (0, True)
    assert run("--check")[0] == 0


@pytest.mark.parametrize("schema", [SHOP, SERVING], ids=lambda schema: schema.name)
def test_the_newest_script_is_the_one_that_the_code_asks_for(schema: Schema) -> None:
    folder = SCRIPTS / schema.name
    assert ScriptDirectory(str(SCRIPTS), version_locations=[str(folder)]).get_heads() == [schema.head]


def test_scripts_are_part_of_the_package() -> None:
    packages = find_packages(str(ROOT), include=["cluster*"])
    for schema in (SHOP, SERVING):
        assert f"cluster.migrations.{schema.name}" in packages


def test_a_database_of_somebody_else_is_left_alone_by_a_look(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = create_engine(f"sqlite:///{path}")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (n INTEGER)"))
    other.dispose()
    engine = database_engine(f"sqlite:///{path}")
    assert schema_state(engine, SHOP).revision is None
    engine.dispose()
