"""S14: bad versions that are published on purpose; the gate or the replicas refuse them."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import numpy as np

from cluster.database import open_database
from cluster.item_store import ItemStore
from jobs.publish_index import run_publish
from recsys.config import IndexConfig, RuntimeConfig
from recsys.errors import RecsysError
from recsys.identifiers import shard_of
from recsys.index import IndexWriter, Signal, current_version, load_manifest
from recsys.index.writer import Provenance
from recsys.workspace import Workspace
from tests.chaos.figures import not_200
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import NUM_SHARDS, inline_service, loaded, shop_of

DIM = 32
Keep = Callable[[str, int], bool]


def run(place: Place, outcome: Outcome) -> None:
    """Build each bad version, ask for it to be published, and look at who answers."""
    workspace = shop_of(place)
    good = load_manifest(workspace, current_version(workspace))
    with inline_service(workspace, place.folder) as service, loaded(service, place.folder) as load:
        for name, make in BAD.items():
            refusal = _tried(workspace, good.encoder_version, make)
            outcome.require(name, "refused", refusal or "published", bool(refusal))
            time.sleep(2.0)  # replicas look twice a second
            seen = {_answering(service.url) for _ in range(8)}
            kept = seen == {good.index_version}
            outcome.require(f"{name}: who answers", "the old version", ", ".join(sorted(seen)), kept)
        gauge = httpx.get(f"{service.url}/metrics", timeout=30.0).text
        answers = load.stop()
    outcome.figures |= {"bad versions": len(BAD), "requests": len(answers)}
    published = sum(not check.held for check in outcome.checks)
    outcome.require_zero(bad_published=published, not_200=not_200(answers))
    told = next((line for line in gauge.splitlines() if line.startswith("recsys_index_refused")), "absent")
    outcome.notes.append(f"The gauge of refused versions at the end: `{told}`.")


def _answering(url: str) -> str:
    """The version of whoever answers a new connection."""
    return str(httpx.get(f"{url}/v1/index", timeout=30.0).json()["index_version"])


def _tried(workspace: Workspace, encoder: str, make: Callable[[Workspace, str], str]) -> str:
    """Why a version was refused; empty when it was published."""
    try:
        name = make(workspace, encoder)
        run_publish(RuntimeConfig(workspace=workspace.root), name)
    except RecsysError as error:
        return f"{type(error).__name__}: {error}"[:160]
    return ""


def _all(item_id: str, row: int) -> bool:
    return True


def _version(
    workspace: Workspace, encoder: str, *, keep: Keep = _all, dim: int = DIM, nan: bool = False
) -> str:
    vectors_of = np.random.default_rng(4)
    with IndexWriter(workspace, dim, IndexConfig(num_shards=NUM_SHARDS)) as writer:
        row = 0
        for table in ItemStore(open_database(workspace.database_url)).scan():
            ids = table.column("item_id").to_pylist()
            kept = [number for number, item_id in enumerate(ids) if keep(item_id, row + number)]
            vectors = vectors_of.normal(size=(len(kept), dim)).astype(np.float32)
            vectors[-1, 0] = np.nan if nan else vectors[-1, 0]
            writer.add(table.take(kept), vectors)
            row += len(ids)
        signals = (Signal(name="text", width=dim, weight=1.0),)
        manifest = writer.close(Provenance(encoder, "1", signals, row))
    return manifest.index_version


BAD: dict[str, Callable[[Workspace, str], str]] = {
    "a vector that is not a number": lambda shop, encoder: _version(shop, encoder, nan=True),
    "vectors of another width": lambda shop, encoder: _version(shop, encoder, dim=DIM // 2),
    "a shard without items": lambda shop, encoder: _version(
        shop, encoder, keep=lambda item_id, row: shard_of(item_id, NUM_SHARDS) != 1
    ),
    "30 % of the items missing": lambda shop, encoder: _version(
        shop, encoder, keep=lambda item_id, row: row % 10 >= 3
    ),
    "another encoder": lambda shop, encoder: _version(shop, "another-0123456789ab"),
}
