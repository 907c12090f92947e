"""What was deleted is in no byte of a SQLite file, also where an older release had deleted or moved it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cluster import byte_search
from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.event_store import EventStore
from cluster.leftover_bytes import wipe
from cluster.serving_database import open_serving_database
from recsys.workspace import Workspace
from tests.byte_scan import places
from tests.ray.stores.test_erasure import rows

CANARY = "q7zx-canary"


def opened(folder: Path, secure: str) -> Engine:
    """The database of a workspace, as a release with another setting had it."""
    engine = open_database(f"sqlite:///{folder}/recsys.db")
    event.listen(
        engine, "connect", lambda connection, _: connection.execute(f"PRAGMA secure_delete={secure}")
    )
    engine.dispose()
    return engine


def fill(engine: Engine, num: int, seed: int = 3) -> None:
    """Events of many people with the canary's among them, in an order that splits pages of the indexes."""
    drawn, store = random.Random(seed), EventStore(engine)
    for start in range(0, num, 500):
        people = [CANARY if drawn.random() < 0.02 else f"u{drawn.randrange(400)}" for _ in range(500)]
        ids = [f"{drawn.getrandbits(40):010x}-{who}-{start + n}" for n, who in enumerate(people)]
        store.append(rows(*[(one, who, None, 5) for one, who in zip(ids, people, strict=True)]))


@pytest.mark.parametrize("secure", ["ON", "OFF"])
def test_no_byte_is_left_whatever_was_deleted_how(tmp_path: Path, secure: str) -> None:
    engine = opened(tmp_path, secure)
    fill(engine, 5_000)
    assert places(tmp_path, [CANARY])
    serving = open_serving_database(f"sqlite:///{tmp_path}/serving.db")
    counts = Eraser(Workspace(tmp_path), engine, serving).erase(f"user:{CANARY}")
    assert counts.events > 50
    assert counts.clean
    assert places(tmp_path, [CANARY]) == {}
    if secure == "OFF":
        assert counts.rebuilt
    assert EventStore(engine).count() == 5_000 - counts.events


def test_a_file_is_rebuilt_when_asked_for_while_others_write(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/recsys.db")
    fill(engine, 1_000)
    left = wipe([engine], [b"x" * 20], rebuild=True)
    assert (left.clean, left.rebuilt) == (True, True)
    assert (tmp_path / "recsys.db-wal").stat().st_size == 0
    fill(engine, 500, seed=4)
    assert EventStore(engine).count() == 1_500


def test_a_needle_across_two_windows_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_search, "WINDOW", 8)
    file = tmp_path / "f"
    for place in range(30):
        file.write_bytes(b"." * place + b"needle" + b"." * 9)
        assert byte_search.holds(file, [b"absent", b"needle"])
        assert not byte_search.holds(file, [b"needles", b""])
    assert not byte_search.holds(tmp_path / "absent", [b"needle"])


def test_the_search_is_a_program_that_tells_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"some needle")
    for needle, code in (("needle", 0), ("absent", byte_search.NOTHING)):
        search = [sys.executable, byte_search.__file__, str(tmp_path / "f")]
        done = subprocess.run(search, input=needle.encode().hex().encode(), check=False)
        assert done.returncode == code
