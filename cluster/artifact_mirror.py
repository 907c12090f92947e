"""A workspace's artifacts in an object store, so that machines without a common filesystem have the same.

Only artifacts travel: encoders, vectors, index versions, pointers, and what the shop decided about people's
data. Events and items are in PostgreSQL then. Secrets and the ledger of erasures (`privacy/`) never travel.
What is immutable is copied before what names it: files, then manifests, then pointers. Whoever pulls in
the middle of a push sees the version before, whole.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from cluster.artifact_store import CHUNK, ArtifactStore
from recsys.errors import IndexCorruptError
from recsys.index import current_version, list_versions
from recsys.index.manifest import MANIFEST, IndexManifest
from recsys.privacy.settings import require_same_names
from recsys.signing import SIGNATURE_SUFFIX
from recsys.workspace import Workspace, replace_file, sync_folder

DECISIONS = "privacy.json"
"""What is kept of people; no secret. It may not get lost on the way: without it ids are kept as they come."""
POINTERS = (DECISIONS, "relations.arrow", "robustness.json", "index/HISTORY", "index/STAGED", "index/CURRENT")
"""Small files that change, in the order in which they are copied."""
SAID_ANEW = ("/encoder.json", "/card.json", ".sig")
"""Small files that are written again with other bytes, often as many: a signature by another key."""
PARTS = ("encoders", "embeddings", "index")
SAFE = re.compile(r"(?!.*(?:^|/)\.)[A-Za-z0-9._=+/-]+")
"""Names below a workspace: no hidden part, so none that leads out of it."""


@dataclass(frozen=True)
class Copied:
    """What one push or pull has moved."""

    files: int = 0
    bytes: int = 0
    removed: int = 0

    def __add__(self, other: Copied) -> Copied:
        return Copied(self.files + other.files, self.bytes + other.bytes, self.removed + other.removed)


class ArtifactMirror:
    """Copies a workspace's artifacts to a store and from it; what is there already is not copied again."""

    def __init__(self, workspace: Workspace, store: ArtifactStore) -> None:
        self._workspace, self._store = workspace, store

    def push(self) -> Copied:
        """Make the store hold what the workspace holds; versions that were removed here go there as well.

        Raises `IndexMissingError` for a workspace that has nothing published: it would empty the store.
        Raises `StoreError` when the store does not answer; pushed again, it goes on where it stopped.
        """
        current_version(self._workspace)
        here, there = _immutable(self._workspace.root), self._store.sizes()
        done = Copied()
        for path, size in sorted(here.items(), key=lambda one: _rank(one[0])):
            if there.get(path) != size or (path.endswith(SAID_ANEW) and self._differs(path)):
                done += self._upload(path)
        for path in POINTERS:
            done += self._push_pointer(path, path in there)
        kept = {*here, *POINTERS}
        gone = [path for path in there if path.startswith("index/") and path not in kept]
        for path in sorted(gone, key=_rank, reverse=True):  # manifests first
            self._store.remove(path)
        return done + Copied(removed=len(gone))

    def pull(self, *, vectors: bool = False) -> Copied:
        """Fetch what the store's pointers name, then the pointers; with `vectors` also what jobs reuse.

        Every file of a version is checked against its manifest on the way. Raises `IndexCorruptError` and
        leaves the pointers as they were when one differs, `StoreError` when the store does not answer, and
        `ConfigError` when it decides to keep people under other names than this workspace does.
        """
        there = self._store.sizes()
        named = [name for name in (self._pointed(path, there) for path in POINTERS[-2:]) if name]
        done = Copied()
        for path in there:
            wanted = path.startswith("encoders/") or (
                path.startswith("embeddings/") and (vectors or path.endswith((".json", ".json.sig")))
            )
            if wanted and _safe(path):
                done += self._download(path, there[path])
        for version in dict.fromkeys(named):
            done += self._pull_version(version, there)
        for path in POINTERS:
            done += self._pull_pointer(path, there)
        return done + self._forget_versions(there)

    def _forget_versions(self, there: dict[str, int]) -> Copied:
        """Remove versions that the store has no more; what answers holds its files open."""
        gone = [name for name in list_versions(self._workspace) if f"index/{name}/{MANIFEST}" not in there]
        for name in gone:
            (self._workspace.index_version(name) / MANIFEST).unlink()
            shutil.rmtree(self._workspace.index_version(name))
        return Copied(removed=len(gone))

    def _differs(self, path: str) -> bool:
        return b"".join(self._store.read(path)) != (self._workspace.root / path).read_bytes()

    def _upload(self, path: str) -> Copied:
        return Copied(1, self._store.write(path, _pieces(self._workspace.root / path)))

    def _push_pointer(self, path: str, is_there: bool) -> Copied:
        file = self._workspace.root / path
        if not file.exists():
            gone = is_there and path != DECISIONS
            if gone:
                self._store.remove(path)
            return Copied(removed=int(gone))
        if is_there and not self._differs(path):
            return Copied()
        return self._upload(path)

    def _pointed(self, path: str, there: dict[str, int]) -> str:
        if path not in there:
            return ""
        name = b"".join(self._store.read(path)).decode("utf-8", "replace").strip()
        if not SAFE.fullmatch(name) or "/" in name:
            raise IndexCorruptError("a pointer in the store is not valid", found=repr(name[:80]), where=path)
        return name

    def _pull_version(self, version: str, there: dict[str, int]) -> Copied:
        folder = f"index/{version}"
        signature = f"{folder}/{MANIFEST}{SIGNATURE_SUFFIX}"
        if (self._workspace.root / folder / MANIFEST).exists():
            return self._download(signature, there[signature]) if signature in there else Copied()
        if f"{folder}/{MANIFEST}" not in there:
            return Copied()
        text = b"".join(self._store.read(f"{folder}/{MANIFEST}"))
        try:
            manifest = IndexManifest.model_validate_json(text)
        except ValidationError as error:
            raise IndexCorruptError(
                "a manifest in the store is not valid", found=str(error)[:200], where=version
            ) from error
        done = Copied()
        others = [*(scan.file for scan in manifest.scans), manifest.relations]
        for file in (*manifest.files, *(file for file in others if file is not None)):
            done += self._download(f"{folder}/{file.path}", file.bytes, file.sha256)
        for path in there:  # what a version holds beside what its manifest names, such as a signature
            if path.startswith(f"{folder}/") and path != f"{folder}/{MANIFEST}" and _safe(path):
                done += self._download(path, there[path])
        replace_file(self._workspace.root / folder / MANIFEST, text)
        return done + Copied(1, len(text))

    def _download(self, path: str, size: int, digest: str | None = None) -> Copied:
        """One file that does not change; a digest is checked before the file takes its place."""
        file = self._workspace.root / path
        if not _safe(path):
            raise IndexCorruptError("a name in the store leads out of the workspace", found=path[:200])
        same = file.exists() and file.stat().st_size == size
        if same and not (path.endswith(SAID_ANEW) and self._differs(path)):
            return Copied()
        file.parent.mkdir(parents=True, exist_ok=True)
        incoming, seen, copied = file.with_name(f".{file.name}.incoming"), sha256(), 0
        with incoming.open("wb") as content:
            for piece in self._store.read(path):
                seen.update(piece)
                copied += content.write(piece)
            content.flush()
            os.fsync(content.fileno())
        if digest is not None and seen.hexdigest() != digest:
            incoming.unlink()
            raise IndexCorruptError("a file in the store is altered", expected=digest, where=path)
        incoming.replace(file)
        sync_folder(file.parent)
        return Copied(1, copied)

    def _pull_pointer(self, path: str, there: dict[str, int]) -> Copied:
        file = self._workspace.root / path
        if path not in there:
            if path != DECISIONS:
                file.unlink(missing_ok=True)
            return Copied()
        content = b"".join(self._store.read(path))
        if file.exists() and file.read_bytes() == content:
            return Copied()
        if path == DECISIONS:
            require_same_names(self._workspace, content)
        replace_file(file, content)
        return Copied(1, len(content))


def _immutable(root: Path) -> dict[str, int]:
    """Files that never change once they are there, by path below the workspace, with their bytes."""
    files = (file for part in PARTS for file in (root / part).rglob("*") if file.is_file())
    paths = ((str(file.relative_to(root)), file.stat().st_size) for file in files)
    return {path: size for path, size in paths if _safe(path) and path not in POINTERS}


def _rank(path: str) -> tuple[int, str]:
    """Manifests after everything that they name."""
    return (int(path.startswith("index/") and path.endswith(f"/{MANIFEST}")), path)


def _safe(path: str) -> bool:
    return bool(SAFE.fullmatch(path)) and ".." not in path.split("/") and not path.startswith("/")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(CHUNK):
            yield piece
