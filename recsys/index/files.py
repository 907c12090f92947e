"""Reading one shard's files, checked against what the manifest says of them."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa

from recsys.blend.whitening import Whitening
from recsys.errors import IndexCorruptError, InputError
from recsys.identifiers import shard_of
from recsys.index.manifest import IndexManifest, ShardFile
from recsys.relations import NONE, Relations
from recsys.relations.file import read_relations
from recsys.scan import CompressedScan, Vectors
from recsys.scan.npy_file import load_npy
from recsys.scan.vectors import map_vectors
from recsys.schemas import UNREADABLE
from recsys.workspace import Workspace, require_inside


def open_shard(
    workspace: Workspace, manifest: IndexManifest, shard: int
) -> tuple[pa.Table, Vectors, pa.Table]:
    """Items, memory-mapped vectors `[n, D]` and links of one shard.

    Raises `IndexCorruptError` when a file is absent, or is not to the byte what was written.
    """
    folder = workspace.index_version(manifest.index_version)
    items_file, vectors_file, links_file = manifest.shard_files(shard)
    for file in (items_file, vectors_file, links_file):
        check_file(folder, file)
    try:
        items = pa.ipc.open_file(pa.memory_map(str(folder / items_file.path))).read_all()
        vectors = map_vectors(folder / vectors_file.path)
        links = pa.ipc.open_file(pa.memory_map(str(folder / links_file.path))).read_all()
    except UNREADABLE as error:
        raise IndexCorruptError(
            "a shard cannot be read", found=str(error)[:200], where=str(folder.name)
        ) from error
    if vectors.shape != (items_file.rows, manifest.dim) or items.num_rows != items_file.rows:
        raise IndexCorruptError(
            "a shard has another shape",
            expected=f"[{items_file.rows}, {manifest.dim}]",
            found=f"{items.num_rows} items, vectors {vectors.shape}",
            where=f"{folder.name}/{vectors_file.path}",
        )
    return items, vectors, links


def open_codes(workspace: Workspace, manifest: IndexManifest, shard: int) -> CompressedScan | None:
    """The compressed rows of one shard, or None where it is scanned exactly.

    Raises `IndexCorruptError` for a file that is absent, altered, or of other rows than the shard.
    """
    made = manifest.shard_scan(shard)
    if made.file is None:
        return None
    folder = workspace.index_version(manifest.index_version)
    check_file(folder, made.file)
    try:
        codes = faiss.read_index(str(folder / made.file.path))
    except RuntimeError as error:
        raise IndexCorruptError(
            "compressed rows cannot be read", found=str(error)[:200], where=f"{folder.name}/{made.file.path}"
        ) from error
    rows = manifest.shard_files(shard)[1].rows
    if (codes.ntotal, codes.d) != (rows, manifest.dim):
        raise IndexCorruptError(
            "compressed rows are of another shard",
            expected=f"[{rows}, {manifest.dim}]",
            found=f"[{codes.ntotal}, {codes.d}]",
            where=f"{folder.name}/{made.file.path}",
        )
    return CompressedScan(codes, made.rerank)


def open_whitening(workspace: Workspace, manifest: IndexManifest) -> Whitening:
    """How the version turns text vectors; raises `IndexCorruptError` for a file that was altered."""
    folder = workspace.index_version(manifest.index_version)
    check_file(folder, manifest.whitening_file)
    try:
        stored = load_npy(folder / manifest.whitening_file.path)
    except (OSError, ValueError) as error:  # objects are pickles, which are never read
        raise IndexCorruptError(
            "the whitening cannot be read", found=str(error)[:200], where=folder.name
        ) from error
    width = manifest.text_dim
    if stored.shape != (width + 1, width) or not np.isfinite(stored).all() or width > manifest.dim:
        raise IndexCorruptError(
            "the whitening does not fit the vectors",
            expected=f"finite [{width + 1}, {width}]",
            found=str(stored.shape),
            where=folder.name,
        )
    kind = manifest.blend.settings.whitening if manifest.blend else "raw"
    return Whitening(kind, stored[0], stored[1:], manifest.dim - width)


def open_relations(workspace: Workspace, manifest: IndexManifest) -> Relations:
    """What the shop had stated when the version was made; raises `IndexCorruptError` for an altered file."""
    if manifest.relations is None:
        return NONE
    folder = workspace.index_version(manifest.index_version)
    check_file(folder, manifest.relations)
    try:
        return Relations.from_table(read_relations(folder / manifest.relations.path))
    except InputError as error:
        raise IndexCorruptError(
            "the relations cannot be read", found=str(error)[:200], where=folder.name
        ) from error


def check_file(folder: Path, file: ShardFile) -> None:
    """Raise `IndexCorruptError` unless the file has the size and the digest of the manifest.

    Raises `UnsafePathError` for a link out of the folder; what it leads to is not opened.
    """
    path = folder / file.path
    require_inside(path, folder)
    where = f"{folder.name}/{file.path}"
    if not path.is_file():
        raise IndexCorruptError("a file of an index version is absent", where=where)
    if (size := path.stat().st_size) != file.bytes:
        raise IndexCorruptError(
            "a file of an index version has another size",
            expected=f"{file.bytes} bytes",
            found=str(size),
            where=where,
        )
    if (digest := sha256_of(path)) != file.sha256:
        raise IndexCorruptError(
            "a file of an index version was altered", expected=file.sha256, found=digest, where=where
        )


def check_content(
    manifest: IndexManifest, shard: int, items: pa.Table, vectors: Vectors, links: pa.Table
) -> None:
    """Raise `IndexCorruptError` unless ids are ascending, in their own shard, and vectors finite."""
    where = f"{manifest.index_version}, shard {shard}"
    ids = items.column("item_id").to_pylist()
    if any(left >= right for left, right in pairwise(ids)):
        raise IndexCorruptError("item ids are not unique and ascending", where=where)
    strays = [item_id for item_id in ids if shard_of(item_id, manifest.num_shards) != shard]
    if strays:
        raise IndexCorruptError("an item lies in a shard that is not its own", found=strays[0], where=where)
    for start in range(0, len(vectors), 16_384):
        if not np.isfinite(vectors[start : start + 16_384]).all():
            raise IndexCorruptError("a vector is not finite", where=where)
    rows, values = (links.column(name).to_numpy() for name in ("row", "value"))
    if len(rows) and (rows.min() < 0 or rows.max() >= len(ids) or not np.isfinite(values).all()):
        raise IndexCorruptError("a link is not finite or points outside its shard", where=where)


def sha256_of(path: Path) -> str:
    """Digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
