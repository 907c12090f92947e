"""Backups made under load, refused when anything of them is damaged, and put back (D9)."""

from __future__ import annotations

import json
import random
import tarfile
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from cluster.answer_store import AnswerStore
from cluster.backup import BackedUp, back_up, restore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.event_check import check_events
from cluster.event_store import EventStore
from cluster.loop_store import LoopStore
from cluster.serving_database import open_serving_database, serving_url
from jobs.cli import app
from recsys.answer_record import AnswerRecord
from recsys.backup_manifest import MANIFEST, BackupManifest
from recsys.errors import BackupError, ConfigError, SignatureError
from recsys.index import current_version, list_versions
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS, create_key, public_text
from recsys.workspace import Workspace
from tests.ray.stores.random_events import random_events

VERSIONS = ("20260101T000000000000-aaaa", "20260102T000000000000-bbbb")
Files = dict[str, bytes]


def furnish(workspace: Workspace) -> None:
    """Files of every kind, and some that no backup needs."""
    files = {
        "catalog/000000000001/part.parquet": b"texts",
        "embeddings/enc/unit.parquet": b"vectors" * 1_000,
        "encoders/mine/model.safetensors": bytes(range(256)) * 300,
        "reports/evaluation.json": b"{}",
        "robustness.json": b"{}",
        "index/HISTORY": json.dumps(VERSIONS).encode(),
        "index/CURRENT": f"{VERSIONS[1]}\n".encode(),
        "index/STAGED": b"a version that may never come\n",
        "index/.building/shard.npy": b"half",
        "exported/cache/model.onnx": b"made again",
        "serving/host-8000/metrics/x.db": b"counts of a replica",
    }
    for version in VERSIONS:
        files |= {f"index/{version}/shard.npy": version.encode(), f"index/{version}/manifest.json": b"{}"}
    for name, content in files.items():
        path = workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files_of(workspace: Workspace) -> Files:
    """Every file but the databases."""
    every = [path for path in workspace.root.rglob("*") if path.is_file() and ".db" not in path.name]
    return {str(path.relative_to(workspace.root)): path.read_bytes() for path in every}


class Load:
    """Appends one small batch after the other until it is told to stop."""

    def __init__(self, url: str) -> None:
        self._url, self._stop = url, threading.Event()
        self.acked: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        while len(self.acked) < 30:
            self._stop.wait(0.01)
        return self

    def go_on(self) -> None:
        """Return when another batch was acked."""
        before = len(self.acked)
        while len(self.acked) == before:
            self._stop.wait(0.01)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        engine, rng, number = open_database(self._url), random.Random(1), 0
        store = EventStore(engine)
        try:
            while not self._stop.is_set():
                number += 1
                batch = random_events(rng, 3, 5, f"b{number}")
                store.append(batch)
                self.acked += batch.column("event_id").to_pylist()
        finally:
            engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """URL of the database of a named place, which is made where it has to be."""
    if request.param == "sqlite":
        yield lambda name: Workspace(tmp_path / name).database_url
        return
    server = create_engine(request.getfixturevalue("postgres_url"), isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def database(name: str) -> str:
        if name not in made:
            made.append(name)
            with server.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
        return server.url.set(database=name).render_as_string(hide_password=False)

    yield database
    with server.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def answer(recommendation_id: str) -> AnswerRecord:
    """A list of nothing."""
    return AnswerRecord(recommendation_id, 5, "user:u", "default", "v", (), {}, {}, None, ())


def log_at(url: str) -> list[str]:
    """Ids of the events, in the order of the log."""
    engine = open_database(url)
    found = [event.event_id for batch in EventStore(engine).scan() for event in batch]
    engine.dispose()
    return found


@pytest.mark.parametrize("out", ["monday", "monday.tar.gz"])
def test_a_backup_under_load_is_a_prefix_of_the_acked_log(
    tmp_path: Path, url: Callable[[str], str], out: str
) -> None:
    workspace = Workspace(tmp_path / "shop").create()
    furnish(workspace)
    with Load(url("shop")) as load:
        acked_before = len(load.acked)
        made = back_up(workspace, url("shop"), tmp_path / out)
        load.go_on()
    place = Workspace(tmp_path / "place")
    restored = restore(tmp_path / out, place, url("place"))
    log, cut = log_at(url("place")), made.manifest.cut
    assert log == load.acked[: len(log)]
    assert acked_before <= len(log) == cut.num_events == cut.last_seq < len(load.acked)
    assert (restored.check.faults, restored.check.whole, restored.set_aside) == (0, len(log), ())
    assert made.acked_since >= 0
    unwanted = ("exported/", "serving/", "index/STAGED", "index/.building")
    expected = {
        name: content for name, content in files_of(workspace).items() if not name.startswith(unwanted)
    }
    assert files_of(place) == expected
    assert (list_versions(place), current_version(place)) == (list(VERSIONS), VERSIONS[1])
    engine = open_database(url("place"))
    assert EventStore(engine).append(random_events(random.Random(2), 2, 2, "later")).appended == 2
    assert EventStore(engine).last_seq() == cut.last_seq + 2
    engine.dispose()


def test_decisions_answers_and_the_loop_come_back(tmp_path: Path, url: Callable[[str], str]) -> None:
    for number, name in enumerate(("shop", "place"), 1):
        place = Workspace(tmp_path / name)
        if name == "place":
            restore(tmp_path / "backup", place, url(name))
        place.create()
        engine = open_database(url(name))
        outside = None if engine.dialect.name == "sqlite" else url(name)
        serving = open_serving_database(serving_url(place, outside))
        if name == "shop":
            ControlStore(engine).put("rule", "r1", {"boost": 2}, "me")
            LoopStore(engine).set_state("paused", True)
        assert ControlStore(engine).get("rule", "r1").revision == 1
        assert LoopStore(engine).paused
        # Numbers that the database draws itself go on after those that came back.
        assert LoopStore(engine).requests.ask(None, 2) == number
        AnswerStore(serving).append([answer(f"r{number}")])
        assert AnswerStore(serving).count() == number
        for opened in (engine, serving):
            opened.dispose()
        if name == "shop":
            back_up(place, url(name), tmp_path / "backup")


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A workspace with a few events."""
    workspace = Workspace(tmp_path / "shop").create()
    furnish(workspace)
    engine = open_database(workspace.database_url)
    EventStore(engine).append(random_events(random.Random(4), 40, 5))
    engine.dispose()
    return workspace


@pytest.fixture
def made(shop: Workspace, tmp_path: Path) -> BackedUp:
    """A backup of it as a folder."""
    return back_up(shop, shop.database_url, tmp_path / "backup")


def test_a_flipped_bit_is_refused_and_nothing_is_put_anywhere(made: BackedUp, tmp_path: Path) -> None:
    rng, place = random.Random(6), Workspace(tmp_path / "place")
    for record in [*made.manifest.files, None]:
        path = made.out / (record.path if record else MANIFEST)
        whole = path.read_bytes()
        at = rng.randrange(len(whole) * 8)
        path.write_bytes(bytes(b ^ (1 << at % 8 if n == at // 8 else 0) for n, b in enumerate(whole)))
        with pytest.raises(BackupError):
            restore(made.out, place, place.database_url)
        path.write_bytes(whole)
    assert not place.root.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    restore(made.out, place, place.database_url)


@pytest.mark.parametrize("name", ["signed", "signed.tar.gz"])
def test_a_backup_made_by_somebody_else_is_refused_where_keys_are_trusted(
    shop: Workspace, made: BackedUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    key, place = create_key(tmp_path / "signing.pem"), Workspace(tmp_path / "place")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "signing.pem"))
    signed = back_up(shop, shop.database_url, tmp_path / name)
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    with pytest.raises(SignatureError, match="not signed"):
        restore(made.out, place, place.database_url)
    assert not place.root.exists()
    restore(signed.out, place, place.database_url)
    if signed.out.is_dir():
        path = signed.out / MANIFEST
        path.write_bytes(path.read_bytes().replace(b'"format": "recsys', b'"format":  "recsys'))
        with pytest.raises(SignatureError, match="does not fit"):
            restore(signed.out, Workspace(tmp_path / "other"), f"sqlite:///{tmp_path / 'other.db'}")


def test_what_is_absent_foreign_or_cut_is_refused(made: BackedUp, shop: Workspace, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "place")

    def refused(source: Path, match: str) -> None:
        with pytest.raises(BackupError, match=match):
            restore(source, place, place.database_url)
        assert not place.root.exists()

    (made.out / "workspace" / "intruder").write_bytes(b"x")
    refused(made.out, "does not know a file")
    (made.out / "workspace" / "intruder").unlink()
    (made.out / "workspace" / "robustness.json").unlink()
    refused(made.out, "absent")
    (made.out / MANIFEST).unlink()
    refused(made.out, "no backup")
    refused(shop.root, "no backup")
    refused(tmp_path / "nowhere", "no such backup")
    whole = back_up(shop, shop.database_url, tmp_path / "whole.tar").out.read_bytes()
    for share in (0.2, 0.9):
        (tmp_path / "cut.tar").write_bytes(whole[: int(len(whole) * share)])
        refused(tmp_path / "cut.tar", "cannot be read|no backup")


@pytest.mark.parametrize("name", ["../outside", "/outside", "workspace/../../outside", "workspace//outside"])
def test_an_archive_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, BytesIO(b"evil"))
    place = Workspace(tmp_path / "place")
    with pytest.raises(BackupError, match="outside"):
        restore(tmp_path / "evil.tar", place, place.database_url)
    assert not (tmp_path / "outside").exists()
    assert not Path("/outside").exists()


def test_who_was_erased_before_or_after_the_backup_stays_erased(shop: Workspace, tmp_path: Path) -> None:
    def erase(key: str) -> None:
        serving = open_serving_database(serving_url(shop, None))
        engine = open_database(shop.database_url)
        assert Eraser(shop, engine, serving).erase(key).events > 0
        for opened in (engine, serving):
            opened.dispose()

    def users_at(place: Workspace) -> set[str]:
        engine = open_database(place.database_url)
        found = {event.user_key for batch in EventStore(engine).scan() for event in batch}
        assert check_events(engine).faults == 0
        engine.dispose()
        return found

    everybody = users_at(shop)
    erase("user:u1")
    made = back_up(shop, shop.database_url, tmp_path / "backup")
    erase("user:u2")
    alone, told = Workspace(tmp_path / "alone"), Workspace(tmp_path / "told")
    restore(made.out, alone, alone.database_url)
    assert everybody - users_at(alone) >= {"user:u1"}
    assert "user:u2" in users_at(alone), "nobody told"
    done = restore(made.out, told, told.database_url, ledger=shop.privacy)
    assert users_at(told) == users_at(shop)
    assert done.erased.events > 0
    assert done.check.whole == made.manifest.cut.num_events
    (secret,) = told.privacy.glob("key-*.secret")
    assert secret.stat().st_mode & 0o077 == 0
    restore(made.out, shop, shop.database_url, force=True)
    assert users_at(shop) == users_at(told), "the workspace that was moved aside knows"
    with pytest.raises(ConfigError, match="no ledger"):
        restore(made.out, Workspace(tmp_path / "not"), "sqlite:///x", ledger=tmp_path)


def test_a_backup_of_another_database_is_refused(made: BackedUp, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="another database"):
        restore(made.out, Workspace(tmp_path / "place"), "postgresql+psycopg://u@127.0.0.1:1/none")


def test_nothing_is_overwritten_without_consent_and_then_moved_aside(
    made: BackedUp, shop: Workspace, tmp_path: Path
) -> None:
    before = files_of(shop)
    with pytest.raises(ConfigError, match="overwrites nothing"):
        restore(made.out, shop, shop.database_url)
    assert files_of(shop) == before
    done = restore(made.out, shop, shop.database_url, force=True)
    (aside,) = done.set_aside
    assert files_of(Workspace(aside)) == before
    assert len(log_at(shop.database_url)) == 40
    with pytest.raises(ConfigError, match="overwrites nothing"):
        back_up(shop, shop.database_url, made.out)
    with pytest.raises(ConfigError, match="lie in"):
        back_up(shop, shop.database_url, shop.root / "backups" / "one")


def test_a_database_file_outside_the_workspace_is_saved_and_put_back(tmp_path: Path) -> None:
    workspace, url = Workspace(tmp_path / "shop").create(), f"sqlite:///{tmp_path}/elsewhere.db"
    engine = open_database(url)
    EventStore(engine).append(random_events(random.Random(4), 9, 5))
    engine.dispose()
    back_up(workspace, url, tmp_path / "backup.tar")
    place = Workspace(tmp_path / "place")
    with pytest.raises(ConfigError, match="overwrites nothing"):
        restore(tmp_path / "backup.tar", place, url)
    done = restore(tmp_path / "backup.tar", place, url, force=True)
    assert [path.suffixes[0] for path in done.set_aside] == [".db"]
    assert len(log_at(url)) == 9
    assert not place.database.exists()


def test_the_commands_say_what_was_cut_and_what_comes_next(shop: Workspace, tmp_path: Path) -> None:
    runner, out = CliRunner(), tmp_path / "b.tar"
    done = runner.invoke(app, ["backup", "--out", str(out), "-w", str(shop.root), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["events"], told["events_acked_since"]) == (0, 40, 0)
    done = runner.invoke(app, ["restore", str(out), "-w", str(tmp_path / "place")])
    assert done.exit_code == 0, done.output
    assert "replay-erasures" in done.output


def test_a_manifest_is_read_back_as_it_was(made: BackedUp) -> None:
    assert BackupManifest.of_json(made.manifest.to_json()) == made.manifest
    for text_ in (b"", b"{}", b"[]", b'{"format": "recsys-backup-2", "seal": ""}', b"\xff"):
        with pytest.raises(BackupError):
            BackupManifest.of_json(text_)
