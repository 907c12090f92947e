from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.embedding.export import BUCKET_CHARS, Export, export_pending
from recsys.embeddings import hash_array
from recsys.schemas import ITEMS
from recsys.text import text_hash


class Shelf:
    """An item source in memory."""

    def __init__(self, titles: list[str], batch: int = 7) -> None:
        rows = [{"item_id": f"{i:05}", "title": title, "available": True} for i, title in enumerate(titles)]
        self._table, self._batch = pa.Table.from_pylist(rows, schema=ITEMS), batch

    def scan(self, batch_rows: int = 5000) -> Iterator[pa.Table]:
        for start in range(0, len(self._table), self._batch):
            yield self._table.slice(start, self._batch)

    def last_seq(self) -> int:
        return len(self._table)


def texts_of(export: Export) -> list[list[str]]:
    return [pq.read_table(unit.file).column("text").to_pylist() for unit in export.units]


@given(
    numbers=st.lists(st.integers(0, 50), max_size=80),
    done=st.sets(st.integers(0, 50)),
    unit_texts=st.integers(1, 9),
)
@settings(deadline=None, max_examples=30)
def test_each_new_text_is_in_exactly_one_unit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], done: set[int], unit_texts: int
) -> None:
    folder = tmp_path_factory.mktemp("export") / "texts"
    titles = {number: f"mug {number} {'x' * (number * 17)}".strip() for number in range(51)}
    known = np.sort(hash_array(text_hash(titles[number]) for number in done))
    export = export_pending(Shelf([titles[number] for number in numbers]).scan(), known, folder, unit_texts)
    units = texts_of(export)
    wanted = {titles[number] for number in set(numbers) - done}
    assert sorted(text for unit in units for text in unit) == sorted(wanted)
    assert (export.items, export.distinct_texts, export.pending) == (
        len(numbers),
        len(set(numbers)),
        len(wanted),
    )
    assert all(1 <= len(unit) <= unit_texts for unit in units)
    for unit, texts in zip(export.units, units, strict=True):
        assert (unit.num_texts, unit.num_chars) == (len(texts), sum(map(len, texts)))


def test_full_units_hold_texts_of_like_length_and_the_longest_come_first(tmp_path: Path) -> None:
    titles = [f"{i:04} " + "y" * (i % 5 * 90) for i in range(500)]
    export = export_pending(Shelf(titles).scan(), hash_array([]), tmp_path / "texts", 50)
    spans = [(min(map(len, texts)), max(map(len, texts))) for texts in texts_of(export)]
    assert all(most - least < BUCKET_CHARS for least, most in spans)
    assert spans == sorted(spans, reverse=True)


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    titles = ["a mug", "a pen"]
    known = np.sort(hash_array(map(text_hash, titles)))
    export = export_pending(Shelf(titles).scan(), known, tmp_path / "texts", 5)
    assert (export.units, export.distinct_texts) == ([], 2)
    assert not (tmp_path / "texts").exists()
