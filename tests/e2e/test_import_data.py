"""The dirty zoo: files with every fault a shop has, through the whole import into a real SQLite store."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from jobs.import_data import ImportReport, import_events, import_items
from recsys.config import ImportConfig
from recsys.errors import ConfigError, SchemaError, UnreadableFileError
from recsys.schemas import QUARANTINE
from recsys.workspace import Workspace
from tests.conftest import real_data


@dataclass
class Shop:
    """A workspace with its stores."""

    workspace: Workspace
    items: ItemStore
    events: EventStore

    def import_items(self, *paths: Path, **config: Any) -> ImportReport:
        return import_items(
            paths, item_store=self.items, workspace=self.workspace, config=ImportConfig(**config)
        )

    def import_events(self, *paths: Path, **config: Any) -> ImportReport:
        return import_events(
            paths, event_store=self.events, workspace=self.workspace, config=ImportConfig(**config)
        )

    def titles(self) -> dict[str, str]:
        return {row["item_id"]: row["title"] for table in self.items.scan() for row in table.to_pylist()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    workspace = Workspace(tmp_path / "workspace").create()
    engine = open_database(workspace.database_url)
    return Shop(workspace, ItemStore(engine), EventStore(engine))


def write(path: Path, content: str | bytes | Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (str, bytes)):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        path.write_text("\n".join(json.dumps(row) for row in content))
    return path


def quarantined(report: ImportReport) -> list[tuple[str, int | None, str]]:
    assert report.quarantine_file is not None
    table = pq.read_table(report.quarantine_file)
    assert table.schema.equals(QUARANTINE)
    return [(Path(row["file"]).name, row["row"], row["reason"]) for row in table.to_pylist()]


def item_zoo(folder: Path) -> Path:
    whole = folder / "whole.parquet"
    folder.mkdir()
    pq.write_table(
        pa.table({"id": ["p1", "p2"], "title": ["P one", "P two"], "price": [1.5, float("nan")]}), whole
    )
    write(folder / "footer.parquet", whole.read_bytes()[:-6])
    pq.write_table(
        pa.table({"id": pa.array([], pa.string()), "title": pa.array([], pa.string())}),
        folder / "none.parquet",
    )
    write(folder / "empty.csv", "")
    write(folder / "header.csv", "id,title\n")
    write(folder / "columns.csv", "number,colour\n1,red\n2,blue\n")
    write(folder / "photo.jpg", b"\xff\xd8\xff")
    write(folder / "mark.csv", "\ufeffid;title;price\nm1;With mark;12,50\nm2;Negative;-3\n")
    mixed = (
        b"id,title\nx1,caf\xe9\n" + "x2,café\n".encode() + b'x3,too,many\nx4\nx5,5" nail\nx\x006,NUL in id\n'
    )
    write(folder / "mixed.csv", mixed + b"x7,NUL \x00 in title\nx8,trunc")
    write(folder / "cut.jsonl", '{"id": "j1", "title": "J one"}\n{"id": "j2", "title": "J t')
    write(
        folder / "rows.jsonl",
        [
            {"id": "r1", "title": "First", "updated_at": "2024-01-01"},
            {"id": "r1", "title": "Second", "updated_at": "2024-01-02"},
            {"id": "r2", "title": "&amp;lt;b&amp;gt;Bold&amp;lt;/b&amp;gt;"},
            {"id": "r3", "title": "Long", "description": "<p>long words</p> " * 300_000},
            {"id": "r4" * 5_000, "title": "Id of 10 kB"},
            {"id": "r5", "title": None},
            {"id": "r6", "title": "Bad time", "updated_at": "soon"},
            {"id": "r7", "title": "Far", "updated_at": 1e300},
        ],
    )
    write(folder / "packed.csv.gz", gzip.compress(b"id,title\nz1,Packed\n"))
    write(folder / ".hidden.csv", "id,title\nh1,Hidden\n")
    return folder


ITEM_FAULTS = [
    ("columns.csv", None, "missing_columns"),
    ("cut.jsonl", 2, "invalid_json"),
    ("empty.csv", None, "empty_file"),
    ("footer.parquet", None, "unreadable_file"),
    ("mark.csv", 2, "bad_price"),
    ("mixed.csv", 3, "wrong_columns"),
    ("mixed.csv", 4, "wrong_columns"),
    ("mixed.csv", 6, "id_bad_character"),
    ("photo.jpg", None, "unknown_format"),
    ("rows.jsonl", 5, "id_too_long"),
    ("rows.jsonl", 6, "missing_title"),
    ("rows.jsonl", 7, "bad_timestamp"),
    ("rows.jsonl", 8, "bad_timestamp"),
    ("whole.parquet", 2, "bad_price"),
]


def test_the_zoo_of_items_loses_exactly_what_is_broken(shop: Shop, tmp_path: Path) -> None:
    report = shop.import_items(item_zoo(tmp_path / "zoo"))
    assert sorted(quarantined(report), key=str) == sorted(ITEM_FAULTS, key=str)
    assert report.quarantined == Counter(reason for _, _, reason in ITEM_FAULTS)
    assert shop.titles() == {
        "p1": "P one", "m1": "With mark", "x1": "café", "x2": "café", "x5": '5" nail', "x7": "NUL in title",
        "x8": "trunc", "j1": "J one", "r1": "Second", "r2": "Bold", "r3": "Long", "z1": "Packed",
    }  # fmt: skip
    assert (report.files, report.accepted, report.exit_code) == (12, 13, 0)
    assert report.rows == report.accepted + sum(row is not None for _, row, _ in ITEM_FAULTS)
    assert report.mended == {"html_removed": 2, "text_cut": 1}
    assert report.stored == {"inserted": 12, "updated": 0, "unchanged": 0, "stale": 0, "conflicts": 1}


def test_importing_items_again_changes_nothing_and_says_so(shop: Shop, tmp_path: Path) -> None:
    zoo = item_zoo(tmp_path / "zoo")
    first = shop.import_items(zoo)
    seq, content = shop.items.last_seq(), first.quarantine_file and first.quarantine_file.read_bytes()
    again = shop.import_items(zoo)
    assert again.stored == {"inserted": 0, "updated": 0, "unchanged": 12, "stale": 0, "conflicts": 1}
    assert shop.items.last_seq() == seq
    assert again.quarantine_file == first.quarantine_file
    assert again.quarantine_file is not None
    assert again.quarantine_file.read_bytes() == content
    assert [path.name for path in shop.workspace.quarantine.iterdir()] == [again.quarantine_file.name]


def test_the_latest_wins_by_time_else_by_reading_order(shop: Shop, tmp_path: Path) -> None:
    new = {"id": "a", "title": "new", "updated_at": "2024-02-01"}
    old = {"id": "a", "title": "old", "updated_at": "2024-01-01"}
    timeless = [{"id": "b", "title": "first"}, {"id": "b", "title": "second"}]
    shop.import_items(write(tmp_path / "1.jsonl", [new, old, *timeless]), batch_rows=1)
    assert shop.titles() == {"a": "new", "b": "second"}
    report = shop.import_items(write(tmp_path / "2.jsonl", [old]))
    assert report.stored["stale"] == 1
    assert shop.titles()["a"] == "new"


def test_mended_files_leave_no_quarantine_behind(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,title\n1,a\n2\n")
    assert shop.import_items(path).quarantine_file is not None
    write(path, "id,title\n1,a\n2,b\n")
    assert shop.import_items(path).quarantine_file is None
    assert list(shop.workspace.quarantine.iterdir()) == []


def test_an_import_that_fails_midway_leaves_the_catalog_as_it_was(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,title\n" + "".join(f"{n},t\n" for n in range(20)))

    def fail(rows: int, done: int, total: int) -> None:
        if rows >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_items(
            [path],
            item_store=shop.items,
            workspace=shop.workspace,
            config=ImportConfig(batch_rows=5),
            on_progress=fail,
        )
    assert shop.titles() == {}


def test_many_refused_rows_are_all_written_down(shop: Shop, tmp_path: Path) -> None:
    lines = "".join(f"{n}\n" if n % 3 else f"{n},t\n" for n in range(20_000))
    report = shop.import_items(write(tmp_path / "a.csv", "id,title\n" + lines), batch_rows=500)
    faults = quarantined(report)
    assert len(faults) == report.quarantined["wrong_columns"] == 13_333
    assert [row for _, row, _ in faults] == [n + 1 for n in range(20_000) if n % 3]
    assert report.quarantine_file is not None
    assert pq.ParquetFile(report.quarantine_file).num_row_groups <= 4


@pytest.mark.parametrize(("share", "code"), [(0.5, 0), (0.49, 1), (1.0, 0), (0.0, 1)])
def test_the_exit_code_says_whether_too_much_was_bad(
    shop: Shop, tmp_path: Path, share: float, code: int
) -> None:
    path = write(tmp_path / "a.csv", "id,title\n1,a\n2\n")
    assert shop.import_items(path, max_bad_share=share).exit_code == code


def test_nothing_readable_is_a_failure(shop: Shop, tmp_path: Path) -> None:
    assert shop.import_items(write(tmp_path / "a.csv", "")).exit_code == 1
    (tmp_path / "folder").mkdir()
    assert shop.import_items(tmp_path / "folder").exit_code == 1
    assert shop.import_items(write(tmp_path / "b.csv", "id,title\n")).exit_code == 0


def test_wrong_use_is_refused_before_anything_is_written(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,event\nu,i,view\n")
    with pytest.raises(UnreadableFileError):
        shop.import_events(path, tmp_path / "absent.csv")
    with pytest.raises(SchemaError, match="colour"):
        shop.import_events(path, columns={"colour": "c"})
    assert shop.events.count() == 0


def test_a_chosen_column_that_one_file_lacks_costs_that_file_only(shop: Shop, tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", "id,heading\n1,a\n")
    two = write(tmp_path / "2.csv", "id,title\n2,b\n")
    report = shop.import_items(one, two, columns={"title": "heading"})
    assert shop.titles() == {"1": "a"}
    assert quarantined(report) == [("2.csv", None, "missing_columns")]


def test_a_chosen_column_may_be_absent_from_some_json_rows(shop: Shop, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": "1", "title": "a", "mk": "acme"}, {"id": "2", "title": "b"}]
    report = shop.import_items(write(tmp_path / "a.jsonl", rows), columns={"brand": "mk"}, batch_rows=1)
    assert (report.accepted, report.quarantined) == (2, {})


def test_progress_grows_to_the_whole_and_counts_every_row(shop: Shop, tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    paths = [write(tmp_path / f"{n}.csv", "id,title\n" + "1,a\n2,b\n3\n" * 50) for n in range(3)]
    import_items(
        paths,
        item_store=shop.items,
        workspace=shop.workspace,
        config=ImportConfig(batch_rows=20),
        on_progress=lambda rows, done, total: seen.append((rows, done, total)),
    )
    size = sum(path.stat().st_size for path in paths)
    assert seen == sorted(seen)
    assert seen[-1] == (450, size, size)
    assert {total for _, _, total in seen} == {size}


EVENT_ROWS: list[dict[str, Any]] = [
    {"user": "u", "item": "i", "event": "Purchased", "ts": "2024-01-01T10:00:00Z"},
    {"user": "u", "item": "i", "event": "Purchased", "ts": "2024-01-01T10:00:00Z"},
    {"user": "u", "item": "i", "event": "view"},
    {"anonymous_id": "v", "item": "i", "event": "rating", "stars": 4},
    {"user": "u", "item": "i", "event": "rating"},
    {"user": "u", "item": "i", "event": "sneeze"},
    {"item": "i", "event": "view"},
    {"user": "u", "item": "i", "event": "view", "ts": "2999-01-01"},
    {"user": "u", "item": "i", "event": "rating", "stars": "NaN"},
    {"user": "u", "item": 17.0, "event": "view", "ts": 1_700_000_000},
]


def test_the_zoo_of_events_loses_exactly_what_is_broken(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", EVENT_ROWS)
    report = shop.import_events(path)
    assert [(row, reason) for _, row, reason in quarantined(report)] == [
        (5, "bad_value"),
        (6, "unknown_event_type"),
        (7, "missing_user"),
        (8, "bad_timestamp"),
        (9, "bad_value"),
    ]
    assert (report.rows, report.accepted) == (10, 5)
    assert report.stored == {"appended": 4, "duplicates": 1, "erased": 0}
    again = shop.import_events(path)
    assert again.stored == {"appended": 0, "duplicates": 5, "erased": 0}
    assert shop.events.count() == 4


def test_events_of_every_format_are_the_same_events(shop: Shop, tmp_path: Path) -> None:
    rows = [{"user": f"u{n}", "item": "i", "event": "view", "ts": "2024-01-01T10:00:00Z"} for n in range(5)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "a.parquet")
    csv = "user,item,event,ts\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    assert shop.import_events(write(tmp_path / "a.csv", csv)).stored["appended"] == 5
    for path in (
        tmp_path / "a.parquet",
        write(tmp_path / "a.csv.gz", gzip.compress(csv.encode())),
        write(tmp_path / "a.jsonl", rows),
        write(tmp_path / "a.json", json.dumps(rows)),
    ):
        assert shop.import_events(path).stored == {"appended": 0, "duplicates": 5, "erased": 0}


def test_a_real_shop_is_imported_whole_and_only_once(shop: Shop) -> None:
    folder = real_data("office")
    items, events = folder / "items.parquet", folder / "events.parquet"
    assert shop.import_items(items).stored["inserted"] == shop.items.count() == 3_459
    assert shop.import_events(events).stored == {"appended": 21_802, "duplicates": 0, "erased": 0}
    assert shop.import_items(items).stored["unchanged"] == 3_459
    assert shop.import_events(events).stored == {"appended": 0, "duplicates": 21_802, "erased": 0}


EXPORTS = Path(__file__).parents[1] / "exports"


def test_a_folder_of_an_export_is_taken_by_kind_counted_and_idempotent(shop: Shop) -> None:
    first = shop.import_items(EXPORTS / "gorse")
    assert first.formats == {"Gorse items": 2}
    assert first.quarantined == {"missing_title": 1, "other_kind": 3}
    assert set(first.examples) == set(first.quarantined)
    assert first.examples["other_kind"].startswith("feedback.csv: expected items; found Gorse feedback")
    assert re.match(r"items\.(csv|jsonl), row \d+: ", first.examples["missing_title"])
    assert set(shop.titles()) == {"kettle-1", "mug-7", "old-lamp"}
    assert first.as_rows()["formats"] == {"Gorse items": 2}
    again = shop.import_items(EXPORTS / "gorse")
    assert (again.stored["inserted"], again.stored["updated"]) == (0, 0)
    with pytest.raises(ConfigError, match="--from"):
        shop.import_items(EXPORTS / "gorse", source_format="shopware")


def test_orders_are_purchases_once_and_no_address_stays_anywhere(shop: Shop) -> None:
    for appended, duplicates in ((2, 0), (0, 2)):
        report = shop.import_events(EXPORTS / "shopify" / "orders.csv", source_format="shopify")
        assert (report.stored["appended"], report.stored["duplicates"]) == (appended, duplicates)
        assert report.skipped == {"cancelled": 1, "refunded": 1}
        assert report.rows == report.accepted + report.quarantined.total()
    kept = [path.read_bytes() for path in shop.workspace.root.rglob("*") if path.is_file()]
    assert not any(b"example.org" in content.lower() or b"Muster" in content for content in kept)
