"""Files as bad as shops' files are: exactly the expected rows kept, refused and mended."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
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
from recsys.errors import UnreadableFileError
from recsys.workspace import Workspace


class Shop:
    """A fresh workspace with its stores."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root / "ws").create()
        engine = open_database(self.workspace.database_url)
        self.items, self.events, self.files = ItemStore(engine), EventStore(engine), root / "in"
        self.files.mkdir()

    def write(self, name: str, content: bytes | str) -> Path:
        """A file as it is."""
        path = self.files / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def import_items(self, *paths: Path, **config: Any) -> ImportReport:
        """Import into the catalog."""
        return import_items(
            paths, item_store=self.items, workspace=self.workspace, config=ImportConfig(**config)
        )

    def import_events(self, *paths: Path, **config: Any) -> ImportReport:
        """Import into the event log."""
        return import_events(
            paths, event_store=self.events, workspace=self.workspace, config=ImportConfig(**config)
        )

    def catalog(self) -> dict[str, dict[str, Any]]:
        """Items by id."""
        return {row["item_id"]: row for table in self.items.scan() for row in table.to_pylist()}

    def refused(self, report: ImportReport) -> list[tuple[str, int | None, str]]:
        """File, row and reason of the quarantine file."""
        if report.quarantine_file is None:
            return []
        rows = pq.read_table(report.quarantine_file).to_pylist()
        return [(Path(row["file"]).name, row["row"], row["reason"]) for row in rows]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop(tmp_path)


def jsonl(rows: list[Any]) -> str:
    """JSON Lines; NaN is written as Python writes it."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def item(item_id: Any = "a", **fields: Any) -> dict[str, Any]:
    """A sound item."""
    return {"item_id": item_id, "title": "A thing", **fields}


def event(**fields: Any) -> dict[str, Any]:
    """A sound event."""
    return {"user_id": "u", "item_id": "a", "event_type": "click", "timestamp": 1_700_000_000, **fields}


ITEM_FAULTS: list[tuple[dict[str, Any], str]] = [
    (item(None), "missing_id"),
    (item(""), "missing_id"),
    (item("x" * 10_000), "id_too_long"),
    (item("a\x00b"), "id_bad_character"),
    ({"item_id": "no-title"}, "missing_title"),
    (item("p1", price=-3), "bad_price"),
    (item("p2", price="-3,00 EUR"), "bad_price"),
    (item("p3", price=float("nan")), "bad_price"),
    (item("p4", price=float("inf")), "bad_price"),
    (item("p5", price="a lot"), "bad_price"),
    (item("p6", price=1e20), "bad_price"),
    (item("c1", currency="12"), "bad_currency"),
    (item("v1", available="perhaps"), "bad_available"),
    (item("t1", created_at="yesterday"), "bad_timestamp"),
    (item("t2", created_at="1800-01-01"), "bad_timestamp"),
    (item("t3", created_at="3000-01-01"), "bad_timestamp"),
]


def test_each_faulty_item_is_set_aside_with_its_reason_and_the_others_are_kept(shop: Shop) -> None:
    for number, (row, reason) in enumerate(ITEM_FAULTS):
        path = shop.write(f"f{number:02d}.jsonl", jsonl([item("good"), row, item("fine")]))
        report = shop.import_items(path)
        assert shop.refused(report) == [(path.name, 2, reason)], row
        assert (report.rows, report.accepted) == (3, 2)
        assert report.quarantined == {reason: 1}
        assert report.exit_code == 0
    assert set(shop.catalog()) == {"good", "fine"}


EVENT_FAULTS: list[tuple[dict[str, Any], str]] = [
    (event(user_id=None), "missing_user"),
    (event(item_id=None), "missing_id"),
    (event(item_id="x" * 10_000), "id_too_long"),
    (event(event_type="teleport"), "unknown_event_type"),
    (event(event_type=None), "unknown_event_type"),
    (event(event_type="rating"), "bad_value"),
    (event(event_type="rating", value=11), "bad_value"),
    (event(event_type="rating", value="five"), "bad_value"),
    (event(event_type="rating", value=float("nan")), "bad_value"),
    (event(timestamp="soon"), "bad_timestamp"),
    (event(timestamp="1800-01-01"), "bad_timestamp"),
    (event(timestamp="3000-01-01"), "bad_timestamp"),
    (event(position=1.5), "bad_position"),
]


def test_each_faulty_event_is_set_aside_with_its_reason(shop: Shop) -> None:
    for number, (row, reason) in enumerate(EVENT_FAULTS):
        path = shop.write(f"f{number:02d}.jsonl", jsonl([event(item_id="g"), row]))
        report = shop.import_events(path)
        assert shop.refused(report) == [(path.name, 2, reason)], row
    assert shop.events.count() == 1


def test_prices_are_read_as_people_write_them(shop: Shop) -> None:
    written = {
        "$1,299.00": (129_900, "USD"),
        "1.299,00 €": (129_900, "EUR"),
        "12,50": (1_250, None),
        "¥1200": (1_200, "JPY"),
        "£3": (300, "GBP"),
        "free": (0, None),
    }
    rows = [item(f"i{number}", price=text) for number, text in enumerate(written)]
    shop.import_items(shop.write("prices.jsonl", jsonl(rows)))
    found = [(row["price_minor"], row["currency"]) for row in shop.catalog().values()]
    assert found == list(written.values())


def test_instants_in_every_form_are_the_same_instant(shop: Shop) -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    forms = [1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, "2023-11-14T22:13:20Z", "1700000000"]
    forms += ["2023-11-14 22:13:20", "2023-11-14T23:13:20+01:00"]
    rows = [item(f"i{number}", created_at=form) for number, form in enumerate(forms)]
    for number, row in enumerate(rows):
        assert shop.import_items(shop.write(f"t{number}.jsonl", jsonl([row]))).accepted == 1
    assert {row["created_at"] for row in shop.catalog().values()} == {moment}


def test_markup_and_mess_become_plain_text(shop: Shop) -> None:
    row = item(
        "a",
        title="Caf\u00c3\u00a9 &amp;amp; <b>Bar</b>",
        description="<script>x()</script><p>One</p><p>two&nbsp; three</p>\x00",
    )
    report = shop.import_items(shop.write("html.jsonl", jsonl([row])))
    found = shop.catalog()["a"]
    assert (found["title"], found["description"]) == ("Caf\u00e9 & Bar", "One two three")
    assert report.mended["html_removed"] == 2


def test_a_five_megabyte_description_is_cut_not_refused(shop: Shop) -> None:
    report = shop.import_items(shop.write("long.jsonl", jsonl([item("a", description="word " * 1_000_000)])))
    assert (report.accepted, report.mended["text_cut"]) == (1, 1)
    assert len(shop.catalog()["a"]["description"]) <= ImportConfig().max_description_chars


def test_a_line_over_the_bound_is_refused_and_the_next_is_read(shop: Shop) -> None:
    content = jsonl([item("a"), item("b", description="x" * 5_000), item("c")])
    report = shop.import_items(shop.write("long.jsonl", content), max_record_bytes=1_000)
    assert shop.refused(report) == [("long.jsonl", 2, "record_too_long")]
    assert set(shop.catalog()) == {"a", "c"}


ENCODINGS: list[tuple[str, bytes]] = [
    ("utf-8 with a mark", codecs.BOM_UTF8 + "id,name\na,Caf\u00e9\n".encode()),
    ("utf-16", "id,name\na,Caf\u00e9\n".encode("utf-16")),
    ("windows-1252", "id,name\na,Caf\u00e9\n".encode("cp1252")),
    ("mixed", "id,name\na,Caf\u00e9\n".encode() + "b,Caf\u00e9\n".encode("cp1252")),
]


@pytest.mark.parametrize(("name", "content"), ENCODINGS, ids=[name for name, _ in ENCODINGS])
def test_encodings_are_recognised_line_by_line(shop: Shop, name: str, content: bytes) -> None:
    report = shop.import_items(shop.write("e.csv", content))
    assert report.quarantined == {}
    assert {row["title"] for row in shop.catalog().values()} == {"Caf\u00e9"}


Case = tuple[str, str, list[tuple[int | None, str]], int]

CSV_CASES: list[tuple[str, str, list[tuple[int | None, str]], int]] = [
    (
        "too many and too few fields",
        "id,name\na,x\nb,x,y\nc\nd,z\n",
        [(2, "wrong_columns"), (3, "wrong_columns")],
        2,
    ),
    ("truncated last line", "id,name\na,x\nb", [(2, "wrong_columns")], 1),
    ("a quote never closed", 'id,name\na,x\nb,"open\nc,y\nd,z\n', [(2, "wrong_columns")], 3),
    ("quoted newline", 'id;name\na;"two\nlines"\nb;z\n', [], 2),
    ("tabs", "id\tname\na\tx\n", [], 1),
    ("empty", "", [(None, "empty_file")], 0),
    ("header only", "id,name\n", [], 0),
    ("no usable columns", "colour,size\nred,4\n", [(None, "missing_columns")], 0),
]


@pytest.mark.parametrize(
    ("name", "content", "faults", "kept"), CSV_CASES, ids=[case[0] for case in CSV_CASES]
)
def test_broken_csv_loses_only_the_broken_rows(
    shop: Shop, name: str, content: str, faults: list[tuple[int | None, str]], kept: int
) -> None:
    report = shop.import_items(shop.write("c.csv", content))
    assert [(row, reason) for _, row, reason in shop.refused(report)] == faults
    assert shop.items.count() == report.accepted == kept


JSON_CASES: list[Case] = [
    ("truncated last line", '{"id":"a","name":"x"}\n{"id":"b","na', [(2, "invalid_json")], 1),
    ("not objects", "[1]\n".replace("[1]", "3") + '{"id":"a","name":"x"}\n', [(1, "invalid_json")], 1),
    ("deep", '{"id":"a","name":"x"}\n' + '{"a":' * 50_000 + "\n", [(2, "invalid_json")], 1),
    ("an array", '[{"id":"a","name":"x"},{"id":2,"name":"y"}]', [], 2),
    ("an array that breaks off", '[{"id":"a","name":"x"},{"id":"b","na', [(2, "invalid_json")], 1),
]


@pytest.mark.parametrize(
    ("name", "content", "faults", "kept"), JSON_CASES, ids=[case[0] for case in JSON_CASES]
)
def test_broken_json_loses_only_the_broken_rows(
    shop: Shop, name: str, content: str, faults: list[tuple[int | None, str]], kept: int
) -> None:
    report = shop.import_items(shop.write("c.json", content))
    assert [(row, reason) for _, row, reason in shop.refused(report)] == faults
    assert shop.items.count() == report.accepted == kept


def parquet(**options: Any) -> bytes:
    """Thirty items in three row groups."""
    table = pa.table({"item_id": [f"i{n:02d}" for n in range(30)], "title": ["t"] * 30})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=10, write_page_checksum=True, compression="none", **options)
    return sink.getvalue()


def test_a_broken_parquet_footer_refuses_the_file_and_not_its_neighbours(shop: Shop) -> None:
    broken = shop.write("a.parquet", parquet()[:-6])
    report = shop.import_items(broken, shop.write("b.parquet", parquet()))
    assert shop.refused(report) == [("a.parquet", None, "unreadable_file")]
    assert shop.items.count() == 30


def test_a_bad_page_loses_its_row_group_only(shop: Shop) -> None:
    content = bytearray(parquet(use_dictionary=False))
    content[content.index(b"i15") + 1] ^= 0xFF
    report = shop.import_items(shop.write("a.parquet", bytes(content)))
    assert [reason for _, _, reason in shop.refused(report)] == ["unreadable_rows"]
    assert set(shop.catalog()) == {f"i{n:02d}" for n in [*range(10), *range(20, 30)]}


def test_files_that_nothing_reads_are_named(shop: Shop) -> None:
    paths = [shop.write("a.xlsx", b"PK"), shop.write("b.csv.gz", gzip.compress(b"id,name\na,x\n")[:-9])]
    report = shop.import_items(*paths, shop.write("c.csv", "id,name\nz,x\n"))
    refused = {file: reason for file, row, reason in shop.refused(report) if row is None}
    assert refused == {"a.xlsx": "unknown_format", "b.csv.gz": "unreadable_file"}
    assert "z" in shop.catalog()
    with pytest.raises(UnreadableFileError):
        shop.import_items(shop.files / "absent.csv")


def test_nothing_readable_ends_with_exit_code_1(shop: Shop) -> None:
    assert shop.import_items(shop.write("a.xlsx", b"PK")).exit_code == 1
    rows = [item("a"), item(None), item(None)]
    assert shop.import_items(shop.write("a.jsonl", jsonl(rows)), max_bad_share=0.5).exit_code == 1


def test_duplicates_the_latest_wins_and_conflicts_are_counted(shop: Shop) -> None:
    rows = [
        item("t", title="new", updated_at="2024-02-01"),
        item("t", title="old", updated_at="2024-01-01"),
        item("o", title="first"),
        item("o", title="second"),
        item("s"),
        item("s"),
    ]
    report = shop.import_items(shop.write("d.jsonl", jsonl(rows)))
    assert {key: row["title"] for key, row in shop.catalog().items()} == {
        "o": "second",
        "s": "A thing",
        "t": "new",
    }
    assert (report.stored["inserted"], report.stored["conflicts"]) == (3, 2)


@pytest.mark.parametrize("kind", ["items", "events"])
def test_importing_again_changes_nothing_and_says_so(shop: Shop, kind: str) -> None:
    rows = [item(f"i{n}", price=n, colour="red") for n in range(20)] + [item("i3", title="again"), item(None)]
    acts = [event(item_id=f"i{n}") for n in range(20)] + [event(item_id="i3"), event(user_id=None)]
    path = shop.write("a.jsonl", jsonl(rows if kind == "items" else acts))
    run: Callable[..., ImportReport] = shop.import_items if kind == "items" else shop.import_events
    first, seq = run(path), shop.items.last_seq()
    again = run(path)
    assert shop.items.last_seq() == seq
    assert shop.refused(again) == shop.refused(first)
    if kind == "items":
        assert (again.stored["unchanged"], again.stored["inserted"], again.stored["updated"]) == (20, 0, 0)
    else:
        assert (first.stored, again.stored) == (
            {"appended": 20, "duplicates": 1, "erased": 0},
            {"appended": 0, "duplicates": 21, "erased": 0},
        )


def test_a_killed_import_leaves_the_catalog_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.import_items(shop.write("a.jsonl", jsonl([item("a")])))

    def stop(rows: int, done: int, total: int) -> None:
        raise KeyboardInterrupt

    path = shop.write("b.jsonl", jsonl([item("a", title="changed"), item("b")]))
    with pytest.raises(KeyboardInterrupt):
        import_items(
            [path], item_store=shop.items, workspace=shop.workspace, config=ImportConfig(), on_progress=stop
        )
    assert {key: row["title"] for key, row in shop.catalog().items()} == {"a": "A thing"}
    assert shop.import_items(path).stored["updated"] == 1


def test_chosen_columns_win_and_a_wrong_choice_is_refused(shop: Shop) -> None:
    path = shop.write("a.csv", "code,name,label\n7,wrong,right\n")
    shop.import_items(path, columns={"item_id": "code", "title": "label"})
    found = shop.catalog()["7"]
    assert (found["title"], dict(found["attributes"])) == ("right", {"name": "wrong"})
    report = shop.import_items(path, columns={"title": "nope"})
    assert (shop.refused(report), report.exit_code) == ([("a.csv", None, "missing_columns")], 1)


def test_a_folder_is_read_in_name_order_without_hidden_files(shop: Shop) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([["id", "name"], ["a", "from csv"]])
    shop.write("1.csv", buffer.getvalue())
    shop.write("2.jsonl", jsonl([item("a", title="from json")]))
    shop.write(".hidden.csv", "id,name\nh,x\n")
    report = shop.import_items(shop.files)
    assert report.files == 2
    assert {key: row["title"] for key, row in shop.catalog().items()} == {"a": "from json"}
