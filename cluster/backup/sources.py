"""A backup unpacked beside its destination, every byte compared with the manifest."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from cluster.backup.sinks import CHUNK
from recsys.backup_manifest import MANIFEST, BackupManifest, FileRecord, manifest_file
from recsys.errors import BackupError
from recsys.signing import SIGNATURE_SUFFIX

SIGNATURE = f"{MANIFEST}{SIGNATURE_SUFFIX}"
Digests = dict[str, tuple[int, str]]


@contextmanager
def unpacked(source: Path, beside: Path) -> Iterator[tuple[Path, BackupManifest]]:
    """A folder with the verified files of a backup, on the destination's disk; gone after the block.

    Raises `BackupError` when anything is absent, altered, cut, or not of the backup, `SignatureError` when
    keys are trusted and none of them signed it.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    staged = beside.with_name(f".{beside.name}.restoring-{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        found = _copy_folder(source, staged) if source.is_dir() else _copy_archive(source, staged)
        manifest = _manifest(staged)
        _compare(manifest, found)
        _grant(staged, manifest)
        yield staged, manifest
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _manifest(staged: Path) -> BackupManifest:
    try:
        return BackupManifest.of_json(manifest_file(staged).read())
    except FileNotFoundError as error:
        raise BackupError(
            "there is no manifest: it is no backup, or not a whole one", where=MANIFEST
        ) from error


def _compare(manifest: BackupManifest, found: Digests) -> None:
    listed = {record.path: record for record in manifest.files}
    if foreign := sorted(found.keys() - listed.keys() - {MANIFEST, SIGNATURE}):
        raise BackupError("the manifest does not know a file", found=foreign[0])
    for path, record in listed.items():
        if path not in found:
            raise BackupError("a file is absent", expected=path)
        _require_same(record, *found[path])


def _grant(staged: Path, manifest: BackupManifest) -> None:
    for record in manifest.files:
        (staged / record.path).chmod(record.mode & 0o777)


def _require_same(record: FileRecord, num_bytes: int, sha256: str) -> None:
    if num_bytes != record.num_bytes:
        expected, found = f"{record.num_bytes} bytes", f"{num_bytes} bytes"
        raise BackupError("a file has another length", expected=expected, found=found, where=record.path)
    if sha256 != record.sha256:
        raise BackupError("a file was changed", expected=record.sha256, found=sha256, where=record.path)


def _copy_folder(source: Path, staged: Path) -> Digests:
    found: Digests = {}
    for path in sorted(source.rglob("*")):
        if path.is_symlink():
            raise BackupError("a backup has no links", found=str(path))
        if path.is_file():
            with path.open("rb") as file:
                name = path.relative_to(source).as_posix()
                found[name] = _write(staged, name, file)
    return found


def _copy_archive(source: Path, staged: Path) -> Digests:
    found: Digests = {}
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise BackupError("a backup has plain files only", found=member.name)
                if member.name in found:
                    raise BackupError("a file comes twice", found=member.name)
                with content as file:
                    found[member.name] = _write(staged, member.name, file)
    except FileNotFoundError as error:
        raise BackupError("there is no such backup", found=str(source)) from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError("the archive cannot be read", found=str(error), where=str(source)) from error
    return found


def _write(staged: Path, name: str, file: IO[bytes]) -> tuple[int, str]:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name:
        raise BackupError("a file would lie outside", found=name)
    target, digest, size = staged / name, hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as made:
        while part := file.read(CHUNK):
            made.write(part)
            digest.update(part)
            size += len(part)
        made.flush()
        os.fsync(made.fileno())
    return size, digest.hexdigest()
