from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.reading import Fault, SourceBatch, read_file
from recsys.reading.delimited import ends_inside_quotes, split_fields

Read = tuple[list[dict[str, Any]], list[tuple[str, int | None]]]


def read(path: Path, content: bytes, **settings_: Any) -> Read:
    path.write_bytes(content)
    rows: list[dict[str, Any]] = []
    faults: list[tuple[str, int | None]] = []
    for part in read_file(path, ImportConfig(**settings_)):
        if isinstance(part, Fault):
            faults.append((part.reason, part.row))
        else:
            rows += part.table.to_pylist()
    return rows, faults


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, mark: str) -> None:
    rows, faults = read(tmp_path / "a.csv", f"id{mark}title\n1{mark}a\n".encode())
    assert rows == [{"id": "1", "title": "a"}]
    assert faults == []


def test_quoted_fields_hold_delimiters_quotes_and_newlines(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.csv", b'id,title\r\n1,"a, ""b""\r\nc"\r\n2,d\r\n')
    assert rows == [{"id": "1", "title": 'a, "b"\nc'}, {"id": "2", "title": "d"}]
    assert faults == []


def test_inch_marks_amid_fields_are_plain_characters(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.csv", b'id,title\n1,5" nail\n2,ok\n3,7" nail\n')
    assert [row["title"] for row in rows] == ['5" nail', "ok", '7" nail']
    assert faults == []


def test_a_quote_that_never_closes_loses_only_its_own_line(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.csv", b'id,title\n1,"5 nail\n2,ok\n3,"x, y"\n4,ok\n')
    assert [row["id"] for row in rows] == ["2", "3", "4"]
    assert faults == [("wrong_columns", 1)]


def test_wrong_widths_are_faults_of_their_rows(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.csv", b"id,title\n1,a,b\n2,c\n\n3\n4,d")
    assert [row["id"] for row in rows] == ["2", "4"]
    assert faults == [("wrong_columns", 1), ("wrong_columns", 3)]


def test_a_truncated_last_line_is_a_wrong_width(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.csv", b"id,title,brand\n1,a,b\n2,c")
    assert len(rows) == 1
    assert faults == [("wrong_columns", 2)]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffid,title\n1,café\n".encode(),
        "id,title\n1,café\n".encode("utf-16"),
        "id,title\n1,café\n".encode("cp1252"),
        "id,title\n1,café\n".encode(),
    ],
    ids=["utf-8 with mark", "utf-16", "windows-1252", "utf-8"],
)
def test_every_usual_encoding_reads_the_same(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "a.csv", content) == ([{"id": "1", "title": "café"}], [])


def test_rows_of_different_encodings_live_in_one_file(tmp_path: Path) -> None:
    content = b"id,title\n" + "1,café\n".encode() + "2,café\n".encode("cp1252") + "3,caf\u00e9".encode()
    rows, _ = read(tmp_path / "a.csv", content)
    assert [row["title"] for row in rows] == ["café"] * 3


def test_a_line_over_the_bound_is_refused_whole_and_the_next_is_read(tmp_path: Path) -> None:
    content = b"id,title\n1,a\n2," + b"x" * 5_000 + b"\n3,c\n"
    rows, faults = read(tmp_path / "a.csv", content, max_record_bytes=100)
    assert [row["id"] for row in rows] == ["1", "3"]
    assert faults == [("record_too_long", 2)]


def test_rows_before_a_cut_in_a_packed_file_are_kept(tmp_path: Path) -> None:
    content = b"id,title\n" + b"".join(b"%d,t%d\n" % (n, n * 7919 % 10007) for n in range(3_000))
    rows, faults = read(tmp_path / "a.csv.gz", gzip.compress(content)[:-4_000])
    assert 1_000 < len(rows) < 3_000
    assert rows[0] == {"id": "0", "title": "t0"}
    assert faults == [("unreadable_file", None)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [("empty_file", None)]),
        (b"\n \n", [("empty_file", None)]),
        (b"id,title\n", []),
        (b"id,title\r1,a\r2,b\r", [("unreadable_file", None)]),
    ],
    ids=["no bytes", "blank lines", "header only", "a header that never ends"],
)
def test_files_without_rows(tmp_path: Path, content: bytes, expected: list[tuple[str, int | None]]) -> None:
    assert read(tmp_path / "a.csv", content) == ([], expected)


def test_columns_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", b"id,title,title\n1,a,b\n")
    assert rows == [{"id": "1", "title": "a", "title_2": "b"}]


def test_batches_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,title\n" + b"1,some title of an item\n" * 100_000)
    first = next(read_file(path, ImportConfig(batch_rows=10)))
    assert isinstance(first, SourceBatch)
    assert first.table.num_rows == 10
    assert first.bytes_done < path.stat().st_size / 2


def test_long_records_end_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.reading.records.MAX_BATCH_CHARS", 1_000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,title\n" + (b"1," + b"x" * 400 + b"\n") * 9)
    batches = [part for part in read_file(path, ImportConfig()) if isinstance(part, SourceBatch)]
    assert [batch.table.num_rows for batch in batches] == [3, 3, 3]


CELLS = st.text(st.sampled_from('ab,";|\n é'), max_size=8)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8))
def test_whatever_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("k", "x", "y"), *rows])
    found, faults = read(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue().encode())
    assert faults == []
    assert [tuple(row.values()) for row in found] == [tuple(cell or None for cell in row) for row in rows]


@settings(max_examples=200, deadline=None)
@given(line=st.text(st.sampled_from('a,"'), max_size=12))
def test_a_line_that_ends_outside_quotes_splits_as_the_csv_module_splits_it(line: str) -> None:
    if not ends_inside_quotes(line, ","):
        assert split_fields(line, ",") == (next(csv.reader([line]), []) or [""])
    else:  # what follows still belongs to the open field
        assert next(csv.reader([line + "\n", 'z"']))[-1].endswith(("z", 'z"'))


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_and_none_are_lost_in_silence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    rows, faults = read(tmp_path_factory.mktemp("csv") / "a.csv", b"k\tv\n" + content)
    utf_lines = [line for line in content.split(b"\n") if line.strip()]
    assert len(rows) + len(faults) <= max(len(utf_lines), 1)
    if any(line.strip(b"\x00\t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0 ") for line in utf_lines):
        assert rows or faults
