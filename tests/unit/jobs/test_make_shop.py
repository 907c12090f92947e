"""The built-in shop as a shop's own CSV files, and what the demo says of files that hold no items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.demo import import_files
from jobs.make_shop import write_csv
from jobs.options import runtime_of
from recsys import catalog, interactions
from recsys.config import EventWeights, ImportConfig
from recsys.errors import InputError
from recsys.reading import SourceBatch, read_file
from recsys.shop import make_shop

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
