"""Where byte strings are found below a folder, Parquet files decoded; in a process of its own.

A process that closes a SQLite file takes away the locks that its own SQLite has on it. Not decoded: vectors
by hash of an item's text, which have no column of people.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def places(folder: Path, words: list[str]) -> dict[str, int]:
    """File -> how often it holds one of the words, in any case of letters; files without one are left out."""
    asked = json.dumps([str(folder), [word.lower() for word in words]])
    script = [sys.executable, str(Path(__file__))]
    done = subprocess.run(script, input=asked, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _count(content: bytes, words: list[str]) -> int:
    lowered = content.lower()
    return sum(
        lowered.count(form) for word in words for form in {word.encode(), json.dumps(word)[1:-1].encode()}
    )


def _decoded(file: Path) -> bytes:
    import pyarrow as pa  # takes longer than most searches
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except pa.ArrowInvalid:
        return b""
    return json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()


def _main() -> None:
    folder, words = json.loads(sys.stdin.read())
    found: dict[str, Any] = {}
    for file in sorted(Path(folder).rglob("*")):
        if not file.is_file():
            continue
        place = file.relative_to(folder)
        tabular = file.suffix == ".parquet" and place.parts[0] != "embeddings"
        content = file.read_bytes() + (_decoded(file) if tabular else b"")
        if num := _count(content, words) + _count(str(place).encode(), words):
            found[str(place)] = num
    print(json.dumps(found))


if __name__ == "__main__":
    _main()
