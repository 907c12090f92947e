"""Paths and addresses that come from files: refused before anything is opened or called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.confirmed_publish import staged_version
from cluster.database import open_database
from cluster.item_store import ItemStore
from jobs.cli import app
from jobs.failure import WRONG_USE, failure_of
from jobs.import_data import import_items
from recsys.config import EncoderConfig, ImportConfig
from recsys.encoder.sources import resolve
from recsys.encoder_record import load_encoder_config, record_file, save_encoder_config
from recsys.errors import (
    ConfigError,
    EncoderError,
    IndexCorruptError,
    UnreadableFileError,
    UnsafePathError,
)
from recsys.index import current_version, load_manifest, publish
from recsys.index.manifest import MANIFEST
from recsys.index.seal import sealed
from recsys.reading import links_outside, list_files
from recsys.workspace import Workspace
from tests.chaos.canary import listening
from tests.hostile import hostile_names
from tests.unit.index.test_versions import build

ROWS = "item_id,title\na,one\n"


@pytest.fixture
def hostile() -> Iterator[tuple[str, ...]]:
    """What nobody may follow; whoever does is counted."""
    with listening() as listener:
        yield hostile_names(listener.port)
        assert listener.connections == []


def run(*arguments: str) -> int:
    """Exit code of a command that is refused: an exception of ours becomes 2 or 3 in `main`."""
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SystemExit | UnsafePathError | UnreadableFileError | EncoderError)
    return result.exit_code


def test_commands_take_no_address_for_a_path(tmp_path: Path, hostile: tuple[str, ...]) -> None:
    workspace = ("--workspace", str(tmp_path / "ws"))
    (tmp_path / "items.csv").write_text(ROWS)  # there is something to embed
    assert (
        CliRunner().invoke(app, ["import", "items", str(tmp_path / "items.csv"), *workspace]).exit_code == 0
    )
    for uri in hostile[:6]:
        assert run("import", "items", uri, *workspace) != 0
        assert run("embed", "--encoder", uri, *workspace) != 0
        assert run("publish", uri, *workspace) != 0
        assert run("verify", uri, *workspace) != 0
    for uri in hostile[6:]:
        assert run("publish", uri, *workspace) != 0
        assert run("verify", uri, *workspace) != 0


def test_the_record_of_an_encoder_sends_nobody_anywhere(
    tmp_path: Path, tiny_bert: Path, hostile: tuple[str, ...]
) -> None:
    workspace = Workspace(tmp_path)
    save_encoder_config(workspace, "e", EncoderConfig(source=str(tiny_bert)))
    record = record_file(workspace, "e").path
    kept = record.read_text()
    for uri in (*hostile, f"package:{hostile[0]}", "package:os.path", "package:../x"):
        record.write_text(kept.replace(str(tiny_bert), uri))
        with pytest.raises(EncoderError):
            resolve(load_encoder_config(workspace, "e").source)


def test_a_manifest_that_names_an_encoder_elsewhere_leads_nowhere(
    tmp_path: Path, hostile: tuple[str, ...]
) -> None:
    workspace = Workspace(tmp_path)
    manifest = build(workspace)
    for uri in hostile:
        forged = manifest.model_copy(update={"encoder_version": uri})
        name = f"20260101T000000000000-{forged.content_digest}"
        real, folder = workspace.index_version(manifest.index_version), workspace.index_version(name)
        shutil.copytree(real, folder)
        _, content = sealed(forged.model_copy(update={"index_version": name}))
        (folder / MANIFEST).write_bytes(content)
        with pytest.raises(UnsafePathError):
            load_encoder_config(workspace, load_manifest(workspace, name).encoder_version)


def test_a_manifest_that_names_files_elsewhere_is_not_valid(tmp_path: Path, hostile: tuple[str, ...]) -> None:
    workspace = Workspace(tmp_path)
    manifest = build(workspace)
    path = workspace.index_version(manifest.index_version) / MANIFEST
    kept = path.read_text()
    for uri in (*hostile, "../other/file", "sub/file", "."):
        path.write_text(kept.replace(manifest.files[0].path, uri))
        with pytest.raises(IndexCorruptError, match="not valid"):
            publish(workspace, manifest.index_version)


def test_pointers_to_versions_lead_nowhere_else(tmp_path: Path, hostile: tuple[str, ...]) -> None:
    workspace = Workspace(tmp_path)
    build(workspace)
    for uri in (*hostile, "..", ".building-1"):
        workspace.current.write_text(uri)
        workspace.staged.write_text(uri)
        assert staged_version(workspace) is None
        with pytest.raises(IndexCorruptError):
            current_version(workspace)


def test_links_out_of_an_import_folder_are_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "outside"
    for place in (folder, outside):
        place.mkdir()
        (place / "items.csv").write_text(ROWS)
    (folder / "passwd.csv").symlink_to("/etc/passwd")
    (folder / "sideways").symlink_to(outside)
    (folder / "again.csv").symlink_to(folder / "items.csv")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    assert links_outside([folder]) == [folder / "passwd.csv", folder / "sideways"]
    assert list_files([folder]) == [folder / "again.csv", folder / "items.csv"]
    workspace = Workspace(tmp_path / "ws").create()
    store = ItemStore(open_database(workspace.database_url))
    report = import_items(
        [folder], item_store=store, workspace=workspace, config=ImportConfig(max_bad_share=1)
    )
    assert report.quarantined == {"link_outside": 2}
    assert store.count() == 1
    named = tmp_path / "newest.csv"
    named.symlink_to(outside / "items.csv")
    assert list_files([named]) == [named]  # whoever named it may name it


@pytest.mark.parametrize("address", ["s3://bucket/x", "gs://bucket", "abfs+tls://a/b", "file:///srv/shop"])
def test_a_workspace_is_a_folder_and_no_address(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["status", "-w", address], ["artifacts", "push", "s3://b/c", "-w", address]):
        refused = CliRunner().invoke(app, arguments).exception
        assert isinstance(refused, ConfigError)
        failure = failure_of(refused)
        assert failure is not None
        assert failure.code == WRONG_USE
        assert "recsys artifacts" in failure.hint
        assert address.replace(":///", "://") in failure.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_name_has_a_colon_is_a_workspace(tmp_path: Path) -> None:
    for name in ("s3", "a:b", "C:", "12:30"):
        assert Workspace(tmp_path / name).root.name == name
