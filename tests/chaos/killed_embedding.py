"""J1: encoder actors are killed over and over while a catalog is embedded."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import ray

from cluster.embedding import EmbedProgress
from jobs.bench.processes import descendants, title_of
from recsys.config import EmbedConfig
from recsys.text import text_hash
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import kill
from tests.ray.test_embedding import Shop, titles_of
from tests.tiny_encoders import tiny_bert

TEXTS, UNIT_TEXTS = 4_000, 20
KILLS = 8
"""One each time that another tenth of the texts has landed."""
COSINE = 0.9999


def run(place: Place, outcome: Outcome) -> None:
    """A clean run, then one whose actors die; vectors are compared id by id."""
    encoder = tiny_bert(place.folder / "encoder")
    titles = titles_of(place.times(TEXTS, 1_000))
    config = EmbedConfig(unit_texts=UNIT_TEXTS, cpus_per_actor=0.5, num_actors=2, local_texts=0)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    clean, struck = (Shop(place.folder / name, encoder, titles) for name in ("clean", "struck"))
    begun = time.monotonic()
    clean.embed(config)
    clean_s = time.monotonic() - begun
    killer = _Killer(len(titles))
    begun = time.monotonic()
    report = struck.embed(config, killer.look)
    struck_s = time.monotonic() - begun
    ray.shutdown()
    wanted, found = (_vectors(shop, titles) for shop in (clean, struck))
    cosines = np.einsum("ij,ij->i", wanted, found)
    again = struck.embed(config)
    outcome.figures |= {
        "texts": len(titles),
        "units": -(-len(titles) // UNIT_TEXTS),
        "kills": killer.kills,
        "clean s": round(clean_s, 1),
        "with kills s": round(struck_s, 1),
        "overhead %": round(100 * (struck_s / clean_s - 1)),
        "least cosine": round(float(cosines.min()), 6),
    }
    outcome.require("workers killed", str(KILLS), killer.kills, killer.kills >= place.times(KILLS, 1))
    outcome.require("texts embedded", f"{len(titles):,}", report.embedded, report.embedded == len(titles))
    outcome.require(
        "least cosine", f"at least {COSINE}", float(cosines.min()), float(cosines.min()) >= COSINE
    )
    outcome.require_zero(embedded_by_a_second_run=again.embedded, broken_units=again.broken_units)
    outcome.notes.append(
        "A unit of 20 texts lands whole or not at all; the actor that takes over sends again what had not."
    )


def _vectors(shop: Shop, titles: list[str]) -> np.ndarray:
    found = shop.vectors(titles)
    assert len(found) == len(list(map(text_hash, titles)))
    return found


class _Killer:
    """Kills one encoder actor whenever another tenth of the texts has landed."""

    def __init__(self, total: int) -> None:
        self._step, self._next, self.kills = total / (KILLS + 2), 1, 0

    def look(self, progress: EmbedProgress) -> None:
        """Told of each unit that lands."""
        if self.kills < KILLS and progress.done >= self._next * self._step and (actors := _actors()):
            kill(actors[:1])
            self.kills += 1
            self._next += 1


def _actors() -> list[int]:
    own = descendants(int(Path("/proc/self").resolve().name))
    return [pid for pid in own if "UnitEncoder" in title_of(pid)]
