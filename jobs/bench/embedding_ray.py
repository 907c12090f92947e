"""What the embedding job on Ray costs beside the same encoder in a plain loop over the same units."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow.parquet as pq

from cluster.database import open_database
from cluster.embedding import EmbedProgress, embed_catalog
from cluster.embedding.export import Unit, export_pending
from cluster.item_store import ItemStore
from jobs.bench.measure import seconds
from jobs.bench.shop_items import shop_items
from recsys.config import EmbedConfig, EncoderConfig
from recsys.encoder import TextEncoder
from recsys.workspace import Workspace

CPUS = 2.0


@dataclass(frozen=True)
class RayCost:
    """One run of the job, and the loop around it."""

    texts: int
    """Texts that both encoded while they were timed: all but the first unit's."""
    loop_s: float
    ray_s: float
    start_s: float
    """From the call to the first finished unit, less what the loop takes for that unit."""

    @property
    def overhead(self) -> float:
        """Share of time that the job takes more than the loop, its start apart."""
        return self.ray_s / self.loop_s - 1


def ray_cost(encoder: EncoderConfig, num_items: int, unit_texts: int, folder: Path) -> RayCost:
    """Encode a catalog once with Ray, half of its units in a loop before and the other half after."""
    rmtree(folder, ignore_errors=True)
    items = shop_items(np.random.default_rng(1), num_items)
    units = export_pending([items], np.empty(0, "S32"), folder / "loop", unit_texts).units
    workspace = Workspace(folder / "workspace").create()
    engine = open_database(workspace.database_url)
    store = ItemStore(engine)
    store.upsert(items)
    embed = EmbedConfig(cpus_per_actor=CPUS, unit_texts=unit_texts, local_texts=0)
    local = TextEncoder.load(encoder.model_copy(update={"num_threads": int(CPUS)}))
    first_s = _loop(local, units[:1])
    before_s = _loop(local, units[1::2])
    finished: list[float] = []

    def on_progress(state: EmbedProgress) -> None:
        if state.done:
            finished.append(time.perf_counter())

    started = time.perf_counter()
    embed_catalog(workspace, store, encoder, embed, on_progress)
    loop_s = before_s + _loop(local, units[2::2])
    engine.dispose()
    rmtree(folder)
    texts = sum(unit.num_texts for unit in units[1:])
    return RayCost(texts, loop_s, finished[-1] - finished[0], finished[0] - started - first_s)


def _loop(encoder: TextEncoder, units: list[Unit]) -> float:
    texts = [pq.read_table(unit.file).column("text").to_pylist() for unit in units]
    return seconds(lambda: [encoder.encode(part) for part in texts])
