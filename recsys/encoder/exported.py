"""Cache of exported networks: each file lands whole beside its digest, and is made again when broken."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from recsys.encoder.folder import EncoderFolder
from recsys.encoder.version import content_digest
from recsys.errors import SignatureError
from recsys.signing import ManifestFile

MODEL, DIGEST = "model.onnx", "model.sha256"


def fingerprint(folder: EncoderFolder, precision: str, libraries: str) -> str:
    """Name of an export: the encoder's content, the precision, and the versions of what exports."""
    return f"{content_digest(folder)[:16]}-{precision}-{libraries}"


def exported(cache: Path | None, name: str, make: Callable[[Path], None]) -> Path:
    """The exported file called `name`; `make` writes it when it is absent, cut off or altered.

    Where keys are trusted an export that none of them signed is made again from the encoder's own files.

    Two processes that make it at the same time both succeed; the last one's file stays.
    """
    folder = (cache or default_cache()) / name
    if not _is_whole(folder):
        _make(folder, make)
    return folder / MODEL


def default_cache() -> Path:
    """Where exports go that belong to no workspace."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recsys" / "exported"


def _is_whole(folder: Path) -> bool:
    try:
        return _digest_file(folder).read().decode().strip() == _digest(folder / MODEL)
    except (OSError, ValueError, SignatureError):
        return False


def _digest_file(folder: Path) -> ManifestFile:
    return ManifestFile(folder / DIGEST, "export", folder.name)


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
    try:
        made = building / MODEL
        make(made)
        digest = _digest(made)
        os.replace(made, folder / MODEL)
        _digest_file(folder).write(digest.encode())
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
