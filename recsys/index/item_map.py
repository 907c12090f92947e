"""A version's items on a plane, alike beside alike, as a small file beside the version."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.errors import IndexCorruptError, NotFoundError
from recsys.index.files import open_shard
from recsys.index.item_layout import agreement, layout
from recsys.index.manifest import IndexManifest
from recsys.schemas import STRING, UNREADABLE, conform
from recsys.workspace import Workspace, replace_file

FILE = "places.parquet"
AGREEMENT = b"agreement"
"""Key of the file's metadata that holds how many neighbours are true ones."""
MAX_POINTS = 5_000
"""Half a minute of one core; 10,000 take a minute."""
MAP = pa.schema(
    [
        pa.field("item_id", STRING, nullable=False),
        pa.field("category", STRING),  # the first part of its path
        pa.field("x", pa.float32(), nullable=False),
        pa.field("y", pa.float32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class ItemMap:
    """Points of a version."""

    points: pa.Table
    """`MAP`, by item id."""
    agreement: float
    """Share of a point's nearest neighbours on the map that are its nearest by all dimensions, 0 to 1."""


def make_map(workspace: Workspace, manifest: IndexManifest, max_points: int = MAX_POINTS) -> ItemMap:
    """The map of a version, of evenly chosen items where it has more than `max_points`."""
    ids, categories, vectors = [], [], []
    for shard in range(manifest.num_shards):
        items, stored, _ = open_shard(workspace, manifest, shard)
        step = max(1, -(-manifest.item_count // max_points))
        rows = np.arange(0, items.num_rows, step)
        taken = items.take(pa.array(rows))
        ids += taken.column("item_id").to_pylist()
        categories += [path and path.split("/")[0] for path in taken.column("category").to_pylist()]
        vectors.append(stored[rows])
    # By item id, so that the same vectors give the same map whatever the number of shards.
    order = np.argsort(np.array(ids, dtype=str), kind="stable")
    found = np.concatenate([np.zeros((0, manifest.dim), np.float32), *vectors])[order].astype(np.float32)
    places = layout(found)
    table = pa.table(
        {
            "item_id": pa.array(ids, STRING).take(order),
            "category": pa.array(categories, STRING).take(order),
            "x": places[:, 0],
            "y": places[:, 1],
        }
    )
    return ItemMap(conform(table, MAP), agreement(places, found))


def save_map(workspace: Workspace, index_version: str, item_map: ItemMap) -> None:
    """Put a map beside its version, whole or not at all."""
    agreed = str(item_map.agreement).encode()
    content = io.BytesIO()
    pq.write_table(item_map.points.replace_schema_metadata({AGREEMENT: agreed}), content)
    replace_file(workspace.index_version(index_version) / FILE, content.getvalue())


def has_map(workspace: Workspace, index_version: str) -> bool:
    """Whether a version has one."""
    return (workspace.index_version(index_version) / FILE).is_file()


def load_map(workspace: Workspace, index_version: str) -> ItemMap:
    """The map of a version; raises `NotFoundError` without one, `IndexCorruptError` for what is none."""
    path = workspace.index_version(index_version) / FILE
    if not path.is_file():
        raise NotFoundError("this version has no map", expected="a run of `recsys map`", found=index_version)
    try:
        table = pq.read_table(path)
        return ItemMap(conform(table, MAP), float(table.schema.metadata[AGREEMENT]))
    except UNREADABLE as error:
        raise IndexCorruptError(
            "a map cannot be read", found=str(error)[:200], where=index_version
        ) from error
