from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.reading import Fault, SourceBatch, read_file
from tests.unit.reading.test_delimited import read

ROWS = [{"id": "1", "title": "café"}, {"id": "2", "title": "b"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("layout", ["lines", "array", "indented array"])
def test_lines_and_arrays_of_every_usual_encoding_read_the_same(
    tmp_path: Path, encoding: str, layout: str
) -> None:
    text = {
        "lines": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
        "array": json.dumps(ROWS, ensure_ascii=False),
        "indented array": json.dumps(ROWS, ensure_ascii=False, indent=2),
    }[layout]
    assert read(tmp_path / "a.json", text.encode(encoding)) == (ROWS, [])


@pytest.mark.parametrize("bad", ["tru", "{'id': 1}", '{"id": }', "5", '"text"', "[1]", '{"id": 1 "b": 2}'])
def test_a_broken_element_or_line_takes_no_other_with_it(tmp_path: Path, bad: str) -> None:
    expected = ([{"id": 1}, {"id": 3}], [("invalid_json", 2)])
    assert read(tmp_path / "a.json", f'[{{"id": 1}}, {bad}, {{"id": 3}}]'.encode()) == expected
    assert read(tmp_path / "a.jsonl", f'{{"id": 1}}\n{bad}\n{{"id": 3}}'.encode()) == expected


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_truncated_end_costs_only_the_last_row(tmp_path: Path, name: str) -> None:
    start, between = ("[", ",") if name == "a.json" else ("", "\n")
    content = start + '{"id": 1}' + between + '{"id": 2, "ti'
    assert read(tmp_path / name, content.encode()) == ([{"id": 1}], [("invalid_json", 2)])


def test_nan_and_raw_control_characters_are_read(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.json", b'[{"id": "a\x00b\tc", "price": NaN}, {"id": "d"}]')
    assert [row["id"] for row in rows] == ["a\x00b\tc", "d"]
    assert faults == []


def test_a_record_over_the_bound_is_refused(tmp_path: Path) -> None:
    long = json.dumps({"id": "x" * 200_000})
    lines = f'{{"id": "1"}}\n{long}\n{{"id": "3"}}'
    assert read(tmp_path / "a.jsonl", lines.encode(), max_record_bytes=1_000) == (
        [{"id": "1"}, {"id": "3"}],
        [("record_too_long", 2)],
    )
    array = f'[{{"id": "1"}}, {long}]'
    assert read(tmp_path / "a.json", array.encode(), max_record_bytes=1_000) == (
        [{"id": "1"}],
        [("record_too_long", 2)],
    )


@pytest.mark.parametrize("content", [b"", b" \n ", b"\xef\xbb\xbf"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "a.jsonl", content) == ([], [("empty_file", None)])


def test_an_empty_array_has_no_rows_and_no_faults(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", b" [ ] ") == ([], [])


def test_values_of_different_types_in_one_field_become_text(tmp_path: Path) -> None:
    content = '{"id": 123.0}\n{"id": "a"}\n{"id": {"x": [1]}}\n{}'
    rows, faults = read(tmp_path / "a.jsonl", content.encode())
    assert [row["id"] for row in rows] == ["123", "a", '{"x": [1]}', None]
    assert faults == []


def test_nesting_without_end_is_a_fault_of_its_row(tmp_path: Path) -> None:
    deep = '{"x":' * 20_000 + "1" + "}" * 20_000
    rows, faults = read(tmp_path / "a.json", f'[{{"id": 1}}, {deep}, {{"id": 3}}]'.encode())
    assert (rows, faults) == ([{"id": 1}, {"id": 3}], [("invalid_json", 2)])


@pytest.mark.parametrize("array", [True, False])
def test_batches_come_before_the_file_is_read_to_its_end(tmp_path: Path, array: bool) -> None:
    rows = [json.dumps({"id": str(n), "title": "some title of an item"}) for n in range(50_000)]
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join(rows) + "]" if array else "\n".join(rows))
    first = next(read_file(path, ImportConfig(batch_rows=10)))
    assert isinstance(first, SourceBatch)
    assert first.table.num_rows == 10
    assert first.bytes_done < path.stat().st_size / 2


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), max_size=6),
    cut=st.integers(0, 400),
    chunk_bytes=st.integers(1, 64),
)
def test_an_array_of_any_objects_is_read_whole_or_up_to_its_cut(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], cut: int, chunk_bytes: int
) -> None:
    content = json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")
    path = tmp_path_factory.mktemp("json") / "a.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recsys.reading.lines.CHUNK_BYTES", chunk_bytes)
        found, faults = read(path, content)
        assert (len(found), faults) == (len(rows), [])
        found, faults = read(path, content[: min(cut, len(content) - 1)])
    assert len(found) <= len(rows)
    assert len(faults) == 1


def test_a_fault_shows_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1}, {"id": tru}]')
    faults = [part for part in read_file(path, ImportConfig()) if isinstance(part, Fault)]
    assert [(fault.row, fault.raw) for fault in faults] == [(2, '{"id": tru}')]
