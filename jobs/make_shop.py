"""`recsys shop`: the built-in shop as files that `recsys import` reads."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from recsys.shop import Shop, make_relations, make_shop


def write_shop(
    folder: Path,
    seed: int = 7,
    num_items: int = 2_400,
    num_shoppers: int = 1_000,
    now: datetime | None = None,
    as_csv: bool = False,
) -> Path:
    """Write items, events, relations.csv, queries.jsonl and truth.json into `folder`; the folder.

    `as_csv` writes catalog.csv and orders.csv instead of all that.
    """
    shop = make_shop(seed, num_items, num_shoppers, now)
    folder.mkdir(parents=True, exist_ok=True)
    if as_csv:
        write_csv(folder, shop)
        return folder
    pq.write_table(shop.items, folder / "items.parquet")
    pq.write_table(shop.events, folder / "events.parquet")
    csv.write_csv(make_relations(shop.items), folder / "relations.csv")
    lines = [json.dumps({"text": query.text, "relevant": sorted(query.relevant)}) for query in shop.queries]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(_truth(shop)), encoding="utf-8")
    return folder


def write_csv(folder: Path, shop: Shop) -> None:
    """catalog.csv and orders.csv as a shop's own system might export them, under its own column names."""
    items, events = shop.items, shop.events
    price = pc.divide(items["price_minor"].cast(pa.float64()), 100.0)
    catalog = {
        "SKU": items["item_id"],
        "Name": items["title"],
        "Body HTML": items["description"],
        "Product Type": items["category"],
        "Vendor": items["brand"],
        "Price": price,
        "In Stock": items["available"],
    }
    names = {"user_id": "Customer ID", "item_id": "SKU", "event_type": "Event", "value": "Value"}
    orders = {title: events[name] for name, title in names.items()}
    orders["Time"] = pc.strftime(events["occurred_at"], format="%Y-%m-%dT%H:%M:%SZ")
    csv.write_csv(pa.table(catalog), folder / "catalog.csv")
    csv.write_csv(pa.table(orders), folder / "orders.csv")


def _truth(shop: Shop) -> dict[str, object]:
    return {
        "noise_share": shop.truth.noise_share,
        "relevant": {user: sorted(shop.truth.relevant(user)) for user in shop.truth.shoppers.ids},
    }
