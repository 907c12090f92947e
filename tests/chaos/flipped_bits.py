"""D5: a thousand random bits of the event log's files flipped, one at a time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.benchmarks.flipped_bits import run as flip_bits
from tests.chaos.outcome import Outcome, Place

WORKERS = 2
FLIPS = 1_000
KEPT = 0.9
"""Share of the events that a repair has to keep, whatever was hit."""


def run(place: Place, outcome: Outcome) -> None:
    """Each flip on a fresh copy: read everything, check, append, and repair what is not whole."""
    flips = place.times(FLIPS, 40)
    seeds = [place.seed + number for number in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(flip_bits, [flips // WORKERS] * WORKERS, seeds))
    found = [one for part in parts for one in part]
    kinds = Counter(one.kind for one in found)
    least = min(one.kept for one in found)
    outcome.figures |= {"flips": len(found), **kinds, "least share kept by a repair": round(least, 4)}
    outcome.require("flips", f"{flips:,}", len(found), len(found) == flips)
    outcome.require_zero(silent_accepts=kinds["SILENT"])
    outcome.require("events kept after a repair", f"at least {KEPT}", round(least, 4), least >= KEPT)
    outcome.notes.append(
        "A flip in the file's head or schema makes the store refuse to open, with its reason, until "
        f"`recsys events repair`: {kinds['refused at the start']} of {len(found)}."
    )
