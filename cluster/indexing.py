"""From catalog and finished embeddings to a new index version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cluster.indexed_vectors import IndexedVectors
from cluster.item_store import ItemStore
from cluster.judged_publish import published_manifest
from recsys.blend.fitted import Fitted
from recsys.blend.whitening import Whitening
from recsys.config import IndexConfig, Metric
from recsys.embeddings import forget, read_embeddings
from recsys.encoder import embedding_dim
from recsys.encoder_record import load_encoder_config, load_encoding
from recsys.index import IndexManifest, IndexWriter, Signal
from recsys.index.fitted import fitted_of_version
from recsys.index.writer import Provenance
from recsys.relations.file import read_relations
from recsys.text import TEXT_TEMPLATE_VERSION
from recsys.workspace import Workspace


def build_index(
    workspace: Workspace,
    item_store: ItemStore,
    encoder_version: str,
    config: IndexConfig,
    fitted: Fitted | None = None,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> IndexManifest:
    """A version with every item of the catalog; the existing one when nothing would differ.

    Items are streamed; the embeddings are held once. Items that change while this runs are newer
    than the version's `catalog_seq` and stay in the live segment. Without `fitted`, what the published
    version learned from behaviour is carried over when it has the same encoder. An empty catalog gives a
    version without items. Raises `InputError` when a text was not embedded yet.
    """
    catalog_seq, total = item_store.last_seq(), item_store.count()
    embeddings = read_embeddings(workspace.embeddings(encoder_version))
    # An empty catalog has no vectors to tell the width; queries still must fit the index.
    dim = embeddings.dim or embedding_dim(load_encoder_config(workspace, encoder_version))
    fitted = fitted or published_fit(workspace, encoder_version)
    config = config.model_copy(update={"metric": Metric.INNER_PRODUCT}) if fitted else config
    provenance = replace(
        _provenance(encoder_version, catalog_seq, dim, fitted),
        encoding=load_encoding(workspace, encoder_version),
        last_erasure=fitted.last_erasure if fitted else None,
        events_seq=fitted.events_seq if fitted else None,
    )
    if embeddings.broken:
        forget(workspace.embeddings(encoder_version))
    # A fit that is carried over may have been read from a version with columns of channels.
    whitening = replace(fitted.whitening, padding=0) if fitted else Whitening.raw(dim)
    shares = fitted.blend.settings.channels if fitted else ()
    vectors = IndexedVectors.of_workspace(workspace, encoder_version, embeddings, whitening, shares)
    width = dim + sum(share.width for share in shares)
    links, done = fitted.links if fitted else None, 0
    relations = read_relations(workspace.relations)
    with IndexWriter(
        workspace, width, config, links=links, whitening=whitening, relations=relations
    ) as writer:
        for items in item_store.scan():
            writer.add(items, vectors.of(items))
            done += items.num_rows
            on_progress(done, max(total, done))
        return writer.close(provenance)


def published_fit(workspace: Workspace, encoder_version: str) -> Fitted | None:
    """What the published version learned from behaviour; None without one, or with another encoder."""
    manifest = published_manifest(workspace)
    if manifest is None or manifest.blend is None or manifest.encoder_version != encoder_version:
        return None
    return fitted_of_version(workspace, manifest)


def _provenance(encoder_version: str, catalog_seq: int, dim: int, fitted: Fitted | None) -> Provenance:
    text = Signal(name="text", width=dim, weight=fitted.blend.discover.text if fitted else 1.0)
    if fitted is None:
        return Provenance(encoder_version, TEXT_TEMPLATE_VERSION, (text,), catalog_seq)
    factors = fitted.blend.discover.model_dump()
    channels = [
        Signal(name=share.name, width=share.width, weight=share.share)
        for share in fitted.blend.settings.channels
    ]
    links = [Signal(name=name, width=1, weight=factors[name]) for name in fitted.links.signals]
    return Provenance(
        encoder_version,
        TEXT_TEMPLATE_VERSION,
        (text, *channels, *links),
        catalog_seq,
        fitted.blend,
        fitted.data_cutoff,
        fitted.metrics,
    )
