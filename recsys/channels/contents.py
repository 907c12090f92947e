"""Digests of files: what is the same picture is encoded once, what was not changed never again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from recsys.channels.frames import pictures_in
from recsys.errors import UnreadableFileError

DIGEST_BYTES = 16


def content_hash(path: Path) -> str:
    """32 hex digits of a file's bytes, or of the names and bytes of a folder's pictures.

    Raises `UnreadableFileError` (`missing_file`) for what cannot be read.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        for file in pictures_in(path) if path.is_dir() else [path]:
            with file.open("rb") as content:
                part = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES))
            name = file.name if path.is_dir() else ""
            digest.update(f"{name}\n{part.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UnreadableFileError(
            "missing_file", expected="a file that can be read", found=str(error)[:200]
        ) from error
    return digest.hexdigest()
