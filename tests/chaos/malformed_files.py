"""J5: catalog files as bad as they come: what is good is kept, the rest is counted, nothing of it runs."""

from __future__ import annotations

import io
import json
import resource
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray.data  # noqa: F401  # registers the extension types that a payload would hide in

from recsys.config import EncoderConfig
from recsys.encoder import TextEncoder
from recsys.schemas import ITEMS, conform
from recsys.text import item_texts
from tests.chaos.canary import Mark
from tests.chaos.outcome import Outcome, Place
from tests.e2e.test_dirty_files import Shop
from tests.tiny_encoders import tiny_bert

MIB = 2**20
MOST_GROWTH_MIB = 1_024
GOOD_ROWS = 10


def run(place: Place, outcome: Outcome) -> None:
    """Import every file by itself, each with ten good rows beside it."""
    mark = Mark(place.folder / "fired")
    tables = []
    refused: Counter[str] = Counter()
    fired = 0
    # In another process: the memory that it takes to make them is not the import's.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        made = pool.submit(_made, mark.path).result()
    _encoded(place, pa.table({"item_id": ["a"], "title": ["a"], "available": [True]}))
    before = _peak_mib()
    for number, (name, (suffix, content)) in enumerate(made.items()):
        (place.folder / f"{number:02d}").mkdir()
        shop = Shop(place.folder / f"{number:02d}")
        bad, good = shop.write(f"bad.{suffix}", content), shop.write("good.jsonl", _lines(_good()))
        report = shop.import_items(bad, good)
        reasons = Counter(reason for file, _, reason in shop.refused(report) if file.startswith("bad"))
        kept = {f"good-{row}" for row in range(GOOD_ROWS)} <= set(shop.catalog())
        refused += reasons
        told = (
            ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "nothing refused"
        )
        outcome.require(name, "the good file's rows are kept", told, kept)
        outcome.require(
            f"{name}: payload", "never runs", "ran" if mark.fired else "did not run", not mark.path.exists()
        )
        tables += list(shop.items.scan())
        place.say(f"{name}: {told}, peak {_peak_mib():.0f} MiB")
    growth = round(_peak_mib() - before)
    vectors = _encoded(place, pa.concat_tables(tables))
    outcome.figures |= {
        "files": len(FILES),
        "rows refused": refused.total(),
        "kept items": len(vectors),
        "memory growth MiB": growth,
    }
    outcome.require("memory growth", f"at most {MOST_GROWTH_MIB} MiB", growth, growth <= MOST_GROWTH_MIB)
    outcome.require_zero(payloads_run=fired, numbers_that_are_none=int((~np.isfinite(vectors)).sum()))


def _made(path: Path) -> dict[str, tuple[str, bytes]]:
    """The files; the mark itself is made here, since sending it to a process would set it off."""
    return {name: make(Mark(path)) for name, make in FILES.items()}


def _encoded(place: Place, items: pa.Table) -> np.ndarray:
    source = place.folder / "encoder"
    folder = source if source.is_dir() else tiny_bert(source)
    encoder = TextEncoder.load(EncoderConfig(source=str(folder), max_tokens=64))
    return encoder.encode(item_texts(conform(items, ITEMS)).column("text").to_pylist())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _good(first: str = "good") -> list[dict[str, object]]:
    return [{"item_id": f"{first}-{row}", "title": f"A good thing {row}"} for row in range(GOOD_ROWS)]


def _lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, **options)
    return sink.getvalue()


def _plain(rows: int = 30) -> pa.Table:
    return pa.table({"item_id": [f"p{row:02d}" for row in range(rows)], "title": ["a title"] * rows})


def _cut_footer(_: Mark) -> tuple[str, bytes]:
    return "parquet", _parquet(_plain())[:-6]


def _bad_page(_: Mark) -> tuple[str, bytes]:
    content = bytearray(_parquet(_plain(), compression="none", use_dictionary=False, row_group_size=10))
    content[content.index(b"p15") + 1] ^= 0xFF
    return "parquet", bytes(content)


def _page_bomb(_: Mark) -> tuple[str, bytes]:
    """A few kilobytes that unpack to a value of 256 MiB."""
    table = pa.table({"item_id": ["bomb"], "title": pa.array(["x" * (256 * MIB)], pa.large_string())})
    return "parquet", _parquet(table, compression="zstd", use_dictionary=False)


def _dictionary_bomb(_: Mark) -> tuple[str, bytes]:
    """A dictionary of one long title that 20,000 rows point to: 200 MB when written out."""
    ids = [f"d{row:05d}" for row in range(20_000)]
    titles = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(ids), np.int32)), ["long " * 2_000])
    return "parquet", _parquet(pa.table({"item_id": ids, "title": titles}), compression="zstd")


def _pickled_extension(mark: Mark) -> tuple[str, bytes]:
    """A column that says of itself that a pickle makes its type."""
    fields = [pa.field("item_id", pa.string())]
    names = (b"arrow.py_extension_type", b"ray.data.arrow_tensor", b"ray.data.arrow_pickled_object")
    for number, name in enumerate(names):
        metadata = {b"ARROW:extension:name": name, b"ARROW:extension:metadata": mark.pickled}
        fields.append(pa.field("title" if number == 0 else f"more{number}", pa.string(), metadata=metadata))
    rows = [[f"x{row}" for row in range(5)], *([["a title"] * 5] * len(names))]
    return "parquet", _parquet(
        pa.Table.from_arrays([pa.array(row) for row in rows], schema=pa.schema(fields))
    )


def _pickled_values(mark: Mark) -> tuple[str, bytes]:
    return "parquet", _parquet(pa.table({"item_id": ["v"], "title": pa.array([mark.pickled], pa.binary())}))


def _drifted(_: Mark) -> tuple[str, bytes]:
    rows: list[dict[str, object]] = [
        {"item_id": 1, "title": ["a", 2]},
        {"item_id": {"a": 1}, "title": "b"},
        {"name": 3},
        {"item_id": "ok", "title": "fine"},
    ]
    return "jsonl", _lines(rows)


def _ids(_: Mark) -> tuple[str, bytes]:
    ids: list[object] = [None, "", "twice", "twice", "a\0b", "x" * 10_000]
    return "jsonl", _lines([{"item_id": one, "title": f"t{number}"} for number, one in enumerate(ids)])


def _prices(_: Mark) -> tuple[str, bytes]:
    prices = [float("nan"), float("inf"), -1, "-3 EUR", 1e300, "a lot"]
    return "jsonl", _lines(
        [{"item_id": f"n{n}", "title": "t", "price": price} for n, price in enumerate(prices)]
    )


def _deep(_: Mark) -> tuple[str, bytes]:
    return "jsonl", b'{"item_id": "deep", "title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"


FILES: dict[str, Callable[[Mark], tuple[str, bytes]]] = {
    "cut footer": _cut_footer,
    "bad page": _bad_page,
    "page that unpacks to 256 MiB": _page_bomb,
    "dictionary that unpacks to 200 MB": _dictionary_bomb,
    "pickle in a column's metadata": _pickled_extension,
    "pickle as a value": _pickled_values,
    "columns that change their type": _drifted,
    "null, empty, repeated, long ids": _ids,
    "no rows": lambda _: ("parquet", _parquet(_plain(0))),
    "title of 5 MB": lambda _: ("jsonl", _lines([{"item_id": "big", "title": "word " * MIB}])),
    "bytes that are no UTF-8": lambda _: ("csv", b"item_id,title\nu1,\xff\xfe\xfa\nu2,caf\xe9\n"),
    "prices that are no prices": _prices,
    "brackets without end": _deep,
}
