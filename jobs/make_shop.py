"""`recsys shop`: the built-in shop as files that `recsys import` reads."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from recsys.shop import Shop, make_shop


def write_shop(
    folder: Path,
    seed: int = 7,
    num_items: int = 2_400,
    num_shoppers: int = 1_000,
    now: datetime | None = None,
) -> Path:
    """Write items.parquet, events.parquet, queries.jsonl and truth.json into `folder`; the folder."""
    shop = make_shop(seed, num_items, num_shoppers, now)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(shop.items, folder / "items.parquet")
    pq.write_table(shop.events, folder / "events.parquet")
    lines = [json.dumps({"text": query.text, "relevant": sorted(query.relevant)}) for query in shop.queries]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(_truth(shop)), encoding="utf-8")
    return folder


def _truth(shop: Shop) -> dict[str, object]:
    return {
        "noise_share": shop.truth.noise_share,
        "relevant": {user: sorted(shop.truth.relevant(user)) for user in shop.truth.shoppers.ids},
    }
