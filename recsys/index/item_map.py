"""A version's items on a plane: the two directions in which their vectors differ most."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.errors import IndexCorruptError, NotFoundError
from recsys.index.files import open_shard
from recsys.index.manifest import IndexManifest
from recsys.schemas import STRING, UNREADABLE, conform
from recsys.workspace import Workspace, replace_file

FILE = "map.parquet"
EXPLAINED = b"explained"
"""Key of the file's metadata that holds the shares of the variance, two numbers with a space between."""
MAX_POINTS = 20_000
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
    explained: tuple[float, float]
    """Share of the vectors' variance along each axis."""


def plane(vectors: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Principal components of `[N, D] float32`: `[N, 2] float32` and the variance each axis explains.

    The sign of an axis is chosen so that its largest weight is positive: the same vectors give the same
    map. Where there are fewer than two directions, what is missing is 0.
    """
    from sklearn.decomposition import PCA

    found, shares = np.zeros((len(vectors), 2), np.float32), [0.0, 0.0]
    size = min(2, *vectors.shape)
    if len(vectors) < 2 or size == 0 or np.ptp(vectors, axis=0).max() == 0.0:
        return found, (0.0, 0.0)
    pca = PCA(n_components=size, svd_solver="covariance_eigh").fit(vectors)
    signs = np.sign(pca.components_[np.arange(size), np.abs(pca.components_).argmax(axis=1)])
    found[:, :size] = pca.transform(vectors) * signs
    shares[:size] = pca.explained_variance_ratio_.tolist()
    return found, (shares[0], shares[1])


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
    dim = manifest.dim
    points, explained = plane(np.concatenate(vectors) if vectors else np.zeros((0, dim), np.float32))
    table = pa.table(
        {"item_id": ids, "category": pa.array(categories, STRING), "x": points[:, 0], "y": points[:, 1]}
    )
    return ItemMap(conform(table, MAP).sort_by("item_id"), explained)


def save_map(workspace: Workspace, index_version: str, item_map: ItemMap) -> None:
    """Put a map beside its version, whole or not at all."""
    shares = " ".join(map(str, item_map.explained)).encode()
    content = io.BytesIO()
    pq.write_table(item_map.points.replace_schema_metadata({EXPLAINED: shares}), content)
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
        first, second = (float(share) for share in table.schema.metadata[EXPLAINED].split())
        return ItemMap(conform(table, MAP), (first, second))
    except UNREADABLE as error:
        raise IndexCorruptError(
            "a map cannot be read", found=str(error)[:200], where=index_version
        ) from error
