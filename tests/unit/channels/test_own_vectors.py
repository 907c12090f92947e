from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.database import open_database
from cluster.item_store import ItemStore
from jobs.import_vectors import import_vectors, parse_named_file
from recsys.channels import read_channels
from recsys.channels.own_vectors import read_own_vectors
from recsys.channels.store import RECORD, read_record
from recsys.errors import ConflictError, InputError, UnreadableFileError
from recsys.schemas import ITEMS
from recsys.workspace import Workspace

ROWS: list[tuple[Any, Any]] = [
    ("a", [3.0, 4.0]),
    ("b", [1e300, 0.0]),
    ("c", [np.nan, 1.0]),
    ("d", [0.0, 0.0]),
    ("e", None),
    ("stranger", [1.0, 0.0]),
    (None, [1.0, 0.0]),
    ("f", [1.0, 0.0]),
    ("f", [0.0, 1.0]),
    ("g", [0.0, 2.0]),
    ("g", [0.0, 4.0]),
]
FAULTS = {
    "conflicting_rows": 2,
    "missing_id": 1,
    "not_finite": 1,
    "unknown_item": 1,
    "wrong_width": 1,
    "zero_vector": 1,
}


def write(path: Path, rows: list[tuple[Any, Any]], kind: pa.DataType | None = None) -> Path:
    ids, vectors = zip(*rows, strict=True)
    kind = kind or pa.list_(pa.float64(), 2)
    pq.write_table(pa.table({"item_id": pa.array(ids), "embedding": pa.array(vectors, kind)}), path)
    return path


def known(item_ids: list[str]) -> set[str]:
    return set(item_ids) & set("abcdefg")


def test_each_bad_row_is_told_apart_and_the_good_are_unit(tmp_path: Path) -> None:
    found = read_own_vectors(write(tmp_path / "v.parquet", ROWS), known)
    assert found.quarantined == FAULTS
    assert sorted(found.hashes) == ["a", "b", "g"]
    np.testing.assert_allclose(found.vectors[found.hashes["a"]], [0.6, 0.8], atol=1e-6)
    np.testing.assert_allclose(found.vectors[found.hashes["b"]], [1.0, 0.0])
    assert found.quarantine(tmp_path).num_rows == sum(FAULTS.values())


def test_the_order_of_rows_decides_nothing(tmp_path: Path) -> None:
    first = read_own_vectors(write(tmp_path / "1.parquet", ROWS), known)
    second = read_own_vectors(write(tmp_path / "2.parquet", ROWS[::-1]), known)
    assert first.hashes == second.hashes
    assert first.quarantined == second.quarantined
    assert first.unit("own-2").equals(second.unit("own-2"))


def test_lists_of_any_length_have_the_width_of_most_rows(tmp_path: Path) -> None:
    rows = [("a", [1.0, 0.0]), ("b", [1.0]), ("c", [0.0, 1.0])]
    found = read_own_vectors(write(tmp_path / "v.parquet", rows, pa.list_(pa.float32())), known)
    assert (found.dim, found.quarantined) == (2, {"wrong_width": 1})


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UnreadableFileError):
        read_own_vectors(tmp_path / "x.parquet", known)
    pq.write_table(pa.table({"item_id": ["a"], "name": ["x"]}), tmp_path / "y.parquet")
    with pytest.raises(InputError, match="lacks its columns"):
        read_own_vectors(tmp_path / "y.parquet", known)
    for text in ("vectors.parquet", "=x", "Sound=x", "../x=y", "text=x"):
        with pytest.raises(InputError, match="NAME=FILE"):
            parse_named_file(text)
    assert parse_named_file("sound=a=b.parquet") == ("sound", Path("a=b.parquet"))


def test_an_import_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "shop").create()
    store = ItemStore(open_database(workspace.database_url))
    rows = [{"item_id": item_id, "title": item_id, "available": True} for item_id in "abcdefg"]
    store.upsert(pa.Table.from_pylist(rows, schema=ITEMS))
    report = import_vectors(workspace, store, "sound", write(tmp_path / "v.parquet", ROWS))
    assert (report.items, report.quarantined, report.exit_code) == (3, FAULTS, 0)
    assert report.quarantine_file is not None
    (channel,) = read_channels(workspace)
    block = channel.block(["g", "absent", "a", "a"])
    expected = np.array([[0, 1], [0, 0], [0.6, 0.8], [0.6, 0.8]])
    np.testing.assert_allclose(block.vectors, expected, atol=1e-6)

    import_vectors(workspace, store, "sound", write(tmp_path / "v.parquet", [("a", [0.0, -1.0])]))
    (channel,) = read_channels(workspace)
    np.testing.assert_allclose(channel.block(["a", "g"]).vectors, [[0, -1], [0, 0]])
    nothing = import_vectors(workspace, store, "sound", write(tmp_path / "v.parquet", [("z", [1.0, 1.0])]))
    assert nothing.exit_code == 1
    assert read_channels(workspace)[0].item_ids.tolist() == ["a"]  # as it was


def test_a_channel_of_pictures_is_not_written_over(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "shop").create()
    store = ItemStore(open_database(workspace.database_url))
    file = workspace.channel("image") / RECORD
    file.parent.mkdir(parents=True)
    file.write_text('{"name": "image", "version": "clip-1", "dim": 2, "kind": "image"}')
    with pytest.raises(ConflictError):
        import_vectors(workspace, store, "image", write(tmp_path / "v.parquet", ROWS))
    file.write_text("{")
    with pytest.raises(UnreadableFileError):
        read_record(file)
