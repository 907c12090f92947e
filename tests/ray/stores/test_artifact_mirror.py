"""A workspace in an object store: a real S3 server in between, over real HTTP."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from cluster.artifact_mirror import ArtifactMirror, Copied
from cluster.artifact_store import ArtifactStore
from cluster.indexing import build_index
from jobs.bench.service import free_port
from jobs.signing import run_sign, run_verify
from recsys.config import IndexConfig
from recsys.erasure_ledger import ErasureLedger
from recsys.errors import ConfigError, IndexCorruptError, IndexMissingError, StoreError
from recsys.index import current_version, list_versions, publish, verify
from recsys.privacy.secret import VARIABLE, begin_pseudonyms, names_of
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS, create_key, key_id, public_text
from recsys.tombstones import Tombstone
from recsys.workspace import Workspace
from tests.serve.conftest import SmallShop, make_small_shop


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A local S3 server."""
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ArtifactStore:
    """A bucket of its own for each test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = tmp_path.name.replace("_", "-")
    uri = f"s3://{bucket}/shop?scheme=http&endpoint_override={endpoint}&region=us-east-1"
    made = ArtifactStore.open(uri + "&allow_bucket_creation=true")
    made.filesystem.create_dir(made.prefix.split("/")[0])
    return ArtifactStore.open(uri)


@pytest.fixture
def shop(tmp_path: Path, tiny_bert: Path) -> SmallShop:
    return make_small_shop(tmp_path / "here", tiny_bert, None)


@pytest.fixture
def there(tmp_path: Path) -> Workspace:
    """Another machine's workspace."""
    return Workspace(tmp_path / "there").create()


def another_version(shop: SmallShop) -> str:
    version = build_index(shop.workspace, shop.items, shop.encoder.version, IndexConfig(num_shards=3))
    publish(shop.workspace, version.index_version)
    return version.index_version


def test_what_was_pushed_is_pulled_whole_and_only_once(
    shop: SmallShop, store: ArtifactStore, there: Workspace
) -> None:
    here = ArtifactMirror(shop.workspace, store)
    assert here.push().files > 0
    assert here.push() == Copied()
    mirror = ArtifactMirror(there, store)
    assert mirror.pull().files > 0
    assert mirror.pull() == Copied()
    assert verify(there, current_version(there)) == verify(shop.workspace, current_version(shop.workspace))
    assert not list((there.root / "embeddings").rglob("*.parquet"))
    assert mirror.pull(vectors=True).files > 0
    assert list((there.root / "embeddings").rglob("*.parquet"))
    assert not (there.root / "recsys.db").exists()


def test_decisions_about_people_travel_and_secrets_do_not(
    shop: SmallShop, store: ArtifactStore, there: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, mirror = ArtifactMirror(shop.workspace, store), ArtifactMirror(there, store)
    monkeypatch.setenv(VARIABLE, "one secret for all machines of this shop")
    begin_pseudonyms(shop.workspace, None)
    ErasureLedger(shop.workspace.privacy).append([Tombstone("0:0", 1, 1)])
    monkeypatch.delenv(VARIABLE)
    here.push()
    mirror.pull()
    assert there.privacy_settings.read_bytes() == shop.workspace.privacy_settings.read_bytes()
    assert [path for path in store.sizes() if path.startswith("privacy/")] == []
    with pytest.raises(ConfigError, match="secret of pseudonyms is missing"):
        names_of(there)
    monkeypatch.setenv(VARIABLE, "one secret for all machines of this shop")
    assert names_of(there).of("user", "ann") == names_of(shop.workspace).of("user", "ann") != "ann"


def test_a_store_without_decisions_takes_none_away(
    shop: SmallShop, store: ArtifactStore, there: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, mirror = ArtifactMirror(shop.workspace, store), ArtifactMirror(there, store)
    monkeypatch.setenv(VARIABLE, "one secret for all machines of this shop")
    begin_pseudonyms(there, None)
    decided = there.privacy_settings.read_bytes()
    here.push()  # as a release did that let the decisions lie
    mirror.pull()
    assert there.privacy_settings.read_bytes() == decided
    shop.workspace.privacy_settings.write_text("{}")
    version = another_version(shop)
    here.push()
    with pytest.raises(ConfigError, match="under other names"):
        mirror.pull()
    assert there.privacy_settings.read_bytes() == decided
    assert current_version(there) != version, "nothing is served under decisions that were refused"
    shop.workspace.privacy_settings.unlink()
    here.push()
    assert "privacy.json" in store.sizes()


def test_signatures_travel_with_what_they_speak_for_and_so_do_new_ones(
    tmp_path: Path, shop: SmallShop, store: ArtifactStore, there: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new"):
        key = create_key(tmp_path / f"{name}.pem")
        monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / f"{name}.pem"))
        monkeypatch.setenv(TRUSTED_KEYS, "")
        run_sign(shop.workspace, None)  # as many bytes as before
        ArtifactMirror(shop.workspace, store).push()
        ArtifactMirror(there, store).pull()
        monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
        signers = run_verify(there, None).signers
        assert set(signers.values()) == {key_id(key)}
        assert ArtifactMirror(shop.workspace, store).push() == Copied()
        assert ArtifactMirror(there, store).pull() == Copied()


def test_a_new_version_follows_and_an_old_one_goes(
    shop: SmallShop, store: ArtifactStore, there: Workspace
) -> None:
    here, mirror = ArtifactMirror(shop.workspace, store), ArtifactMirror(there, store)
    here.push()
    mirror.pull()
    version = another_version(shop)
    here.push()
    mirror.pull()
    assert current_version(there) == version
    first = next(name for name in list_versions(shop.workspace) if name != version)
    shutil.rmtree(shop.workspace.index_version(first))
    here.push()
    mirror.pull()
    assert list_versions(there) == [version]


class CutStore(ArtifactStore):
    """A store whose connection ends after so many objects."""

    left: int

    @classmethod
    def after(cls, store: ArtifactStore, objects: int) -> CutStore:
        made = cls(store.filesystem, store.prefix)
        object.__setattr__(made, "left", objects)
        return made

    def write(self, path: str, pieces: Iterator[bytes]) -> int:
        if self.left == 0:
            raise StoreError("cut")
        object.__setattr__(self, "left", self.left - 1)
        return super().write(path, pieces)


def test_a_push_that_is_cut_anywhere_never_names_what_is_not_there(
    shop: SmallShop, store: ArtifactStore, there: Workspace
) -> None:
    for _ in range(100):  # each time one object more arrives
        with contextlib.suppress(StoreError):
            ArtifactMirror(shop.workspace, CutStore.after(store, 1)).push()
        ArtifactMirror(there, store).pull()
        if there.current.exists():
            break
    verify(there, current_version(there))
    assert current_version(there) == current_version(shop.workspace)


def test_an_altered_file_is_refused_and_what_was_there_stays(
    shop: SmallShop, store: ArtifactStore, there: Workspace
) -> None:
    here, mirror = ArtifactMirror(shop.workspace, store), ArtifactMirror(there, store)
    here.push()
    mirror.pull()
    before = current_version(there)
    version = another_version(shop)
    here.push()
    path = next(one for one in store.sizes() if one.startswith(f"index/{version}/") and "vectors" in one)
    content = bytearray(b"".join(store.read(path)))
    content[-1] ^= 1
    store.write(path, iter([bytes(content)]))
    with pytest.raises(IndexCorruptError, match="altered"):
        mirror.pull()
    assert current_version(there) == before
    assert list_versions(there) == [before]


@pytest.mark.parametrize("path", ["index/CURRENT", "index/STAGED"])
@pytest.mark.parametrize("content", [b"../../evil", b".hidden", b"/etc", b"\xff\xfe", b"a b"])
def test_a_pointer_that_leads_elsewhere_is_refused(
    store: ArtifactStore, there: Workspace, path: str, content: bytes
) -> None:
    store.write(path, iter([content]))
    with pytest.raises(IndexCorruptError, match="pointer"):
        ArtifactMirror(there, store).pull()
    assert not there.current.exists()


def test_an_empty_workspace_does_not_empty_the_store(
    shop: SmallShop, store: ArtifactStore, there: Workspace
) -> None:
    ArtifactMirror(shop.workspace, store).push()
    before = store.sizes()
    with pytest.raises(IndexMissingError):
        ArtifactMirror(there, store).push()
    assert store.sizes() == before


@pytest.mark.parametrize(
    "uri", ["file:///etc", "http://127.0.0.1/x", "s3:///x", "/etc", "s3://key:secret@bucket/x", ""]
)
def test_other_places_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ArtifactStore.open(uri)
    assert "secret" not in str(refused.value)


def test_a_store_that_does_not_answer_is_said_so(there: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    dead = ArtifactStore.open(f"s3://b/shop?scheme=http&endpoint_override=127.0.0.1:{free_port()}&region=x")
    with pytest.raises(StoreError, match="listed"):
        ArtifactMirror(there, dead).pull()
