"""A catalog embedded from scratch, and again after one text in a hundred changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa

from cluster.database import open_database
from cluster.embedding import EmbedReport, choose_encoding, embed_catalog
from cluster.item_store import ItemStore
from jobs.bench.measure import seconds, spread
from jobs.bench.section import BenchSettings, Section, Table, Target
from recsys.config import Backend, EmbedConfig, EncoderConfig, Precision, RuntimeConfig
from recsys.encoder_record import save_encoder_config
from recsys.schemas import ITEMS
from recsys.shop import make_shop
from recsys.workspace import Workspace

CHANGED_SHARE = 0.01
ROUNDS = 3


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    items: int
    embed: EmbedConfig


FULL = Sizes(40_000, EmbedConfig(cpus_per_actor=2.0))
QUICK = Sizes(300, EmbedConfig(cpus_per_actor=2.0, unit_texts=50, local_texts=100, calibrate_texts=10_000))


def run(settings: BenchSettings) -> Section:
    """Seconds of `embed_catalog` from scratch, after 1 % changed, and with nothing new.

    One process for all, with its libraries loaded and the choice of backend made before; then 1 % once
    more as a command of its own.
    """
    sizes = QUICK if settings.quick else FULL
    root = settings.folder / "reembedding"
    rmtree(root, ignore_errors=True)
    with _shop(root, sizes.items) as shop:
        settings.say("chooses a backend and a precision")
        shop.choose(sizes.embed, settings)
        settings.say(f"embeds {sizes.items:,} items from scratch")
        scratch = shop.embed(sizes.embed)
        settings.say("embeds after changes")
        changed = [shop.embed_changed(sizes.embed, turn) for turn in range(ROUNDS)]
        nothing = [shop.embed(sizes.embed).seconds for _ in range(ROUNDS)]
        shop.change(ROUNDS)
        command_s = seconds(lambda: _command(root))
        encoder = shop.encoder
    rmtree(root)
    return _section(sizes, encoder, scratch, changed, nothing, command_s)


class _Shop:
    """A workspace whose catalog can change."""

    def __init__(self, root: Path, items: pa.Table, store: ItemStore) -> None:
        self._items, self._store = items, store
        self._workspace = Workspace(root)
        self.encoder = EncoderConfig(backend=Backend.AUTO, precision=Precision.AUTO, device="cpu")

    def choose(self, embed: EmbedConfig, settings: BenchSettings) -> None:
        import torch  # noqa: F401  # its import is no part of any run

        runtime = RuntimeConfig(workspace=self._workspace.root)
        self.encoder, _ = choose_encoding(
            self._workspace, self._store, self.encoder, embed, runtime, settings.say
        )

    def embed(self, embed: EmbedConfig) -> EmbedReport:
        report = embed_catalog(self._workspace, self._store, self.encoder, embed)
        save_encoder_config(self._workspace, report.encoder_version, self.encoder)
        return report

    def embed_changed(self, embed: EmbedConfig, turn: int) -> EmbedReport:
        self.change(turn)
        return self.embed(embed)

    def change(self, turn: int) -> None:
        """Other descriptions for 1 % of the items, others in each turn."""
        places = np.random.default_rng(turn).permutation(len(self._items))
        rows = self._items.take(pa.array(places[: int(len(places) * CHANGED_SHARE)])).to_pylist()
        news = [row | {"description": f"{row['description']} New in batch {turn}."} for row in rows]
        self._store.upsert(pa.Table.from_pylist(news, schema=ITEMS))


@contextmanager
def _shop(root: Path, num_items: int) -> Iterator[_Shop]:
    workspace = Workspace(root).create()
    engine = open_database(workspace.database_url)
    try:
        items, store = make_shop(num_items=num_items, num_shoppers=10).items, ItemStore(engine)
        store.upsert(items)
        yield _Shop(root, items, store)
    finally:
        engine.dispose()


def _command(root: Path) -> None:
    """`recsys embed` as a user calls it, without the index."""
    code = "from jobs.cli import main; main()"
    asked = ["embed", "--workspace", str(root), "--no-index", "--json"]
    subprocess.run([sys.executable, "-c", code, *asked], check=True, capture_output=True)


def _section(
    sizes: Sizes,
    encoder: EncoderConfig,
    scratch: EmbedReport,
    changed: list[EmbedReport],
    nothing: list[float],
    command_s: float,
) -> Section:
    after, idle = spread([report.seconds for report in changed]), spread(nothing)
    texts = changed[0].embedded
    return Section(
        name="reembedding",
        title="Re-embedding",
        tables=(
            Table(
                f"{sizes.items:,} items, {encoder.backend} {encoder.precision}, two cores",
                ("run", "texts encoded", "seconds", "times cheaper"),
                (
                    ("from scratch, start of Ray included", scratch.embedded, scratch.seconds, 1.0),
                    ("after 1 % of the texts changed", texts, after.text(), scratch.seconds / after.median),
                    ("nothing new", 0, idle.text(), scratch.seconds / idle.median),
                    ("1 % as a command of its own", texts, command_s, scratch.seconds / command_s),
                ),
            ),
        ),
        targets=(
            Target("1 % changed, times cheaper than from scratch", 50.0, scratch.seconds / after.median),
        ),
        notes=(
            "Each run is one call of `embed_catalog` in one process that has its libraries loaded; median "
            f"and range of {ROUNDS} runs, from scratch once. The command starts Python and loads them, too.",
            "The backend and precision were chosen before; that measurement is no part of any figure.",
        ),
        figures={
            "scratch_s": scratch.seconds,
            "changed_s": after.median,
            "nothing_s": idle.median,
            "command_s": command_s,
        },
    )
