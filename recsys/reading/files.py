"""Which files an import reads, and the reader for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from recsys.config import ImportConfig
from recsys.errors import UnreadableFileError
from recsys.reading.delimited import read_delimited
from recsys.reading.json_lines import read_json
from recsys.reading.lines import BROKEN_STREAM
from recsys.reading.parquet import read_parquet
from recsys.reading.records import Fault, Reading

READERS: dict[str, Callable[[Path, ImportConfig], Reading]] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
}


def list_files(paths: Sequence[Path]) -> list[Path]:
    """The files behind paths: folders are walked in name order, hidden entries are left out, and so is
    a file that came before.

    Raises `UnreadableFileError` for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UnreadableFileError("there is no such file or folder", found=str(path))
        files += _walk(path) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def read_file(path: Path, config: ImportConfig) -> Reading:
    """Batches and faults of one file, streamed; `unknown_format` when nothing reads its kind."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    reader = READERS.get(suffixes[-1] if suffixes else "")
    if reader is None:
        yield Fault("unknown_format", f"expected one of {', '.join(READERS)}; found {path.suffix or 'none'}")
        return
    try:
        yield from reader(path, config)
    except BROKEN_STREAM as error:
        yield Fault("unreadable_file", f"{type(error).__name__}: {error}"[:300])


def _walk(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
