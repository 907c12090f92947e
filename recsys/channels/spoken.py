"""What is said in films becomes part of their items' descriptions, and so of their texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from recsys.catalog.text_cleaning import clean_text
from recsys.channels.locating import locate, reference_of
from recsys.channels.subtitles import read_subtitles
from recsys.errors import UnreadableFileError
from recsys.schemas import STRING, Cleaned


def with_subtitles(cleaned: Cleaned, folder: Path, max_chars: int) -> Cleaned:
    """Clean `ITEMS` rows with the words of their attribute `subtitles` after their descriptions.

    Files are looked for in `folder` alone. What became of them is counted among `mended`:
    `subtitles_read`, `subtitles_missing`, `subtitles_broken`; an item keeps its text in any case.
    """
    counts: Counter[str] = Counter(cleaned.mended)
    descriptions = [
        _described(row, folder, max_chars, counts)
        for row in cleaned.good.select(["description", "attributes"]).to_pylist()
    ]
    place = cleaned.good.schema.get_field_index("description")
    good = cleaned.good.set_column(place, cleaned.good.schema.field(place), pa.array(descriptions, STRING))
    return replace(cleaned, good=good, mended=counts)


def _described(row: dict[str, object], folder: Path, max_chars: int, counts: Counter[str]) -> str | None:
    said: str | None = row["description"] if isinstance(row["description"], str) else None
    reference = reference_of(row, "subtitles")
    if reference is None:
        return said
    try:
        words = read_subtitles(locate(reference, folder))
    except UnreadableFileError as error:
        missing = error.what in ("missing_file", "outside_folder")
        counts["subtitles_missing" if missing else "subtitles_broken"] += 1
        return said
    counts["subtitles_read"] += 1
    return clean_text(f"{said} {words}" if said else words, max_chars) or None
