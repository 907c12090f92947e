"""The folder layout of a workspace: the only place that spells its paths."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from recsys.errors import ConfigError, UnsafePathError

PLAIN_NAME = r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,254}"
"""A name that is one part of a path: no separator, no parent, no drive or scheme, not hidden."""
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+:"
"""How an address begins; a drive has one letter."""


@dataclass(frozen=True)
class Workspace:
    """One shop's data on disk.

    recsys.db                               events and items (unless a database URL is given)
    serving.db                              answers given, replicas that live (with a file as database)
    catalog/<catalog_seq>/                  texts exported for the embedding plan
    embeddings/<encoder_version>/*.parquet  vectors by text hash, one file per finished unit
    channels/<name>/                        vectors of images, films or of the shop's own, and whose they are
    encoders/<name>/                        fine-tuned encoders
    exported/<name>/                        networks of encoders in other libraries' formats; a cache
    index/<index_version>/                  shards, then manifest.json
    index/CURRENT                           name of the published version
    index/STAGED                            name of a version that replicas load before it is published
    quarantine/<kind>-<digest>.parquet      bad rows of an import, with reasons
    relations.arrow                         what the shop states about its items and categories
    logs/                                   what the processes of the service wrote, a file each
    reports/                                evaluation results
    tuning/<name>/                          searches of settings: trials, checkpoints, what was found
    robustness.json                         caps, and who counts as a machine, where the shop decides
    privacy.json                            what is kept of people, how long and how; what may be told
    privacy/                                who was erased, as keyed hashes, and the secret behind them
    """

    root: Path

    def __post_init__(self) -> None:
        require_folder(self.root)

    @property
    def database(self) -> Path:
        """SQLite file of events and items."""
        return self.root / "recsys.db"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of that file."""
        return f"sqlite:///{self.database}"

    @property
    def serving_database(self) -> Path:
        """SQLite file of what serving itself writes."""
        return self.root / "serving.db"

    def catalog(self, catalog_seq: int) -> Path:
        """Folder of the item texts as of one catalog sequence number."""
        return self.root / "catalog" / f"{catalog_seq:012d}"

    def embeddings(self, encoder_version: str) -> Path:
        """Folder of the finished embedding units of one encoder; raises `UnsafePathError`."""
        return self.root / "embeddings" / plain_name(encoder_version)

    @property
    def channels(self) -> Path:
        """Folder of all channels: what is known of items beside their texts."""
        return self.root / "channels"

    def channel(self, name: str) -> Path:
        """Folder of one channel; raises `UnsafePathError`."""
        return self.channels / plain_name(name)

    @property
    def encoders(self) -> Path:
        """Folder of fine-tuned encoders."""
        return self.root / "encoders"

    @property
    def exported(self) -> Path:
        """Cache of encoders' networks in other libraries' formats."""
        return self.root / "exported"

    @property
    def index(self) -> Path:
        """Folder of all index versions."""
        return self.root / "index"

    def index_version(self, index_version: str) -> Path:
        """Folder of one index version; raises `UnsafePathError`."""
        return self.index / plain_name(index_version)

    @property
    def current(self) -> Path:
        """File that names the published index version."""
        return self.index / "CURRENT"

    @property
    def staged(self) -> Path:
        """File that names the version that replicas should load beside the published one."""
        return self.index / "STAGED"

    @property
    def quarantine(self) -> Path:
        """Folder of rows that imports refused."""
        return self.root / "quarantine"

    @property
    def relations(self) -> Path:
        """File of the relations that the shop brought; absent: none."""
        return self.root / "relations.arrow"

    @property
    def logs(self) -> Path:
        """Folder of the service's log files."""
        return self.root / "logs"

    @property
    def reports(self) -> Path:
        """Folder of evaluation results."""
        return self.root / "reports"

    @property
    def tuning(self) -> Path:
        """Folder of the searches of settings."""
        return self.root / "tuning"

    @property
    def robustness(self) -> Path:
        """File of the shop's own decisions about caps and machines; absent: the defaults."""
        return self.root / "robustness.json"

    @property
    def privacy_settings(self) -> Path:
        """File of the shop's own decisions about people's data; absent: the defaults."""
        return self.root / "privacy.json"

    @property
    def privacy(self) -> Path:
        """Folder of the ledger of erasures; a restore must never put an older one in its place."""
        return self.root / "privacy"

    def create(self) -> Workspace:
        """The same workspace with its root folder present."""
        self.root.mkdir(parents=True, exist_ok=True)
        return self


def require_folder(root: Path) -> None:
    """Raise `ConfigError` for an address such as `s3://bucket/shop`: a path makes a folder `s3:` of it."""
    # A path has lost the second slash already, and may have been made absolute under some other folder.
    if address := next((part for part in root.parts if re.fullmatch(SCHEME, part)), None):
        raise ConfigError(
            "a workspace is a folder",
            expected="a path",
            found=f"{address}//{'/'.join(root.parts[root.parts.index(address) + 1 :])}",
            hint="recsys artifacts push and pull copy a workspace's versions to an object store and back",
        )


def plain_name(name: str) -> str:
    """`name`, which came from a file or a caller and is about to become a part of a path.

    Raises `UnsafePathError` for what leads elsewhere: `../x`, `/x`, `http://x`, an empty or hidden name.
    """
    if not re.fullmatch(PLAIN_NAME, name):
        raise UnsafePathError(
            "a name leads outside its folder", expected="a plain file name", found=repr(name[:80])
        )
    return name


def require_inside(path: Path, folder: Path) -> None:
    """Raise `UnsafePathError` when `path` is a link, or behind links, that lead out of `folder`."""
    if not leads_inside(path, folder):
        raise UnsafePathError("a link leads outside its folder", expected=str(folder), found=str(path))


def leads_inside(path: Path, folder: Path) -> bool:
    """Whether `path`, all links followed, lies in `folder`; nothing is opened."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader or a crash sees the old file or the new, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
