"""What a version learned, read back from its files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from recsys.blend.fitted import Fitted
from recsys.blend.links import ModelLinks
from recsys.errors import InputError
from recsys.index.files import open_shard, open_whitening
from recsys.index.manifest import IndexManifest
from recsys.query import EVERYBODY
from recsys.workspace import Workspace


def fitted_of_version(workspace: Workspace, manifest: IndexManifest) -> Fitted:
    """The fit inside a version; raises `InputError` for a version without one, `IndexCorruptError`."""
    if manifest.blend is None:
        raise InputError("an index version was made without behaviour", found=manifest.index_version)
    shards = [open_shard(workspace, manifest, number) for number in range(manifest.num_shards)]
    ids = [items.column("item_id").to_pylist() for items, _, _ in shards]
    item_ids = sorted(
        {item_id for part in ids for item_id in part} | _sources([links for *_, links in shards])
    )
    place = {item_id: number for number, item_id in enumerate(item_ids)} | {EVERYBODY: len(item_ids)}
    signals: dict[str, sp.csc_matrix] = {}
    for own, (_, _, links) in zip(ids, shards, strict=True):
        targets = np.array([place[item_id] for item_id in own], np.int64)
        for name, matrix in _matrices(links, place, targets).items():
            signals[name] = matrix if name not in signals else (signals[name] + matrix).tocsc()
    links = ModelLinks(tuple(item_ids), signals)
    return Fitted(
        manifest.blend,
        links,
        open_whitening(workspace, manifest),
        manifest.data_cutoff,
        manifest.metrics,
        manifest.last_erasure,
        manifest.events_seq,
    )


def _sources(tables: list[pa.Table]) -> set[str]:
    found: set[str] = set()
    for table in tables:
        for chunk in table.column("source").chunks:
            found |= set(chunk.dictionary.to_pylist())
    return found - {EVERYBODY}


def _matrices(links: pa.Table, place: dict[str, int], targets: np.ndarray) -> dict[str, sp.csc_matrix]:
    names = np.array(links.column("signal").to_pylist(), object)
    sources = np.array([place[source] for source in links.column("source").to_pylist()], np.int64)
    rows, values = links.column("row").to_numpy(), links.column("value").to_numpy()
    shape = (len(place), len(place) - 1)
    return {
        name: sp.csc_matrix((values[own], (sources[own], targets[rows[own]])), shape=shape, dtype=np.float32)
        for name in sorted(set(names.tolist()))
        for own in [names == name]
    }
