"""From catalog and finished embeddings to a new index version."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from cluster.item_store import ItemStore
from recsys.config import IndexConfig
from recsys.embeddings import EmbeddingTable, read_embeddings
from recsys.encoder import embedding_dim
from recsys.encoder_record import load_encoder_config
from recsys.errors import InputError
from recsys.index import IndexManifest, IndexWriter, Signal
from recsys.index.writer import Provenance
from recsys.text import TEXT_TEMPLATE_VERSION, item_texts
from recsys.workspace import Workspace


def build_index(
    workspace: Workspace,
    item_store: ItemStore,
    encoder_version: str,
    config: IndexConfig,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> IndexManifest:
    """A version with every item of the catalog; the existing one when nothing would differ.

    Items are streamed; the embeddings are held once. Items that change while this runs are newer
    than the version's `catalog_seq` and stay in the live segment. An empty catalog gives a version
    without items. Raises `InputError` when a text was not embedded yet.
    """
    catalog_seq, total = item_store.last_seq(), item_store.count()
    embeddings = read_embeddings(workspace.embeddings(encoder_version))
    # An empty catalog has no vectors to tell the width; queries still must fit the index.
    dim = embeddings.dim or embedding_dim(load_encoder_config(workspace, encoder_version))
    signals = (Signal(name="text", width=dim, weight=1.0),)
    provenance = Provenance(encoder_version, TEXT_TEMPLATE_VERSION, signals, catalog_seq)
    done = 0
    with IndexWriter(workspace, dim, config) as writer:
        for items in item_store.scan():
            writer.add(items, _vectors(items, embeddings))
            done += items.num_rows
            on_progress(done, max(total, done))
        return writer.close(provenance)


def _vectors(items: pa.Table, embeddings: EmbeddingTable) -> np.ndarray:
    hashes = item_texts(items).column("text_hash").to_pylist()
    if missing := embeddings.missing(hashes):
        raise InputError(
            f"{len(missing)} or more items have no embedding by this encoder",
            expected="a run of `recsys embed` after the last change of the catalog",
        )
    return embeddings.lookup(hashes)
