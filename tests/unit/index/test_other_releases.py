"""Manifests that another release wrote are told from damaged ones, and say what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from recsys.blend.settings import FittedBlend
from recsys.config import IndexConfig
from recsys.errors import IndexCorruptError, IndexFormatError
from recsys.index import IndexManifest, IndexWriter, load_manifest
from recsys.index.manifest import MANIFEST, manifest_file
from recsys.index.seal import UNSEALED, require_complete
from recsys.index.writer import Provenance
from recsys.workspace import Workspace
from tests.unit.index.test_versions import SIGNALS, build

PROVENANCE = Provenance("enc", "1", SIGNALS, 7)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path)


def rewritten(
    workspace: Workspace, manifest: IndexManifest, change: Callable[[dict[str, Any]], None]
) -> None:
    """The manifest as another release would have written it: with its own fields, under a whole seal."""
    file = manifest_file(workspace, manifest.index_version).path
    raw = json.loads(file.read_text())
    change(raw)
    if "seal" in raw:
        raw["seal"] = UNSEALED
        raw["seal"] = sha256(json.dumps(raw).encode()).hexdigest()
    file.write_text(json.dumps(raw))


def test_a_newer_release_is_named_with_what_it_wrote(workspace: Workspace) -> None:
    manifest = build(workspace)
    rewritten(workspace, manifest, lambda raw: raw.update(graph={"path": "graph.arrow"}, depth=3))
    with pytest.raises(IndexFormatError, match="a newer release wrote the index version") as caught:
        load_manifest(workspace, manifest.index_version)
    assert "unknown: 'depth', 'graph'" in str(caught.value)
    assert caught.value.hint.startswith("recsys embed")


def test_a_newer_kind_of_a_known_field_is_named_too(workspace: Workspace) -> None:
    manifest = build(workspace)
    rewritten(workspace, manifest, lambda raw: raw.update(metric="hamming"))
    with pytest.raises(IndexFormatError, match=r"newer release .*metric"):
        load_manifest(workspace, manifest.index_version)


def test_a_field_that_is_not_under_the_seal_is_damage(workspace: Workspace) -> None:
    manifest = build(workspace)
    file = workspace.index_version(manifest.index_version) / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | {"graph": 1}))
    with pytest.raises(IndexCorruptError, match="not valid"):
        load_manifest(workspace, manifest.index_version)


def test_without_a_seal_it_is_an_older_release_or_damage(workspace: Workspace) -> None:
    manifest = build(workspace)

    def older(raw: dict[str, Any]) -> None:
        del raw["seal"]
        raw["scan"] = "exact"

    rewritten(workspace, manifest, older)
    with pytest.raises(IndexFormatError, match="older release wrote the index version, or it is damaged"):
        load_manifest(workspace, manifest.index_version)


def test_a_sealed_manifest_that_lacks_files_is_damaged_and_an_unsealed_one_old(workspace: Workspace) -> None:
    whole = build(workspace)
    for seal, kind in ((whole.seal, IndexCorruptError), ("", IndexFormatError)):
        with pytest.raises(kind):
            require_complete(whole.model_copy(update={"files": whole.files[:-1], "seal": seal}))


def test_the_name_covers_settings_as_they_were_written(workspace: Workspace) -> None:
    """A setting that a later release adds does not rename older versions; one taken out is missed."""
    manifest = build(workspace)
    learned = replace(PROVENANCE, blend=FittedBlend())
    with IndexWriter(workspace, 3, IndexConfig()) as writer:
        fitted = writer.close(learned)
    assert fitted.content_digest != manifest.content_digest
    assert load_manifest(workspace, fitted.index_version).content_digest == fitted.content_digest
    raw = json.loads(manifest_file(workspace, fitted.index_version).path.read_text())
    del raw["blend"]["settings"]["soft_share"]
    assert IndexManifest.model_validate(raw).content_digest != fitted.content_digest
    assert IndexManifest.model_validate(raw).blend == fitted.blend
    rewritten(workspace, fitted, lambda written: written["blend"]["settings"].pop("soft_share"))
    with pytest.raises(IndexCorruptError, match="does not belong"):
        load_manifest(workspace, fitted.index_version)
