"""Earlier states of this project whose workspaces are kept, and what each of them did to make its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WORKSPACES = Path(__file__).parent / "workspaces"
SHOP = ("shop", "files", "--items", "50", "--shoppers", "20", "--now", "2026-03-01T00:00:00")
ITEMS = ("import", "items", "files/items.parquet", "-w", "shop")
EVENTS = ("import", "events", "files/events.parquet", "-w", "shop")
EMBED = ("embed", "-w", "shop", "--encoder", "encoder", "--shards", "2", "--max-tokens", "64")
FIT = ("fit", "-w", "shop")
KEY = ("keys", "create", "till", "--scope", "recommend", "-w", "shop")
SERVED = ("served",)
"""No command: the service of that state answers, and takes decisions where it knows any (`old_shop.py`)."""
ERASED = "shopper-0003"
"""The shopper whom a state that can erase has erased."""


@dataclass(frozen=True)
class Release:
    """One state, by the commit that it was."""

    name: str
    commit: str
    why: str
    """What is in its workspace that is written differently today, or was not there before."""
    steps: tuple[tuple[str, ...], ...]
    """Arguments of its `recsys`, in order."""

    @property
    def archive(self) -> Path:
        """Its workspace with the listing that it made of it."""
        return WORKSPACES / f"{self.name}.tar.xz"


RELEASES = (
    Release(
        "first",
        "b8afae9c",
        "the first that ran from end to end: shards without links, no whitening, no seal, no schema revision",
        (SHOP, ITEMS, EVENTS, EMBED, SERVED),
    ),
    Release(
        "fitted",
        "233ac0fe",
        "the last before digests and seals: a fit with fewer settings than today's, decisions, answers, a "
        "paused loop, the database as of revision 0001",
        (SHOP, ITEMS, EVENTS, EMBED, FIT, SERVED, ("loop", "pause", "-w", "shop")),
    ),
    Release(
        "sealed",
        "b1573314",
        "the last before relations and channels: seals, digests, a key, an erased person, rows in quarantine",
        (
            SHOP,
            ITEMS,
            EVENTS,
            ("import", "items", "bad.csv", "-w", "shop"),
            EMBED,
            FIT,
            KEY,
            SERVED,
            ("erase", ERASED, "-w", "shop"),
            FIT,
        ),
    ),
    Release(
        "related",
        "070d5bd8",
        "relations, own vectors, soft links, a search of settings, and a map as it was drawn before t-SNE",
        (
            SHOP,
            ITEMS,
            EVENTS,
            ("import", "relations", "relations.csv", "-w", "shop"),
            ("import", "vectors", "sound=vectors.parquet", "-w", "shop"),
            EMBED,
            FIT,
            KEY,
            SERVED,
            ("map", "-w", "shop"),
            ("tune", "signals", "--trials", "2", "--minutes", "2", "-w", "shop"),
            ("erase", ERASED, "-w", "shop"),
        ),
    ),
)
