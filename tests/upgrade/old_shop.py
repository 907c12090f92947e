"""Run by the code of an earlier state: its service answers and takes decisions; what it has is listed.

It stands alone: nothing here is imported from today's code. `python old_shop.py serve | list | files`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

SHOP, LISTING = Path("shop"), Path("listing.json")
COLUMNS = "seq, event_id, user_key, item_id, event_type, value, occurred_at"
DECISIONS: dict[str, Any] = {
    "/v1/rules/spring": {
        "items": {"field": "category", "op": "==", "value": "Office"},
        "effect": {"kind": "boost", "factor": 1.5},
    },
    "/v1/scenarios/quiet": {"weights": {"popularity": 0.0}},
    "/v1/blocks/recalled": {"item_ids": ["none-such"]},
}


def files() -> None:
    """Files that only some states import: relations, own vectors, items of which two are bad."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = pq.read_table("files/items.parquet").column("item_id").to_pylist()
    Path("bad.csv").write_text(f"item_id,title\nlate-lamp,A late lamp\n,Nameless\n{ids[0]},\n")
    pairs = [f"{left},complements,{right}" for left, right in pairwise(ids)]
    Path("relations.csv").write_text("\n".join(["item_id,relation,other_item_id", *pairs[:20]]) + "\n")
    vectors = np.random.default_rng(5).normal(size=(len(ids), 4)).astype(np.float32)
    table = pa.table(
        {"item_id": ids, "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 4)}
    )
    pq.write_table(table, "vectors.parquet")


def serve() -> None:
    """Lists for some shoppers, and every decision that the state's API knows."""
    from recsys.config import EncoderConfig, ServeConfig
    from recsys.encoder import TextEncoder
    from recsys.workspace import Workspace
    from tests.serve.conftest import SmallShop, assemble_inline, client_of

    encoder = TextEncoder.load(EncoderConfig(source=_encoder(), max_tokens=64))
    small: Any = SmallShop(Workspace(SHOP), encoder, None)  # type: ignore[arg-type]
    config = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)

    async def play() -> dict[str, int]:
        async with client_of(assemble_inline(small, config)) as client:
            for path, body in DECISIONS.items():
                answer = await client.put(path, json=body)
                print(path, answer.status_code)
            return {
                user: await _asked(client, user) for user in ("shopper-0001", "shopper-0002", "shopper-0019")
            }

    lists = asyncio.run(play())
    LISTING.write_text(json.dumps({"lists": lists}))


async def _asked(client: Any, user: str) -> int:
    answer = await client.post("/v1/recommend", json={"user_id": user, "n": 10})
    answer.raise_for_status()
    return len(answer.json()["items"])


def _encoder() -> str:
    current = (SHOP / "index" / "CURRENT").read_text().strip()
    version = json.loads((SHOP / "index" / current / "manifest.json").read_text())["encoder_version"]
    source: str = json.loads((SHOP / "embeddings" / version / "encoder.json").read_text())["source"]
    return source


def listing() -> None:
    """What the state has: items by its own store, events by their rows, the version that answers."""
    from cluster.database import open_database
    from cluster.item_store import ItemStore
    from recsys.workspace import Workspace

    engine = open_database(Workspace(SHOP).database_url)
    fields = ("item_id", "title", "category", "price_minor")
    items = [
        [row[name] for name in fields] for table in ItemStore(engine).scan() for row in table.to_pylist()
    ]
    engine.dispose()
    with closing(sqlite3.connect(SHOP / "recsys.db")) as connection:
        events = connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY seq").fetchall()
    current = (SHOP / "index" / "CURRENT").read_text().strip()
    found = {"items": items, "events": events, "published": current}
    LISTING.write_text(json.dumps(json.loads(LISTING.read_text()) | found, ensure_ascii=False))


if __name__ == "__main__":
    {"files": files, "serve": serve, "list": listing}[sys.argv[1]]()
