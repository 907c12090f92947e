"""Where a backup is written: a folder or a tar archive that appears whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from recsys.backup_manifest import FileRecord
from recsys.errors import ConfigError, StoreError
from recsys.workspace import sync_folder

CHUNK = 1 << 20
PLAIN = 0o644
ARCHIVES = (".tar", ".tar.gz", ".tgz")


class Sink(Protocol):
    """Takes files one after the other."""

    def add(self, name: str, source: Path) -> FileRecord:
        """Copy one file; raises `FileNotFoundError` when it has gone, `StoreError` when it shrank."""

    def add_bytes(self, name: str, content: bytes) -> FileRecord:
        """Write one small file."""


class Digesting(io.RawIOBase):
    """A file that is read once, its length and digest taken on the way."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left, self.sha256 = file, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, never more than the size that was told at first."""
        wanted = self._left if size < 0 else min(size, self._left)
        content = self._file.read(wanted)
        if wanted and not content:
            raise StoreError("a file became shorter while it was copied", where=self._file.name)
        self._left -= len(content)
        self.sha256.update(content)
        return content

    def readable(self) -> bool:
        """Yes."""
        return True


class FolderSink:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, name: str, source: Path) -> FileRecord:
        """See `Sink`."""
        with source.open("rb") as file:
            found = os.fstat(file.fileno())
            return self._write(name, Digesting(file, found.st_size), found.st_mode & 0o777)

    def add_bytes(self, name: str, content: bytes) -> FileRecord:
        """See `Sink`."""
        return self._write(name, Digesting(io.BytesIO(content), len(content)), PLAIN)

    def _write(self, name: str, content: Digesting, mode: int) -> FileRecord:
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as made:
            os.fchmod(made.fileno(), mode)
            while part := content.read(CHUNK):
                made.write(part)
            made.flush()
            os.fsync(made.fileno())
            return FileRecord(name, made.tell(), content.sha256.hexdigest(), mode)


class TarSink:
    """A tar archive, compressed when its name says so."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, source: Path) -> FileRecord:
        """See `Sink`."""
        with source.open("rb") as file:
            found = os.fstat(file.fileno())
            size = found.st_size
            return self._write(name, Digesting(file, size), size, found.st_mode & 0o777)

    def add_bytes(self, name: str, content: bytes) -> FileRecord:
        """See `Sink`."""
        return self._write(name, Digesting(io.BytesIO(content), len(content)), len(content), PLAIN)

    def _write(self, name: str, content: Digesting, size: int, mode: int) -> FileRecord:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, mode
        self._archive.addfile(member, content)
        return FileRecord(name, size, content.sha256.hexdigest(), mode)


@contextmanager
def sink_at(out: Path) -> Iterator[tuple[Sink, Path]]:
    """A sink and a folder for what has to lie on disk first; `out` is there when the block ends well.

    Raises `ConfigError` where something stands at `out` already.
    """
    if out.exists():
        raise ConfigError("a backup overwrites nothing", expected="a new name", found=str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    scratch = out.with_name(f".{out.name}.scratch-{os.getpid()}")
    scratch.mkdir(mode=0o700)
    try:
        if out.name.endswith(ARCHIVES):
            with _archive(building, out) as archive:
                yield TarSink(archive), scratch
        else:
            building.mkdir(mode=0o700)
            yield FolderSink(building), scratch
        os.replace(building, out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if building.is_dir():
            shutil.rmtree(building)
        building.unlink(missing_ok=True)


@contextmanager
def _archive(building: Path, out: Path) -> Iterator[tarfile.TarFile]:
    compressed = not out.name.endswith(".tar")
    with open(building, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        with tarfile.open(fileobj=file, mode="w:gz" if compressed else "w") as archive:
            yield archive
        file.flush()
        os.fsync(file.fileno())
