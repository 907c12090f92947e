"""Which texts of the catalog are new: read whole once, then by what changed since the last run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.embedding.export import TEXT_OF_ITEM, Export, export_pending
from cluster.item_store import ItemChanges
from recsys.embeddings.memory import CATALOG, read_checked, write_checked
from recsys.text import TEXT_TEMPLATE_VERSION

CHANGES = 5_000
"""Changed items read at a time."""
_SEQ, _TEMPLATE = b"catalog_seq", b"text_template"


class ItemSource(Protocol):
    """What embedding needs of an item store."""

    def scan(self, batch_rows: int = 5000) -> Iterator[pa.Table]:
        """`ITEMS` rows that are not deleted, in batches."""
        ...

    def changes_since(self, catalog_seq: int, limit: int) -> ItemChanges:
        """What changed after `catalog_seq`."""
        ...

    def count(self) -> int:
        """Items that are not deleted."""
        ...

    def last_seq(self) -> int:
        """Sequence number of the newest catalog change."""
        ...


def export_new(items: ItemSource, done: np.ndarray, memory: Path, folder: Path, unit_texts: int) -> Export:
    """`export_pending` of the whole catalog, read from what `memory` remembers and what changed since.

    The catalog is read whole when nothing is remembered, when a remembered text has no embedding in
    `done`, or when the items do not add up to those of the store.
    """
    remembered = read_checked(memory / CATALOG, TEXT_OF_ITEM)
    if remembered is not None and (seq := _seq_of(remembered)) is not None and seq <= items.last_seq():
        changed = _export_changed(items, seq, remembered, done, folder, unit_texts)
        if changed is not None:
            return changed
    return export_pending(items.scan(), done, folder, unit_texts)


def remember_catalog(memory: Path, catalog_seq: int, export: Export) -> None:
    """Note which text each item has as of `catalog_seq`; only after all of them are embedded."""
    metadata = {_SEQ: str(catalog_seq).encode(), _TEMPLATE: TEXT_TEMPLATE_VERSION.encode()}
    write_checked(export.rows.replace_schema_metadata(metadata), memory / CATALOG)


def _export_changed(
    items: ItemSource, seq: int, remembered: pa.Table, done: np.ndarray, folder: Path, unit_texts: int
) -> Export | None:
    batches, gone = _changes(items, seq)
    new = export_pending(batches, done, folder, unit_texts)
    left = pa.concat_arrays([new.rows.column("item_id").combine_chunks(), gone])
    kept = remembered.filter(pc.invert(pc.is_in(remembered.column("item_id"), value_set=left)))
    rows = pa.concat_tables([kept.replace_schema_metadata(None), new.rows])
    embedded = pc.all(pc.is_in(kept.column("text_hash"), value_set=pa.array(done.astype("U"), pa.string())))
    # An empty column has no verdict.
    if embedded.as_py() is False or len(rows) != items.count():
        return None
    distinct = pc.count_distinct(rows.column("text_hash")).as_py()
    return replace(new, items=len(rows), distinct_texts=distinct, rows=rows)


def _changes(items: ItemSource, seq: int) -> tuple[list[pa.Table], pa.Array]:
    batches, gone, more = [], list[str](), True
    while more:
        changes = items.changes_since(seq, CHANGES)
        batches.append(changes.items)
        gone += changes.deleted
        seq, more = changes.catalog_seq, changes.more
    return batches, pa.array(gone, pa.string())


def _seq_of(remembered: pa.Table) -> int | None:
    metadata = remembered.schema.metadata or {}
    if metadata.get(_TEMPLATE, b"").decode() != TEXT_TEMPLATE_VERSION:
        return None
    return int(metadata[_SEQ]) if metadata.get(_SEQ, b"").isdigit() else None
