"""Versions under trusted keys: unsigned, swapped or downgraded ones are refused, hashes remade or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recsys.errors import IndexCorruptError, SignatureError, UnsafePathError
from recsys.index import IndexManifest, current_version, load_manifest, publish, rollback, verify
from recsys.index.files import sha256_of
from recsys.index.manifest import MANIFEST, ShardFile, manifest_file
from recsys.index.seal import sealed
from recsys.retrieval import ShardIndex
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS, create_key, public_text
from recsys.workspace import Workspace
from tests.unit.index.test_versions import build

SIGNED = (MANIFEST, f"{MANIFEST}.sig")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "ws")


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ed25519PrivateKey:
    """The publisher's key, trusted here."""
    key = create_key(tmp_path / "signing.pem")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "signing.pem"))
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    return key


def forge(workspace: Workspace, manifest: IndexManifest) -> IndexManifest:
    """The version with one vector changed and every hash and name made to fit: what hashes cannot tell."""
    folder = workspace.index_version(manifest.index_version)
    vectors = folder / manifest.files[1].path
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    files = list(manifest.files)
    files[1] = files[1].model_copy(update={"sha256": sha256_of(vectors)})
    forged = manifest.model_copy(update={"files": tuple(files)})
    name = f"{manifest.index_version.rsplit('-', 1)[0]}-{forged.content_digest}"
    forged = forged.model_copy(update={"index_version": name})
    folder.rename(workspace.index_version(name))
    forged, text = sealed(forged)
    (workspace.index_version(name) / MANIFEST).write_bytes(text)
    return forged


def test_a_version_forged_with_all_its_hashes_is_refused_by_its_signature_alone(
    workspace: Workspace, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = build(workspace, seed=1)
    publish(workspace, good.index_version)
    forged = forge(workspace, build(workspace))
    with pytest.raises(SignatureError, match="does not fit"):
        publish(workspace, forged.index_version)
    assert current_version(workspace) == good.index_version
    manifest_file(workspace, forged.index_version).signature_path.unlink()
    with pytest.raises(SignatureError, match="not signed"):
        publish(workspace, forged.index_version)
    monkeypatch.delenv(TRUSTED_KEYS)
    publish(workspace, forged.index_version)  # as before keys: hashes tell accidents, not attackers


@pytest.mark.usefixtures("key")
def test_manifests_of_two_versions_swapped_with_their_signatures_are_refused(workspace: Workspace) -> None:
    first, second = (build(workspace, seed).index_version for seed in (0, 1))
    one, two = workspace.index_version(first), workspace.index_version(second)
    for name in SIGNED:
        mine, theirs = (one / name).read_bytes(), (two / name).read_bytes()
        (one / name).write_bytes(theirs)
        (two / name).write_bytes(mine)
    for version in (first, second):
        with pytest.raises(SignatureError, match="does not fit"):
            load_manifest(workspace, version)


@pytest.mark.usefixtures("key")
def test_an_older_version_under_a_new_name_is_refused(workspace: Workspace) -> None:
    old, new = build(workspace, seed=0), build(workspace, seed=1)
    publish(workspace, new.index_version)
    stamp, digest = "20991231T000000000000", old.content_digest
    renamed = workspace.index_version(f"{stamp}-{digest}")
    shutil.copytree(workspace.index_version(old.index_version), renamed)
    with pytest.raises(SignatureError):
        publish(workspace, renamed.name)
    said = (renamed / MANIFEST).read_text().replace(old.index_version, renamed.name)
    (renamed / MANIFEST).write_text(said)
    with pytest.raises(SignatureError):
        publish(workspace, renamed.name)
    assert current_version(workspace) == new.index_version


def test_going_back_needs_a_signature_too_and_a_new_key_builds_anew(
    workspace: Workspace, tmp_path: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = build(workspace, seed=0), build(workspace, seed=1)
    publish(workspace, first.index_version)
    publish(workspace, second.index_version)
    assert build(workspace, seed=1) == second
    new = create_key(tmp_path / "new.pem")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "new.pem"))
    monkeypatch.setenv(TRUSTED_KEYS, f"{public_text(key)},{public_text(new)}")
    third = build(workspace, seed=1)
    assert third.index_version != second.index_version
    assert third.content_digest == second.content_digest
    monkeypatch.setenv(TRUSTED_KEYS, public_text(new))
    verify(workspace, third.index_version)
    with pytest.raises(SignatureError, match="not trusted"):
        rollback(workspace)
    assert current_version(workspace) == second.index_version
    manifest_file(workspace, first.index_version).sign(new)
    assert rollback(workspace) == first.index_version


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/b", "http://127.0.0.1/x", "file:///x", "..", ".hidden", "", "a\n", "a\0"],
)
def test_names_in_pointers_and_manifests_never_leave_the_folder(workspace: Workspace, name: str) -> None:
    with pytest.raises(UnsafePathError):
        load_manifest(workspace, name)
    with pytest.raises(UnsafePathError):
        workspace.embeddings(name)
    with pytest.raises(ValueError, match="path"):
        ShardFile(path=name, rows=0, bytes=0, sha256="")
    workspace.index.mkdir(parents=True)
    workspace.current.write_text(f"{name}/..\n")
    with pytest.raises(IndexCorruptError, match="pointer"):
        current_version(workspace)


def test_a_link_out_of_a_version_is_refused_before_what_it_leads_to_is_opened(
    workspace: Workspace, tmp_path: Path
) -> None:
    manifest = build(workspace)
    folder = workspace.index_version(manifest.index_version)
    outside = tmp_path / "outside"
    (folder / manifest.files[1].path).rename(outside)
    (folder / manifest.files[1].path).symlink_to(outside)
    with pytest.raises(UnsafePathError, match="link"):
        ShardIndex.open(workspace, manifest, 0)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(UnsafePathError, match="link"):
        load_manifest(workspace, manifest.index_version)
