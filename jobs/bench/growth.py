"""What grows with the catalog: building, searching, memory; what splitting it costs; swapping versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import numpy as np

from jobs.bench.growth_build import Built, build
from jobs.bench.growth_figures import capacity_figures, has_http, size_figures, texts_per_s
from jobs.bench.growth_probe import WORKERS, Probed, probe
from jobs.bench.http import FULL as HTTP_FULL
from jobs.bench.http import QUICK as HTTP_QUICK
from jobs.bench.index_swap import Swaps, measure_swaps
from jobs.bench.section import BenchSettings, Cell, Plot, Section, Table, Target
from jobs.bench.shop_at_scale import ShopPlan, make_shop_at_scale
from jobs.bench.vectors import vectors_and_queries
from recsys.capacity.cost_model import held_out_errors
from recsys.capacity.figures import Figures

MB = 1e6
WANTED_RECALL = 0.99


@dataclass(frozen=True)
class GrowthSize:
    """How much is measured."""

    items: tuple[int, ...]
    """Sizes in one shard."""
    split_items: int
    """Size that is split."""
    shards: tuple[int, ...]
    num_queries: int
    num_swaps: int
    plan: ShopPlan


FULL = GrowthSize((10_000, 100_000, 1_000_000), 100_000, (1, 2, 4, 8), 200, 6, HTTP_FULL.plan)
QUICK = GrowthSize((1_000, 2_000, 4_000), 2_000, (1, 8), 20, 2, HTTP_QUICK.plan)


@dataclass(frozen=True)
class _Point:
    """One index and how it is searched."""

    built: Built
    probed: Probed

    @property
    def items(self) -> int:
        return self.built.manifest.item_count

    @property
    def search_ms(self) -> float:
        return float(np.median(self.probed.compressed_ms))

    @property
    def exact_ms(self) -> float:
        return float(np.median(self.probed.exact_ms))


def run(settings: BenchSettings) -> Section:
    """Build and search every size, split one of them, swap versions under load.

    What HTTP costs is read from the record of that part in the same folder, for the capacity model.
    """
    size = QUICK if settings.quick else FULL
    folder = settings.folder / "growth"
    grown = [_point(settings, folder, items, 1, size.num_queries) for items in size.items]
    split = [
        next((one for one in grown if (one.items, shards) == (size.split_items, 1)), None)
        or _point(settings, folder, size.split_items, shards, size.num_queries)
        for shards in size.shards
    ]
    settings.say("swaps index versions under load")
    shop = make_shop_at_scale(settings.folder / f"shop-{size.plan.num_items}", size.plan, settings.say)
    swaps = measure_swaps(shop, folder, size.num_swaps)
    settings.say("encodes texts")
    http = settings.folder / "http.json"
    merge_ms = float(np.median(split[-1].probed.merge_ms))
    sizes = [size_figures(point.built, point.probed) for point in grown]
    figures = capacity_figures(sizes, merge_ms, texts_per_s(), http)
    return _section(grown, split, swaps, figures, has_http(http))


def _point(settings: BenchSettings, folder: Path, items: int, shards: int, num_queries: int) -> _Point:
    settings.say(f"builds and searches {items:,} items in {shards} shards")
    root, queries_file = folder / f"{items}-{shards}", folder / "queries.npy"
    rmtree(root, ignore_errors=True)
    vectors, queries = vectors_and_queries(items, num_queries)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(queries_file, queries)
    built = build(root, vectors, shards)
    del vectors
    probed = probe(built.workspace, queries_file)
    rmtree(root)  # a million items take 2 GB
    return _Point(built, probed)


def _section(
    grown: Sequence[_Point], split: Sequence[_Point], swaps: Swaps, figures: Figures, with_http: bool
) -> Section:
    errors = held_out_errors(figures)
    return Section(
        name="growth",
        title="Growth",
        tables=(_sizes_table(grown), _search_table(grown), _split_table(split), _swap_table(swaps))
        + ((_errors_table(errors),) if errors else ()),
        targets=(
            Target(
                "recall@10 at every size",
                WANTED_RECALL,
                min(point.probed.recall for point in (*grown, *split)),
            ),
            Target("failed requests during swaps", 0.0, float(swaps.failed), at_least=False),
        ),
        notes=(
            "Synthetic vectors with the spectrum and the neighbours of real ones, 384 columns; fields are "
            "the built-in shop's. Building starts from vectors and fields in memory, without the database.",
            "Searches: one query at a time for ten items, one thread, in a process of its own. Memory is "
            "what opening and searching adds to it, mapped files included.",
            f"The default encoder encodes {figures.embed_texts_per_s:.0f} texts of the built-in shop a "
            "second on one core.",
            "What HTTP adds to a request, for `recsys capacity`: "
            + ("from this run." if with_http else "not in this run, taken from the package's figures."),
        ),
        plots=_plots(grown),
        figures={
            "capacity": figures.model_dump(),
            "held_out_errors": errors,
            "swap_visible_s": float(np.median(swaps.visible_s)),
            "swap_failed": swaps.failed,
            "swap_degraded": swaps.degraded,
        },
    )


def _sizes_table(grown: Sequence[_Point]) -> Table:
    return Table(
        "Building one shard",
        ("items", "write, s", "compress, s", "publish, s", "files, MB", "memory, MB", "of it its own, MB"),
        tuple(
            (
                point.items,
                point.built.write_s,
                point.built.compress_s,
                point.built.publish_s,
                point.built.bytes / MB,
                point.probed.resident_bytes / MB,
                point.probed.own_bytes / MB,
            )
            for point in grown
        ),
    )


def _search_table(grown: Sequence[_Point]) -> Table:
    return Table(
        "Searching one shard, one query on one core",
        ("items", "every row, ms", "as built, p50 ms", "as built, p99 ms", "times as fast", "recall@10"),
        tuple(
            (
                point.items,
                point.exact_ms,
                point.search_ms,
                float(np.percentile(point.probed.compressed_ms, 99)),
                point.exact_ms / point.search_ms,
                point.probed.recall,
            )
            for point in grown
        ),
    )


def _split_table(split: Sequence[_Point]) -> Table:
    return Table(
        f"{split[0].items:,} items split into shards, one query",
        ("shards", "one thread, ms", f"{WORKERS} threads, ms", "of it merge, ms", "build, s", "recall@10"),
        tuple(_split_row(point) for point in split),
    )


def _split_row(point: _Point) -> tuple[Cell, ...]:
    return (
        point.built.manifest.num_shards,
        point.search_ms,
        float(np.median(point.probed.workers_ms)),
        float(np.median(point.probed.merge_ms)),
        point.built.write_s + point.built.compress_s,
        point.probed.recall,
    )


def _swap_table(swaps: Swaps) -> Table:
    return Table(
        "Another version in a running service, lists asked for meanwhile",
        ("swaps", "check and point, s", "until it answers, s", "lists asked for", "failed", "degraded"),
        (
            (
                len(swaps.visible_s),
                float(np.median(swaps.publish_s)),
                float(np.median(swaps.visible_s)),
                swaps.answers,
                swaps.failed,
                swaps.degraded,
            ),
        ),
    )


def _errors_table(errors: dict[str, float]) -> Table:
    return Table(
        "The largest size predicted from the smaller ones",
        ("cost", "prediction over measurement"),
        tuple((stage, ratio) for stage, ratio in errors.items()),
    )


def _plots(grown: Sequence[_Point]) -> tuple[Plot, ...]:
    items = tuple(float(point.items) for point in grown)
    return (
        Plot(
            "growth-search",
            "Search time of one shard",
            "items",
            "ms",
            {
                "every row": (items, tuple(point.exact_ms for point in grown)),
                "as built": (items, tuple(point.search_ms for point in grown)),
            },
        ),
        Plot(
            "growth-memory",
            "Memory and files of one shard",
            "items",
            "MB",
            {
                "memory": (items, tuple(point.probed.resident_bytes / MB for point in grown)),
                "files": (items, tuple(point.built.bytes / MB for point in grown)),
            },
        ),
    )
