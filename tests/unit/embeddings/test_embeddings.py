from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.embeddings import hash_array, known_hashes, read_embeddings
from recsys.errors import EncoderError, SchemaError
from recsys.schemas import text_embeddings
from recsys.text import text_hash

DIM = 4
VERSION = "tiny-0123456789ab"


def hashes_of(numbers: list[int]) -> list[str]:
    return [text_hash(str(number)) for number in numbers]


def vectors_of(numbers: list[int], dim: int = DIM) -> np.ndarray:
    return (
        np.stack([np.full(dim, number, np.float32) for number in numbers]) if numbers else np.empty((0, dim))
    )


def write(folder: Path, name: str, numbers: list[int], version: str = VERSION, dim: int = DIM) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors_of(numbers, dim).reshape(-1), pa.float32()), dim
    )
    table = pa.Table.from_arrays(
        [pa.array(hashes_of(numbers)), vectors, pa.array([version] * len(numbers), pa.string())],
        schema=text_embeddings(dim),
    )
    pq.write_table(table, folder / name, write_page_checksum=True, compression="none")
    return folder / name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / VERSION


@given(units=st.lists(st.lists(st.integers(0, 40), max_size=8), max_size=5), data=st.data())
@settings(deadline=None, max_examples=40)
def test_lookup_gives_the_vector_of_each_hash_in_the_order_asked(
    tmp_path_factory: pytest.TempPathFactory, units: list[list[int]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("units") / VERSION
    for i, numbers in enumerate(units):
        write(folder, f"unit-{i}.parquet", numbers)
    known = sorted({number for numbers in units for number in numbers})
    table = read_embeddings(folder)
    assert len(table) == len(known)
    if known:
        asked = data.draw(st.lists(st.sampled_from(known)))
        np.testing.assert_array_equal(table.lookup(hashes_of(asked)), vectors_of(asked))
    wanted = data.draw(st.lists(st.integers(0, 60)))
    assert table.missing(hashes_of(wanted)) == hashes_of(
        list(dict.fromkeys(w for w in wanted if w not in known))
    )
    np.testing.assert_array_equal(known_hashes(folder, DIM)[0], table.hashes)


def test_an_absent_folder_is_an_empty_table(folder: Path) -> None:
    table = read_embeddings(folder)
    assert (len(table), table.dim, table.broken) == (0, 0, ())
    assert table.lookup([]).shape == (0, 0)
    assert table.missing(hashes_of([1])) == hashes_of([1])


def test_looking_up_nothing_gives_no_rows_of_the_right_width(folder: Path) -> None:
    write(folder, "unit-1.parquet", [1])
    assert read_embeddings(folder).lookup([]).shape == (0, DIM)


def test_a_hash_without_embedding_is_an_error_that_names_it(folder: Path) -> None:
    write(folder, "unit-1.parquet", [1, 2])
    with pytest.raises(EncoderError, match=text_hash("9")) as caught:
        read_embeddings(folder).lookup(hashes_of([1, 9]))
    assert "1 texts" in caught.value.what


def test_every_kind_of_broken_unit_is_left_out_and_listed(folder: Path) -> None:
    whole = write(folder, "unit-0.parquet", [1, 2, 3])
    content = whole.read_bytes()
    (folder / "unit-1-cut.parquet").write_bytes(content[: len(content) // 2])
    (folder / "unit-2-empty.parquet").touch()
    write(folder, "unit-3-other-encoder.parquet", [4], version="other-0123456789ab")
    write(folder, "unit-4-other-width.parquet", [5], dim=DIM + 1)
    write(folder, "unit-5-nan.parquet", [6])
    table = pq.read_table(folder / "unit-5-nan.parquet")
    nan = pa.FixedSizeListArray.from_arrays(pa.array([np.nan] * DIM, pa.float32()), DIM)
    pq.write_table(table.set_column(1, "embedding", nan), folder / "unit-5-nan.parquet")
    pq.write_table(pa.table({"x": [1]}), folder / "unit-6-columns.parquet")
    (folder / ".unit-7.parquet.tmp").touch()
    (folder / ".unit-8.parquet").touch()
    broken = sorted(file for file in folder.glob("unit-[1-9]*"))
    found = read_embeddings(folder)
    assert list(found.broken) == broken
    assert found.missing(hashes_of([1, 2, 3, 4, 5, 6])) == hashes_of([4, 5, 6])
    hashes, listed = known_hashes(folder, DIM)
    assert (hashes.tolist(), sorted(listed)) == (found.hashes.tolist(), broken)


def test_a_flipped_bit_in_a_page_is_noticed(folder: Path, rng: np.random.Generator) -> None:
    file = write(folder, "unit-0.parquet", list(range(100)))
    metadata = pq.read_metadata(file).row_group(0)
    chunk = metadata.column(1)
    content = bytearray(file.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1 << int(rng.integers(8))
    file.write_bytes(content)
    assert read_embeddings(folder).broken == (file,)


def test_of_two_units_with_one_text_the_first_by_name_counts(folder: Path) -> None:
    write(folder, "unit-a.parquet", [1, 2])
    second = write(folder, "unit-b.parquet", [2, 3])
    table = pq.read_table(second)
    fives = pa.FixedSizeListArray.from_arrays(pa.array([5.0] * 2 * DIM, pa.float32()), DIM)
    pq.write_table(table.set_column(1, "embedding", fives), second)
    found = read_embeddings(folder)
    np.testing.assert_array_equal(found.lookup(hashes_of([1, 2, 3])), vectors_of([1, 2, 5]))


def test_an_expected_width_wins_over_the_majority(folder: Path) -> None:
    write(folder, "unit-a.parquet", [1, 2, 3])
    write(folder, "unit-b.parquet", [4], dim=2)
    assert read_embeddings(folder, dim=2).missing(hashes_of([1, 4])) == hashes_of([1])


def test_an_unreadable_file_does_not_hide_the_others(folder: Path) -> None:
    write(folder, "unit-a.parquet", [1])
    os.symlink(folder / "nowhere", folder / "unit-b.parquet")
    found = read_embeddings(folder)
    assert (len(found), len(found.broken)) == (1, 1)


@pytest.mark.parametrize("bad", [None, "x" * 33, "é"])
def test_what_is_no_hash_is_refused(bad: str | None) -> None:
    with pytest.raises(SchemaError):
        hash_array([text_hash("a"), bad])
