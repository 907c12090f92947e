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
from recsys.reading.xml_feed import read_xml
from recsys.workspace import leads_inside

READERS: dict[str, Callable[[Path, ImportConfig], Reading]] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".xml": read_xml,
    ".rss": read_xml,
    ".atom": read_xml,
}


def list_files(paths: Sequence[Path]) -> list[Path]:
    """The files behind paths: folders are walked in name order, hidden entries are left out, and so are
    a file that came before and `links_outside`.

    Raises `UnreadableFileError` for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UnreadableFileError("there is no such file or folder", found=str(path))
        files += _walk(path) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def links_outside(paths: Sequence[Path]) -> list[Path]:
    """Links in these folders that lead out of them: whoever fills a folder may not name other files.

    A link that is itself one of `paths` was named by the caller and is followed.
    """
    return [file for path in paths if path.is_dir() for file in _entries(path) if not _is_inside(file, path)]


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
    return [path for path in _entries(folder) if _is_inside(path, folder) and path.is_file()]


def _entries(folder: Path) -> list[Path]:
    """Everything that is not hidden; nothing is opened."""
    found = folder.rglob("*")
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _is_inside(path: Path, folder: Path) -> bool:
    return not path.is_symlink() or leads_inside(path, folder)
