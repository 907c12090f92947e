from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys.config import ImportConfig
from recsys.errors import UnreadableFileError
from recsys.reading import Fault, SourceBatch, list_files, read_file


def write(path: Path, num_rows: int, group_rows: int) -> Path:
    table = pa.table({"id": [f"item-{n:06d}" for n in range(num_rows)]})
    pq.write_table(
        table,
        path,
        row_group_size=group_rows,
        use_dictionary=False,
        compression="none",
        write_page_checksum=True,
    )
    return path


def test_rows_keep_their_numbers_across_batches_and_row_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", 250, 100)
    parts = [part for part in read_file(path, ImportConfig(batch_rows=60)) if isinstance(part, SourceBatch)]
    assert [part.table.num_rows for part in parts] == [60, 40, 60, 40, 50]
    assert [number for part in parts for number in part.rows] == list(range(1, 251))
    assert all(part.has_header for part in parts)


@pytest.mark.parametrize("cut", [1, 8, 500])
def test_a_broken_footer_is_a_fault_of_the_file(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "a.parquet", 100, 100)
    path.write_bytes(path.read_bytes()[:-cut])
    (fault,) = read_file(path, ImportConfig())
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.row) == ("unreadable_file", None)


def test_a_bad_page_costs_its_row_group_and_no_other(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", 300, 100)
    content = bytearray(path.read_bytes())
    content[content.index(b"item-000150")] ^= 0xFF
    path.write_bytes(content)
    parts = list(read_file(path, ImportConfig()))
    rows = [number for part in parts if isinstance(part, SourceBatch) for number in part.rows]
    assert rows == [*range(1, 101), *range(201, 301)]
    assert [part.reason for part in parts if isinstance(part, Fault)] == ["unreadable_rows"]


def test_a_file_without_rows_has_no_faults(tmp_path: Path) -> None:
    parts = list(read_file(write(tmp_path / "a.parquet", 0, 10), ImportConfig()))
    assert sum(part.table.num_rows for part in parts if isinstance(part, SourceBatch)) == 0
    assert not any(isinstance(part, Fault) for part in parts)


def test_batches_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", 10_000, 1_000)
    first = next(read_file(path, ImportConfig(batch_rows=100)))
    assert isinstance(first, SourceBatch)
    assert (first.table.num_rows, first.bytes_done) == (100, path.stat().st_size // 10)


def test_folders_are_walked_in_order_without_hidden_entries(tmp_path: Path) -> None:
    for name in ("b.csv", "a/z.csv", "a/.hidden.csv", ".git/c.csv", "c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("id\n")
    files = list_files([tmp_path, tmp_path / "b.csv"])
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["a/z.csv", "b.csv", "c.jpg"]


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        list_files([tmp_path / "absent.csv"])


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.gz", "a.csv.zip"])
def test_an_unknown_kind_of_file_is_a_fault_of_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("id\n")
    (fault,) = read_file(tmp_path / name, ImportConfig())
    assert isinstance(fault, Fault)
    assert fault.reason == "unknown_format"


def test_a_file_that_is_not_packed_though_its_name_says_so_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text("id\n1\n")
    (fault,) = read_file(tmp_path / "a.csv.gz", ImportConfig())
    assert isinstance(fault, Fault)
    assert fault.reason == "unreadable_file"


class Brittle(pa.ExtensionType):  # type: ignore[misc]  # pyarrow has no types
    """An extension type whose own code fails on a schema that somebody made up."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "test.brittle")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> Brittle:
        raise AttributeError("no such attribute")


def test_a_column_whose_extension_type_fails_is_a_fault_of_the_file(tmp_path: Path) -> None:
    """Found by the chaos suite: the import of every file ended with another library's error."""
    pa.register_extension_type(Brittle())
    try:
        metadata = {b"ARROW:extension:name": b"test.brittle", b"ARROW:extension:metadata": b"x"}
        schema = pa.schema([pa.field("item_id", pa.string(), metadata=metadata)])
        pq.write_table(pa.Table.from_arrays([pa.array(["a"])], schema=schema), tmp_path / "a.parquet")
        (fault,) = read_file(tmp_path / "a.parquet", ImportConfig())
    finally:
        pa.unregister_extension_type("test.brittle")
    assert isinstance(fault, Fault)
    assert fault.reason == "unreadable_file"


def test_values_over_the_bound_are_refused_and_the_others_are_read(tmp_path: Path) -> None:
    """Found by the chaos suite: a few kilobytes that unpack to one value took eleven times its memory."""
    config = ImportConfig(max_record_bytes=1_000)
    mixed = pa.table({"id": [str(n) for n in range(9)], "title": ["t"] * 4 + ["x" * 1_001] + ["t"] * 4})
    pq.write_table(mixed, tmp_path / "a.parquet")
    fault, batch = read_file(tmp_path / "a.parquet", config)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.row) == ("record_too_long", 5)
    assert isinstance(batch, SourceBatch)
    assert batch.rows == (1, 2, 3, 4, 6, 7, 8, 9)
    assert batch.table.column("id").to_pylist() == ["0", "1", "2", "3", "5", "6", "7", "8"]
    bomb = pa.table({"id": ["a"], "title": ["x" * 1_000_000]})
    pq.write_table(bomb, tmp_path / "b.parquet", compression="zstd", use_dictionary=False)
    (fault,) = read_file(tmp_path / "b.parquet", config)
    assert isinstance(fault, Fault)
    assert fault.reason == "record_too_long"
