"""What was measured on one machine, from which larger catalogs are predicted."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError

from recsys.config import Config
from recsys.errors import InputError

MEASURED = "measured.json"


class SizeFigures(Config):
    """One index in one shard."""

    items: PositiveInt
    build_s: PositiveFloat
    """Writing and compressing, from vectors and fields at hand."""
    publish_s: PositiveFloat
    """Checking the version whole and moving the pointer."""
    disk_bytes: PositiveInt
    """Files of the version."""
    memory_bytes: PositiveInt
    """What opening and searching it adds to a process, mapped files included."""
    exact_ms: PositiveFloat
    """Median search of one query on one core, every row scored."""
    search_ms: PositiveFloat
    """Median search of one query on one core, as the shard is built."""
    search_spread: NonNegativeFloat
    """Standard deviation of the logarithm of that time over queries, by its quartiles."""
    recall: float = Field(ge=0.0, le=1.0)
    """recall@10 of that search."""


class Figures(Config):
    """Everything the model needs."""

    machine: str
    """Processor and cores."""
    date: str
    """Day of measuring."""
    sizes: tuple[SizeFigures, ...] = Field(min_length=2)
    """Two or more numbers of items."""
    merge_ms: PositiveFloat
    """Merging eight shards' lists of ten."""
    request_ms: PositiveFloat
    """Processor time of one request in the process that answers it, searching left out."""
    hop_ms: NonNegativeFloat
    """Processor time that asking a shard in another process adds, both sides together."""
    process_bytes: PositiveInt
    """Memory of a shard's process before it holds items."""
    embed_texts_per_s: PositiveFloat
    """Product texts encoded a second on one core."""


def read_figures(path: Path | None = None) -> Figures:
    """Figures of a file, or those that come with the package; raises `InputError` for other content.

    The file holds a `Figures`, or a record of `recsys bench growth` with one in it.
    """
    text = path.read_text(encoding="utf-8") if path else _packaged()
    try:
        return Figures.model_validate_json(text)
    except ValidationError as plain:
        try:
            return _Record.model_validate_json(text).section.figures.capacity
        except ValidationError:
            found = f"{plain.errors()[0]['loc']}: {plain.errors()[0]['msg']}"
        raise InputError(
            "the figures are not usable",
            expected="growth.json of `recsys bench growth`",
            found=found,
            where=path.name if path else MEASURED,
        ) from plain


def _packaged() -> str:
    return files("recsys.capacity").joinpath(MEASURED).read_text(encoding="utf-8")


class _Held(Config):
    model_config = {"extra": "ignore"}
    capacity: Figures


class _Section(Config):
    model_config = {"extra": "ignore"}
    figures: _Held


class _Record(Config):
    model_config = {"extra": "ignore"}
    section: _Section
