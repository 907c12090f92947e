"""Two machines, each with a workspace of its own, over one database: one erases, the other goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from cluster.answer_tables import METADATA
from cluster.database import COUNTERS, writing
from cluster.erasure import Eraser
from cluster.erasure_secret import ANNOUNCED
from cluster.event_store import AppendCounts, EventStore
from cluster.serving_database import open_serving_database
from cluster.tombstone_table import ErasedPeople
from recsys.erasure_ledger import VARIABLE, ErasureLedger
from recsys.errors import ConfigError, StoreError
from recsys.workspace import Workspace
from tests.ray.stores.test_erasure import NOW_US, rows

SHARED, OTHER = "the secret that every machine of a shop has", "the secret of somebody who was not told"
LATE = rows(("late", "u", None, 9), ("other", "z", None, 9))


@pytest.fixture
def server(postgres_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The tables of both kinds; each test begins without a word about secrets."""
    monkeypatch.delenv(VARIABLE, raising=False)
    serving = open_serving_database(postgres_url)
    with writing(engine) as connection:
        connection.execute(delete(COUNTERS).where(COUNTERS.c.name == ANNOUNCED))
    yield serving
    METADATA.drop_all(serving)
    serving.dispose()


class Machine:
    """One of them."""

    def __init__(self, root: Path, engine: Engine, serving: Engine) -> None:
        self.folder = Workspace(root).create().privacy
        self.events = EventStore(engine, ErasedPeople(engine, self.folder))
        self.eraser = Eraser(Workspace(root), engine, serving, lambda: NOW_US)


@pytest.fixture
def machines(engine: Engine, server: Engine, tmp_path: Path) -> list[Machine]:
    return [Machine(tmp_path / name, engine, server) for name in "ab"]


def one_server(engine: Engine) -> None:
    """A SQLite file is one machine's."""
    if engine.dialect.name == "sqlite":
        pytest.skip("two machines do not share a file")


def test_with_one_secret_in_the_environment_the_other_machine_goes_on_and_knows_the_erased(
    engine: Engine, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_server(engine)
    first, second = machines
    monkeypatch.setenv(VARIABLE, SHARED)
    for machine in machines:
        machine.eraser.require_secret()
    second.events.append(rows(("1", "u", None, 9)))
    first.eraser.erase("user:u")
    assert second.events.append(LATE) == AppendCounts(1, 0, 1)
    assert second.eraser.erase("user:z").events == 1
    assert first.events.append(rows(("late", "u", None, 9), ("again", "z", None, 9))) == AppendCounts(0, 0, 2)
    files = [file for one in machines for file in one.folder.rglob("*") if file.is_file()]
    assert files
    assert not any(SHARED.encode() in file.read_bytes() for file in files)


def test_a_machine_without_the_announced_secret_does_not_start_and_says_what_to_do(
    engine: Engine, machines: list[Machine]
) -> None:
    """Before anybody is erased, so that no event is refused later."""
    one_server(engine)
    first, second = machines
    first.eraser.require_secret()
    for erased in (False, True):
        if erased:
            first.eraser.erase("user:u")
        with pytest.raises(StoreError, match=f"{VARIABLE} in the environment, the same on every machine"):
            second.eraser.require_secret()
    (secret,) = first.folder.glob("key-*.secret")
    (second.folder).mkdir(exist_ok=True)
    (second.folder / secret.name).write_bytes(secret.read_bytes())
    second.eraser.require_secret()
    assert second.events.append(LATE) == AppendCounts(1, 0, 1)


def test_a_running_machine_takes_up_a_secret_that_is_copied_to_it(
    engine: Engine, machines: list[Machine]
) -> None:
    one_server(engine)
    first, second = machines
    first.eraser.erase("user:u")
    with pytest.raises(StoreError, match=r"told from others; expected the secret with the id .*key-"):
        second.events.append(LATE)
    ErasureLedger(second.folder).merge(first.folder)
    assert second.events.append(LATE) == AppendCounts(1, 0, 1)


def test_nobody_is_erased_with_a_secret_that_the_other_machines_do_not_have(
    engine: Engine, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second was started with a stated secret; the first runs on with one of its own."""
    one_server(engine)
    first, second = machines
    first.eraser.require_secret()
    second.events.append(rows(("1", "u", None, 9)))
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, SHARED)
        second.eraser.require_secret()
    with pytest.raises(StoreError, match="secret of this database's erasures is not here"):
        first.eraser.erase("user:u")
    assert [event.event_id for event in second.events.events_of("user:u", 9)] == ["1"]
    monkeypatch.setenv(VARIABLE, SHARED)
    assert first.eraser.erase("user:u").events == 1
    monkeypatch.setenv(VARIABLE, OTHER)
    with pytest.raises(StoreError, match="told from others"):
        second.eraser.require_secret()


def test_a_stated_secret_that_is_too_short_is_refused_without_being_told(
    machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "hunter2")
    with pytest.raises(ConfigError, match=VARIABLE) as refused:
        machines[0].eraser.erase("user:u")
    assert "hunter2" not in str(refused.value)
