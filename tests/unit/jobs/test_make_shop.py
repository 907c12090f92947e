"""The built-in shop as a shop's own CSV files, and what the demo says of files that hold no items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.database import open_database
from cluster.item_store import ItemStore
from jobs.demo import import_files, import_stated
from jobs.make_shop import write_csv, write_shop
from jobs.options import database_url_of, runtime_of
from recsys import catalog, interactions
from recsys.config import EventWeights, ImportConfig
from recsys.errors import InputError
from recsys.reading import SourceBatch, read_file
from recsys.relations import Relations
from recsys.relations.file import read_relations
from recsys.shop import make_relations, make_shop
from recsys.shop.relations import kind_of
from recsys.workspace import Workspace

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = ImportConfig(default_currency="EUR")
SAID = ["item_id", "title", "description", "category", "brand", "price_minor", "currency", "available"]
DONE = ["user_id", "item_id", "event_type", "value", "occurred_at"]


def rows(file: Path) -> SourceBatch:
    (batch,) = [one for one in read_file(file, CONFIG) if isinstance(one, SourceBatch)]
    return batch


def test_the_csv_files_are_read_back_as_the_shop_that_they_were_made_of(tmp_path: Path) -> None:
    shop = make_shop(num_items=60, num_shoppers=10, now=NOW)
    write_csv(tmp_path, shop)
    batch = rows(tmp_path / "catalog.csv")
    items = catalog.clean_items(batch.table, config=CONFIG, file="catalog.csv", rows=batch.rows)
    assert items.good.select(SAID).to_pylist() == shop.items.select(SAID).to_pylist()
    batch = rows(tmp_path / "orders.csv")
    known: dict[str, Any] = {
        "known_types": EventWeights().known_types(),
        "received_at": NOW,
        "config": CONFIG,
    }
    events = interactions.clean_events(batch.table, file="orders.csv", rows=batch.rows, **known)
    assert key(events.good) == key(shop.events)


def key(events: pa.Table) -> list[str]:
    return sorted(map(str, events.select(DONE).to_pylist()))


def test_the_demo_ends_with_the_reason_where_no_row_is_an_item(tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_text("number;colour\n1;red\n")
    with pytest.raises(InputError, match=r"no item .*missing_columns: 1"):
        import_files(runtime_of(tmp_path / "workspace", None), file, None, CONFIG)


def test_every_statement_of_the_shop_is_taken_by_the_demos_import(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop", num_items=400, num_shoppers=10, now=NOW)
    runtime = runtime_of(tmp_path / "workspace", None)
    import_files(runtime, folder / "items.parquet", None, CONFIG)
    import_stated(runtime, folder / "relations.csv")
    table = read_relations(Workspace(runtime.workspace).relations)
    assert table.num_rows == make_relations(made_of(runtime.workspace)).num_rows > 100
    assert not any(tmp_path.rglob("relations-*.parquet"))  # nothing was set aside
    assert len(Relations.from_table(table).rules) == 15


def made_of(workspace: Path) -> pa.Table:
    """The items that a workspace holds."""
    store = ItemStore(open_database(database_url_of(runtime_of(workspace, None))))
    return pa.concat_tables(store.scan())


def test_what_is_stated_is_of_the_kinds_that_go_together_and_matches() -> None:
    items = make_shop(num_items=2_400, num_shoppers=1, now=NOW).items
    by_id = {row["item_id"]: row for row in items.to_pylist()}
    assert all(kind_of(row) for row in by_id.values())
    pairs = [row for row in make_relations(items).to_pylist() if row["relation"]]
    rods = {row["item_id"] for row in pairs if kind_of(by_id[row["item_id"]]) == "fly rod"}
    assert rods == {item for item, row in by_id.items() if kind_of(row) == "fly rod"}
    beside = {kind_of(by_id[row["other_item_id"]]) for row in pairs if row["item_id"] in rods}
    assert beside == {"reel", "tackle box"}
    assert all(by_id[row["other_item_id"]]["available"] for row in pairs)
    assert max(row["weight"] for row in pairs) >= 3.0  # two of brand, colour, material and style
