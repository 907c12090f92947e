"""`recsys doctor`: each part is broken once, and the report names it."""

from __future__ import annotations

import errno
import json
import resource
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement
from sqlalchemy import update
from typer.testing import CliRunner

from cluster.database import COUNTERS, EVENTS_TABLE, open_database, writing
from cluster.item_store import ItemStore
from cluster.loop_store import LoopStore
from cluster.loop_store.runs import LEASE
from jobs.cli import app
from jobs.doctor.database import examine_lag
from jobs.doctor.examination import examine, is_healthy
from jobs.doctor.finding import Finding, State
from jobs.doctor.folder import space_finding
from jobs.doctor.index import examine_encoder
from jobs.doctor.machine import files_finding, memory_finding
from jobs.doctor.packages import FLOORS, examine_packages
from jobs.doctor.protections import examine_protections
from jobs.doctor.service import examine_service
from jobs.serve_commands import warn_of_old_packages
from recsys.config import RuntimeConfig
from recsys.encoder_record import FILE as ENCODER_RECORD
from recsys.feedback import Kind, Run, RunState, Trigger
from recsys.index import IndexManifest, current_version, load_manifest
from recsys.index.gate import mark_refused
from recsys.shop import make_shop
from recsys.workspace import Workspace
from tests.serve.conftest import NOW, make_small_shop

GIB = 1 << 30
PARTS: tuple[str, ...] = (
    "python",
    "ray",
    "torch",
    "transformers",
    "pyarrow",
    "workspace",
    "database",
    "event log",
    "catalog lag",
)
PARTS += ("feedback loop", "index", "gate", "encoder", "signatures", "protections")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """A shop with a published version; copied, never changed."""
    root = tmp_path_factory.mktemp("doctor") / "ws"
    make_small_shop(root, tiny_bert, make_shop(num_items=60, num_shoppers=12, now=NOW))
    return root


@pytest.fixture
def workspace(pristine: Path, tmp_path: Path) -> Workspace:
    """A shop to break."""
    return Workspace(Path(shutil.copytree(pristine, tmp_path / "ws")))


def report(workspace: Workspace) -> dict[str, Finding]:
    """Findings by name."""
    return {one.name: one for one in examine(RuntimeConfig(workspace=workspace.root))}


def manifest_of(workspace: Workspace) -> IndexManifest:
    """The published version."""
    return load_manifest(workspace, current_version(workspace))


def test_a_well_shop_has_no_finding_but_ok_and_is_left_as_it_was(workspace: Workspace) -> None:
    before = contents(workspace.root)
    found = report(workspace)
    assert {name: found[name].state for name in PARTS} == dict.fromkeys(PARTS, State.OK)
    assert all(found[name].advice == "" for name in PARTS)
    assert is_healthy(list(found.values()))
    assert contents(workspace.root) == before


def contents(root: Path) -> dict[str, str]:
    """Digest of every file, without SQLite's table of who reads."""
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".db-shm"]
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in files}


def unpublish(workspace: Workspace) -> None:
    workspace.current.unlink()


def name_an_absent_version(workspace: Workspace) -> None:
    workspace.current.write_text("20200101T000000000000-000000000000\n")


def alter_a_byte(workspace: Workspace) -> None:
    manifest = manifest_of(workspace)
    file = workspace.index_version(manifest.index_version) / manifest.files[1].path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def lose_a_shard(workspace: Workspace) -> None:
    manifest = manifest_of(workspace)
    (workspace.index_version(manifest.index_version) / manifest.files[3].path).unlink()


def record_of(workspace: Workspace) -> Path:
    return workspace.embeddings(manifest_of(workspace).encoder_version) / ENCODER_RECORD


def forget_the_encoder(workspace: Workspace) -> None:
    record_of(workspace).unlink()


def change_the_record(workspace: Workspace, **change: Any) -> None:
    file = record_of(workspace)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))


def cut_texts_shorter(workspace: Workspace) -> None:
    change_the_record(workspace, max_tokens=32)


def move_the_encoder_away(workspace: Workspace) -> None:
    change_the_record(workspace, source=str(workspace.root / "no such encoder"))


def lose_the_database(workspace: Workspace) -> None:
    workspace.database.unlink()


def overwrite_the_database(workspace: Workspace) -> None:
    lose_the_log(workspace)
    workspace.database.write_bytes(b"this is not a database" * 1_000)


def lose_the_log(workspace: Workspace) -> None:
    """SQLite would mend the database from its write-ahead log."""
    for file in workspace.root.glob("recsys.db-*"):
        file.unlink()


def empty_the_database(workspace: Workspace) -> None:
    lose_the_log(workspace)
    workspace.database.write_bytes(b"")


def write_by_a_newer_release(workspace: Workspace) -> None:
    with writing(open_database(workspace.database_url)) as connection:
        connection.execute(update(COUNTERS).where(COUNTERS.c.name == "schema").values(value=99))


def change_an_event(workspace: Workspace) -> None:
    with writing(open_database(workspace.database_url)) as connection:
        connection.execute(update(EVENTS_TABLE).where(EVENTS_TABLE.c.seq == 3).values(item_id="another"))


@pytest.mark.parametrize(
    ("break_it", "part", "words"),
    [
        (unpublish, "index", "no index version is published"),
        (name_an_absent_version, "index", "no such index version"),
        (alter_a_byte, "index", "altered"),
        (lose_a_shard, "index", "absent"),
        (forget_the_encoder, "encoder", "not on record"),
        (cut_texts_shorter, "encoder", "queries would be by"),
        (move_the_encoder_away, "encoder", "no such encoder"),
        (lose_the_database, "database", "no database"),
        (overwrite_the_database, "database", "not a database"),
        (empty_the_database, "database", "no tables"),
        (write_by_a_newer_release, "database", "newer release"),
        (change_an_event, "event log", "1 damaged; "),
    ],
)
def test_what_is_broken_fails_by_its_name_and_says_what_to_do(
    workspace: Workspace, break_it: Callable[[Workspace], None], part: str, words: str
) -> None:
    break_it(workspace)
    found = report(workspace)
    assert {name for name, one in found.items() if one.state is State.FAILED} == {part}
    assert words in found[part].found
    assert found[part].advice
    assert not is_healthy(list(found.values()))


def test_a_workspace_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = report(Workspace(tmp_path / "absent"))
    assert found["workspace"].state is State.FAILED
    assert not (tmp_path / "absent").exists()


def test_a_folder_that_takes_no_files_fails(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = report(workspace)["workspace"]
    assert (found.state, "Read-only file system" in found.found) == (State.FAILED, True)


def test_a_database_url_does_not_give_its_password_away(workspace: Workspace) -> None:
    url = "postgresql+psycopg://shop:secret@127.0.0.1:1/none"
    found = {one.name: one for one in examine(RuntimeConfig(workspace=workspace.root, database_url=url))}
    assert found["database"].state is State.FAILED
    assert "secret" not in str(found)


def test_changes_since_the_version_are_counted_and_too_many_are_a_warning(workspace: Workspace) -> None:
    engine = open_database(workspace.database_url)
    items = ItemStore(engine)
    first = next(items.scan()).column("item_id").to_pylist()[:3]
    items.delete(first)
    lag = report(workspace)["catalog lag"]
    assert (lag.state, lag.found.split(" since")[0]) == (State.OK, "0 items changed and 3 deleted")
    manifest = manifest_of(workspace)
    states = [next(iter(examine_lag(engine, manifest, most))).state for most in (4, 3, 2)]
    assert states == [State.OK, State.WARNING, State.WARNING]


def test_an_empty_catalog_is_a_warning(workspace: Workspace) -> None:
    items = ItemStore(open_database(workspace.database_url))
    items.delete([name for table in items.scan() for name in table.column("item_id").to_pylist()])
    assert report(workspace)["database"].state is State.WARNING


def test_a_newer_version_that_the_gate_refused_is_a_warning_with_its_reason(workspace: Workspace) -> None:
    current = workspace.index_version(current_version(workspace))
    newer = workspace.index_version("99991231T000000000000-abcdefabcdef")
    shutil.copytree(current, newer)
    assert report(workspace)["gate"].state is State.OK
    mark_refused(workspace, newer.name, ["lists show 0.01% of the catalog"])
    found = report(workspace)["gate"]
    assert (found.state, "0.01%" in found.found) == (State.WARNING, True)


def test_texts_of_another_template_are_a_warning(workspace: Workspace) -> None:
    manifest = manifest_of(workspace).model_copy(update={"text_template_version": "0"})
    assert [one.state for one in examine_encoder(workspace, manifest)] == [State.WARNING]


def run_of(kind: Kind, state: RunState, number: int, **more: Any) -> Run:
    return Run(f"{kind.value}-{number}", kind, Trigger.POLICY, state, 0, 0, **more)


def test_the_loop_is_told_when_paused_left_in_the_middle_or_failing(workspace: Workspace) -> None:
    store = LoopStore(open_database(workspace.database_url))
    assert report(workspace)["feedback loop"].state is State.OK
    store.set_state("paused", True)
    assert "paused" in report(workspace)["feedback loop"].found
    store.set_state("paused", False)
    token = store.leases.take(LEASE, "somebody")
    begun = run_of(Kind.FIT, RunState.RUNNING, 1)
    store.runs.add(begun, token)
    assert report(workspace)["feedback loop"] == Finding(
        "feedback loop", State.OK, "held by somebody, running fit"
    )
    assert token is not None
    store.leases.release(LEASE, token)
    left = report(workspace)["feedback loop"]
    assert (left.state, "fit-1" in left.found) == (State.WARNING, True)


def test_a_kind_of_run_warns_while_its_newest_run_failed(workspace: Workspace) -> None:
    store = LoopStore(open_database(workspace.database_url))
    token = store.leases.take(LEASE, "somebody")
    store.runs.add(run_of(Kind.FIT, RunState.FAILED, 1, attempt=3, result={"error": "out of memory"}), token)
    found = report(workspace)["feedback loop: fit"]
    assert found.state is State.WARNING
    assert "attempt 3" in found.found
    assert "out of memory" in found.found
    store.runs.add(run_of(Kind.FIT, RunState.SUCCEEDED, 2), token)
    assert "feedback loop: fit" not in report(workspace)


@pytest.mark.parametrize(
    ("finding", "amounts", "states"),
    [
        (memory_finding, [GIB // 8, GIB // 2, 8 * GIB], ["failed", "warning", "ok"]),
        (files_finding, [128, 1_024, 65_536, resource.RLIM_INFINITY], ["failed", "warning", "ok", "ok"]),
        (lambda free: space_finding(free, 0), [GIB // 4, GIB, 3 * GIB], ["failed", "warning", "ok"]),
        (lambda free: space_finding(free, 9 * GIB), [3 * GIB, 10 * GIB], ["warning", "ok"]),
    ],
)
def test_what_runs_out_warns_before_it_fails(
    finding: Callable[[int], Finding], amounts: Sequence[int], states: Sequence[str]
) -> None:
    assert [finding(amount).state.value for amount in amounts] == list(states)
    assert all(bool(found.advice) == (found.state is not State.OK) for found in map(finding, amounts))


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: floor.package)
def test_a_package_below_its_floor_fails_and_the_floor_itself_does_not(floor: Any) -> None:
    def states(found: str) -> dict[str, State]:
        versions = {one.package: one.oldest for one in FLOORS} | {floor.package: found}
        return {one.name: one.state for one in examine_packages(versions.__getitem__)}

    older = {"ray": "2.54.9", "torch": "2.9.1+cpu", "transformers": "5.2.0", "pyarrow": "14.0.0"}
    assert set(states(floor.oldest).values()) == {State.OK}
    below = states(older[floor.package])
    assert {name for name, state in below.items() if state is not State.OK} == {floor.package}


def test_a_package_that_is_not_there_fails() -> None:
    def installed(package: str) -> str:
        raise PackageNotFoundError(package)

    assert [one.state for one in examine_packages(installed)][1:] == [State.FAILED] * len(FLOORS)


def test_what_is_installed_by_default_is_never_below_a_floor() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    needed = {one.name: one for one in map(Requirement, project["dependencies"])}
    oldest = {
        floor.package: bound.version
        for floor in FLOORS
        for bound in needed[floor.package].specifier
        if bound.operator == ">="
    }
    assert {one.state for one in examine_packages(oldest.__getitem__)} == {State.OK}


def test_serve_warns_of_each_package_below_its_floor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_old_packages()
    assert capsys.readouterr().err == ""
    old = [Finding("torch", State.FAILED, "2.9 (CVE-2026-24747)", "pip install 'torch>=2.10'")]
    monkeypatch.setattr("jobs.doctor.packages.examine_packages", lambda: old)
    warn_of_old_packages()
    said = " ".join(capsys.readouterr().err.split())
    assert said == "warning: torch 2.9 (CVE-2026-24747); pip install 'torch>=2.10'"


def test_settings_that_switch_a_protection_off_are_told() -> None:
    well = [one.state for one in examine_protections({})]
    assert well == [State.OK]
    off = {"RAY_AUTH_MODE": "disabled", "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA": "1"}
    assert [one.state for one in examine_protections(off)] == [State.WARNING] * 2
    assert [one.advice.split()[-1] for one in examine_protections(off)] == list(off)


def asked(answers: dict[str, tuple[int, Any]], published: str | None) -> list[tuple[str, str]]:
    """States of the checks of a service that answers so."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path not in answers:
            raise httpx.ConnectError("connection refused", request=request)
        status, body = answers[request.url.path]
        return httpx.Response(status, json=body)

    found = examine_service("http://shop", published, httpx.MockTransport(answer))
    return [(one.name, one.state.value) for one in found]


def test_a_service_is_asked_whether_it_lives_is_ready_and_has_the_published_version() -> None:
    alive, ready = ("service /healthz", "ok"), ("service /readyz", "ok")
    well: dict[str, tuple[int, Any]] = {"/healthz": (200, {}), "/readyz": (200, {})}
    index = {"/v1/index": (200, {"index_version": "v2"})}
    assert asked({}, "v1") == [("service /healthz", "failed")]
    assert asked(well | {"/readyz": (503, {})}, "v1") == [alive, ("service /readyz", "failed")]
    assert asked(well | index, "v2") == [alive, ready, ("service version", "ok")]
    assert asked(well | index, "v1") == [alive, ready, ("service version", "warning")]
    assert asked(well | {"/v1/index": (401, {})}, "v1") == [alive, ready]


def test_the_command_prints_json_or_a_table_and_ends_with_0_or_3(workspace: Workspace) -> None:
    call = ["doctor", "-w", str(workspace.root)]
    well = CliRunner().invoke(app, [*call, "--json"])
    found = json.loads(well.stdout)
    assert (well.exit_code, found["healthy"]) == (0, True)
    assert set(found["findings"][0]) == {"name", "state", "found", "advice"}
    unpublish(workspace)
    unwell = CliRunner().invoke(app, call)
    assert unwell.exit_code == 3
    assert "no index version" in unwell.stdout
