"""Under trusted keys a version that is not signed, or signed for another name, never answers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.confirmed_publish import ReplicaWait, publish_confirmed
from cluster.indexing import build_index
from recsys.config import IndexConfig, Metric, ServeConfig
from recsys.errors import GateError, SignatureError
from recsys.index.manifest import MANIFEST, manifest_file
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS, create_key, public_text
from recsys.workspace import Workspace
from tests.serve.conftest import SmallShop, assemble_inline, client_of, make_small_shop
from tests.serve.test_swaps import ask, board_of

Harm = Callable[[Workspace, str, str], object]


def unsign(workspace: Workspace, new: str, old: str) -> None:
    manifest_file(workspace, new).signature_path.unlink()


def flip(workspace: Workspace, new: str, old: str) -> None:
    path = manifest_file(workspace, new).path
    path.write_text(path.read_text().replace('"metrics": {}', '"metrics": { }'))


def downgrade(workspace: Workspace, new: str, old: str) -> None:
    for name in (MANIFEST, f"{MANIFEST}.sig"):
        shutil.copy(workspace.index_version(old) / name, workspace.index_version(new) / name)


@pytest.fixture
def signed_shop(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """A shop that was made with a key, in a process that trusts it."""
    key = create_key(tmp_path / "signing.pem")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "signing.pem"))
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    return make_small_shop(tmp_path / "ws", tiny_bert, None)


@pytest.mark.parametrize("harm", [unsign, flip, downgrade])
def test_the_old_version_keeps_answering_when_the_new_one_is_not_signed(
    signed_shop: SmallShop, monkeypatch: pytest.MonkeyPatch, harm: Harm
) -> None:
    workspace, board = signed_shop.workspace, board_of(signed_shop)
    old = workspace.current.read_text().strip()
    config = IndexConfig(num_shards=2, metric=Metric.INNER_PRODUCT)
    new = build_index(workspace, signed_shop.items, signed_shop.encoder.version, config).index_version
    harm(workspace, new, old)
    service = assemble_inline(signed_shop, ServeConfig(refresh_s=0.05, shard_timeout_s=30))

    async def scene() -> None:
        async with client_of(service) as client:
            with pytest.raises(SignatureError):
                await asyncio.to_thread(publish_confirmed, workspace, board, new)
            # A publisher that does not look: what the replica refuses is what counts.
            monkeypatch.setattr("cluster.confirmed_publish.verify", lambda workspace, version: None)
            with pytest.raises(GateError, match=r"refuses.*sign"):
                await asyncio.to_thread(publish_confirmed, workspace, board, new, 3, ReplicaWait(30.0))
            workspace.current.write_text(new)  # nor does it help to move the pointer by hand
            await asyncio.sleep(0.3)
            assert await ask(client) == old
            assert "sign" in service.watch.refused[new]

    asyncio.run(scene())
