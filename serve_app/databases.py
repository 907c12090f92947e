"""The databases of one ingress replica, each opened for what is waited for and for what takes its time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from cluster.database import open_database
from cluster.serving_database import open_serving_database
from recsys.config import DatabaseLimits


@dataclass(frozen=True)
class Databases:
    """Engines over a shop's two databases; on SQLite, which has no server, two and two are the same."""

    shop: Engine
    serving: Engine
    whole_shop: Engine
    """For what reads all events: popularity, screening, evidence, erasure. No statement of it is late."""
    whole_serving: Engine


def open_databases(shop_url: str, serving_url: str, limits: DatabaseLimits) -> Databases:
    """Open all; raises `StoreError` for one that does not answer or is newer."""
    shop = open_database(shop_url, limits)
    serving = open_serving_database(serving_url, limits)
    if shop.dialect.name == "sqlite":
        return Databases(shop, serving, shop, serving)
    return Databases(shop, serving, open_database(shop_url), open_serving_database(serving_url))
