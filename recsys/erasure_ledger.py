"""The ledger of erasures: a folder that outlives every backup of what it speaks about."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from recsys.errors import InputError
from recsys.privacy.stated_secret import stated_secret
from recsys.tombstones import Tombstone, Tombstones, secret_id
from recsys.workspace import replace_file, sync_folder

VARIABLE = "RECSYS_ERASURE_SECRET"
"""The secret of erasures for machines that have no folder in common."""
SECRET_BYTES = 32
LEDGER = "tombstones.jsonl"


class ErasureLedger:
    """`key-ID.secret` (32 random bytes, read by the owner alone) and `tombstones.jsonl`, one erasure a line.

    A line holds no id, only `person_hash`. The ledger is written before anything is erased and is only ever
    added to; a line that a crash cut belongs to an erasure that was never answered.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        """The erasures."""
        return self.folder / LEDGER

    def secrets(self) -> tuple[bytes, ...]:
        """Every secret: the one in the environment first, then those of the folder by their ids.

        Raises `ConfigError` for one in the environment that is too short.
        """
        said = self.stated()
        kept = (file.read_bytes() for file in sorted(self.folder.glob("key-*.secret")))
        return tuple(dict.fromkeys([*([said] if said else []), *kept]))

    def stated(self) -> bytes | None:
        """The secret in the environment; raises `ConfigError` for one that is too short."""
        return stated_secret(VARIABLE, "the secret of erasures")

    def secret(self) -> bytes:
        """The secret for new erasures; made when there is none. That of the environment is never written."""
        known = self.secrets()
        if known:
            return known[0]
        made = secrets.token_bytes(SECRET_BYTES)
        self._keep(made)
        return made

    def read(self) -> list[Tombstone]:
        """Every erasure in the order of the ledger; lines that are none are passed over."""
        if not self.file.is_file():
            return []
        lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        return [found for line in lines if (found := _parsed(line)) is not None]

    def tombstones(self) -> Tombstones:
        """What the ledger knows, to ask about people."""
        return gathered(self.secrets(), self.read())

    def append(self, tombstones: Iterable[Tombstone]) -> None:
        """Add erasures; on the disk when it returns."""
        lines = "".join(json.dumps(asdict(one)) + "\n" for one in tombstones)
        if not lines:
            return
        self._make_folder()
        # What a crash cut gets a line of its own.
        torn = self.file.is_file() and self.file.read_bytes()[-1:] not in (b"", b"\n")
        with self.file.open("ab") as file:
            file.write((("\n" if torn else "") + lines).encode())
            file.flush()
            os.fsync(file.fileno())
        self.file.chmod(0o600)
        sync_folder(self.folder)

    def merge(self, other: Path) -> int:
        """Take over secrets and erasures of another ledger's folder; how many were new.

        Raises `InputError` for a folder that is no ledger.
        """
        theirs = ErasureLedger(other)
        if not theirs.file.is_file():
            raise InputError(
                "this is no ledger of erasures", expected=f"a folder with {LEDGER}", where=str(other)
            )
        own = set(self.read())
        for secret in set(theirs.secrets()) - set(self.secrets()):
            self._keep(secret)
        new = [one for one in theirs.read() if one not in own]
        self.append(new)
        return len(new)

    def _keep(self, secret: bytes) -> None:
        self._make_folder()
        file = self.folder / f"key-{secret_id(secret)}.secret"
        if not file.exists():
            replace_file(file, secret)  # a temporary file, so never readable by others
            file.chmod(0o600)

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def gathered(
    known: Sequence[bytes], every: Iterable[Tombstone], before: Tombstones | None = None
) -> Tombstones:
    """Erasures as one set, added to those known `before`; of one person's the latest counts."""
    until = dict(before.until_us) if before else {}
    newest = before.newest_at_us if before else None
    for one in every:
        until[one.person] = max(one.until_us, until.get(one.person, one.until_us))
        newest = max(one.erased_at_us, newest or one.erased_at_us)
    return Tombstones(tuple(known), until, newest)


def _parsed(line: str) -> Tombstone | None:
    try:
        return Tombstone(**json.loads(line))
    except (ValueError, TypeError):
        return None
