"""From what was measured to what the capacity model reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from jobs.bench.growth_build import Built
from jobs.bench.growth_probe import Probed
from jobs.bench.machine import machine
from jobs.bench.measure import seconds
from jobs.bench.record import read_record
from jobs.bench.shop_items import shop_items
from recsys.capacity.cost_model import Line
from recsys.capacity.figures import Figures, SizeFigures, read_figures
from recsys.config import EncoderConfig
from recsys.encoder import TextEncoder
from recsys.text import item_texts

NUM_TEXTS = 128
NUM_TURNS = 3
QUARTILES = 1.349
"""Distance of a normal distribution's quartiles, in standard deviations; a task that others interrupt for
milliseconds does not move them."""


def size_figures(built: Built, probed: Probed) -> SizeFigures:
    """One index in one shard as the model takes it."""
    times = np.array(probed.compressed_ms)
    low, high = np.percentile(np.log(times), (25, 75))
    return SizeFigures(
        items=built.manifest.item_count,
        build_s=built.write_s + built.compress_s,
        publish_s=built.publish_s,
        disk_bytes=built.bytes,
        memory_bytes=max(1, probed.resident_bytes),
        exact_ms=float(np.median(probed.exact_ms)),
        search_ms=float(np.median(times)),
        search_spread=float(high - low) / QUARTILES,
        recall=probed.recall,
    )


def texts_per_s() -> float:
    """Texts of the built-in shop that the default encoder encodes a second on one core."""
    encoder = TextEncoder.load(EncoderConfig(device="cpu", num_threads=1))
    items = shop_items(np.random.default_rng(0), NUM_TEXTS)
    texts = item_texts(items).column("text").to_pylist()
    encoder.encode(texts)
    return NUM_TEXTS / float(np.median([seconds(lambda: encoder.encode(texts)) for _ in range(NUM_TURNS)]))


def capacity_figures(
    sizes: Sequence[SizeFigures], merge_ms: float, embed_texts_per_s: float, http: Path
) -> Figures:
    """The model's figures; what HTTP adds is read from the record `http` of that part of the benchmark.

    Where there is none it is taken from the figures that come with the package.
    """
    known = {str(row[0]): row[1] for row in machine().rows}
    return Figures.model_validate(
        {
            "machine": f"{known['processor']}, {known['cores']} cores, {known['memory']}",
            "date": datetime.now(UTC).date().isoformat(),
            "sizes": tuple(sizes),
            "merge_ms": merge_ms,
            "embed_texts_per_s": embed_texts_per_s,
            **_http_costs(http, sizes),
        }
    )


def has_http(http: Path) -> bool:
    """Whether the record is there and was made at full size."""
    record = read_record(http)
    return bool(record and record.section and not record.quick)


def _http_costs(http: Path, sizes: Sequence[SizeFigures]) -> dict[str, float | int]:
    record = read_record(http)
    if record is None or record.section is None or record.quick:
        packaged = read_figures()
        return packaged.model_dump(include={"request_ms", "hop_ms", "process_bytes"})
    figures = record.section.figures
    shards = int(figures["num_shards"])
    line = Line.through([size.items for size in sizes], [size.search_ms for size in sizes])
    searching_ms = shards * line.at(figures["num_items"] / shards)
    return {
        "request_ms": max(0.1, figures["cpu_ms"] - searching_ms),
        "hop_ms": max(0.0, (figures["remote_cpu_ms"] - figures["cpu_ms"]) / shards),
        "process_bytes": int(figures["process_bytes"]),
    }
