"""D5: a thousand random bits of the event log's files flipped, one at a time."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.flipped_bits import flip, judge, kept_by_repair, make_log
from tests.chaos.outcome import Outcome, Place

WORKERS = 2
FLIPS, REPAIR_EVERY = 1_000, 5
KEPT = 0.9
"""Share of the events that a repair has to keep, whatever was hit."""


def run(place: Place, outcome: Outcome) -> None:
    """Each flip on a fresh copy: read everything, check, append; every fifth is repaired as well."""
    flips = place.times(FLIPS, 40)
    seeds = [place.seed + number for number in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_flipped, [flips // WORKERS] * WORKERS, seeds))
    found = [one for part in parts for one in part]
    kinds = Counter(kind for kind, _ in found)
    repaired = [kept for _, kept in found if kept is not None]
    least = round(min(repaired), 4)
    outcome.figures |= {"flips": kinds.total(), **kinds, "repaired": len(repaired), "least share kept": least}
    outcome.require("flips", f"{flips:,}", kinds.total(), kinds.total() == flips)
    outcome.require_zero(silent_accepts=kinds["SILENT"])
    outcome.require("events kept by a repair", f"at least {KEPT}", least, least >= KEPT)
    outcome.notes.append(
        "A flip in the file's head or schema makes the store refuse to open, with its reason, until "
        f"`recsys events repair`: {kinds['refused at the start']} of {flips:,}."
    )


def _flipped(flips: int, seed: int) -> list[tuple[str, float | None]]:
    """What each flip was taken for, and the share of the events that a repair kept where one was made."""
    found: list[tuple[str, float | None]] = []
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        source = Path(made)
        truth = make_log(source)
        for number in range(flips):
            folder = source / f"flip{number}"
            folder.mkdir()
            path, _ = flip(source, folder, rng)
            kind = judge(path, truth)
            mended = kind != "unchanged" and number % REPAIR_EVERY == 0
            found.append((kind, kept_by_repair(path, truth) if mended else None))
            shutil.rmtree(folder)
    return found
