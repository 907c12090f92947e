"""A workspace of any size, ready to serve: items, synthetic vectors, histories, published versions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from jobs.bench.shop_history import fit_like, make_history, used_items
from jobs.bench.shop_items import NOW, shop_items
from jobs.bench.vectors import DIM, synthetic_vectors
from recsys.config import EncoderConfig, IndexConfig
from recsys.encoder import encoder_version
from recsys.encoder_record import save_encoder_config
from recsys.errors import IndexVersionError
from recsys.index import publish
from recsys.schemas import text_embeddings
from recsys.text import item_texts
from recsys.workspace import Workspace, replace_file

UNIT_ROWS = 20_000
EVENTS_PER_APPEND = 20_000
RECORD = "shop-at-scale.txt"


@dataclass(frozen=True)
class ShopPlan:
    """How large the shop is; equal plans give equal items, vectors and histories."""

    num_items: int = 100_000
    num_users: int = 2_000
    num_shards: int = 2
    fitted: bool = True
    """Whether a second version with links and whitened vectors is built, and published."""
    seed: int = 0


@dataclass(frozen=True)
class ShopAtScale:
    """The finished workspace."""

    workspace: Workspace
    plan: ShopPlan
    text_version: str
    """Index version of text alone."""
    published: str
    """The version that answers: the fitted one where the plan wants it."""

    @property
    def vector_bytes(self) -> int:
        """Size of all vectors of one version."""
        return self.plan.num_items * DIM * 4


def make_shop_at_scale(
    root: Path, plan: ShopPlan, say: Callable[[str], None] = lambda text: None
) -> ShopAtScale:
    """The shop of `plan` in the folder `root`.

    One that is finished there is taken as it is; anything else in the folder is removed.
    """
    if (found := _finished(root, plan)) is not None:
        return found
    shutil.rmtree(root, ignore_errors=True)
    say(f"makes a shop of {plan.num_items:,} items")
    shop = _make(Workspace(root).create(), plan, say)
    replace_file(root / RECORD, "\n".join((repr(plan), shop.text_version, shop.published)).encode())
    return shop


def _finished(root: Path, plan: ShopPlan) -> ShopAtScale | None:
    """The shop that is there; None for another plan, and for an index of an older format."""
    record = root / RECORD
    if not record.is_file():
        return None
    told, text_version, published = record.read_text().splitlines()
    if told != repr(plan):
        return None
    try:
        publish(Workspace(root), published)
    except IndexVersionError:
        return None
    return ShopAtScale(Workspace(root), plan, text_version, published)


def _make(workspace: Workspace, plan: ShopPlan, say: Callable[[str], None]) -> ShopAtScale:
    rng = np.random.default_rng(plan.seed)
    engine = open_database(workspace.database_url)
    store = ItemStore(engine)
    items = shop_items(rng, plan.num_items)
    store.upsert(items)
    vectors = synthetic_vectors(plan.num_items, plan.seed)
    version = encoder_version(EncoderConfig())
    _write_embeddings(workspace, version, items, vectors)
    used = used_items(rng, items.column("item_id").to_pylist(), vectors)
    _append(EventStore(engine), make_history(rng, used, plan.num_users, NOW))
    say("builds its index")
    config = IndexConfig(num_shards=plan.num_shards)
    text_version = published = build_index(workspace, store, version, config).index_version
    if plan.fitted:
        fitted = fit_like(rng, used, vectors, NOW)
        published = build_index(workspace, store, version, config, fitted).index_version
    publish(workspace, published)
    return ShopAtScale(workspace, plan, text_version, published)


def _write_embeddings(workspace: Workspace, version: str, items: pa.Table, vectors: np.ndarray) -> None:
    """Unit files and the encoder's record, as an embedding run leaves them; equal texts get one vector."""
    hashes = item_texts(items).column("text_hash").to_pylist()
    first = list({text_hash: row for row, text_hash in reversed(list(enumerate(hashes)))}.items())
    folder = workspace.embeddings(version)
    folder.mkdir(parents=True, exist_ok=True)
    save_encoder_config(workspace, version, EncoderConfig())
    for start in range(0, len(first), UNIT_ROWS):
        _write_unit(folder / f"unit-{start:09d}.parquet", version, first[start : start + UNIT_ROWS], vectors)


def _write_unit(file: Path, version: str, rows: Sequence[tuple[str, int]], vectors: np.ndarray) -> None:
    own = vectors[[row for _, row in rows]]
    unit = pa.table(
        {
            "text_hash": [text_hash for text_hash, _ in rows],
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(own.ravel()), DIM),
            "encoder_version": [version] * len(rows),
        },
        schema=text_embeddings(DIM),
    )
    pq.write_table(unit, file)


def _append(store: EventStore, events: pa.Table) -> None:
    for start in range(0, events.num_rows, EVENTS_PER_APPEND):
        store.append(events.slice(start, EVENTS_PER_APPEND))
