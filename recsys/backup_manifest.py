"""What a backup holds: written last, sealed, signed where a key is, and all that a restore believes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recsys.errors import BackupError
from recsys.signing import ManifestFile

MANIFEST = "manifest.json"
FORMAT = "recsys-backup-1"


def manifest_file(folder: Path) -> ManifestFile:
    """Where a backup's manifest lies, with its signature."""
    return ManifestFile(folder / MANIFEST, "backup", FORMAT)


@dataclass(frozen=True)
class FileRecord:
    """One file of a backup."""

    path: str
    """Inside the backup, parts joined by '/'."""
    num_bytes: int
    sha256: str
    mode: int = 0o644
    """Who may read it, as Unix says."""


@dataclass(frozen=True)
class EventsCut:
    """Where the event log was cut: the backup has every event up to this number and none after."""

    last_seq: int
    num_events: int
    newest_received_at_us: int | None
    """None for an empty log."""
    taken_at_us: int
    """Every event that was acked before is in the backup; microseconds since 1970 UTC."""


@dataclass(frozen=True)
class BackupManifest:
    """The contents of one backup."""

    release: str
    database: str
    """`sqlite` or `postgresql`; a backup is restored into the same."""
    revisions: dict[str, str]
    """Schema revision by name of the schema."""
    index_version: str | None
    """The published one; None where nothing was published."""
    cut: EventsCut
    tables: dict[str, list[str]] = field(default_factory=dict)
    """Columns of the tables that were copied from a server, by table."""
    files: list[FileRecord] = field(default_factory=list)

    def to_json(self) -> bytes:
        """The manifest with a digest of itself."""
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps({**content, "seal": _seal(content)}, indent=1).encode()

    @classmethod
    def of_json(cls, text: bytes) -> BackupManifest:
        """Read what `to_json` wrote; raises `BackupError` for anything else."""
        try:
            content: dict[str, Any] = dict(json.loads(text))
            found, seal = content.pop("format"), content.pop("seal")
            sealed = {"format": found, **content}
        except (ValueError, TypeError, KeyError) as error:
            raise BackupError("this is no backup of ours", expected=FORMAT, where=MANIFEST) from error
        if found != FORMAT:
            raise BackupError("the backup is of another format", expected=FORMAT, found=str(found))
        if seal != _seal(sealed):
            raise BackupError("the manifest was changed", expected=f"seal {_seal(sealed)}", found=str(seal))
        try:
            return TypeAdapter(cls).validate_python(content)
        except ValidationError as error:
            raise BackupError("the manifest is not valid", found=str(error)[:300]) from error


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
