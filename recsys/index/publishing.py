"""Which version is published, and the way back.

CURRENT names the published version and alone decides. HISTORY lists what was published before it,
oldest first; it is written first, and whatever it has after the current name never came about or
was rolled back.
"""

from __future__ import annotations

import json
import shutil

from recsys.errors import IndexCorruptError, IndexMissingError
from recsys.index.locks import clear_abandoned, index_lock
from recsys.index.manifest import MANIFEST, VERSION_NAME
from recsys.index.versions import list_versions, load_manifest, verify
from recsys.workspace import Workspace, replace_file

HISTORY = "HISTORY"
KEPT_NAMES = 50


def current_version(workspace: Workspace) -> str:
    """Name of the published version; raises `IndexMissingError` when nothing was published."""
    try:
        name = workspace.current.read_bytes().decode("utf-8", "replace").strip()
    except FileNotFoundError as error:
        raise IndexMissingError(
            "no index version is published",
            expected="a run of `recsys embed` or `recsys publish`",
            where=str(workspace.index),
        ) from error
    if not VERSION_NAME.fullmatch(name):
        raise IndexCorruptError(
            "the pointer to the published version is not valid",
            expected="the name of an index version; `recsys publish` writes it anew",
            found=repr(name[:80]),
            where=str(workspace.current),
        )
    return name


def publish(workspace: Workspace, index_version: str, keep: int = 3) -> None:
    """Verify a version whole, then make it the one that answers; older ones beyond `keep` are removed.

    Publishing the published version changes nothing. Raises `IndexMissingError` or
    `IndexCorruptError` and leaves the pointer as it was.
    """
    verify(workspace, index_version)
    with index_lock(workspace):
        load_manifest(workspace, index_version)  # nobody removed it while it was read
        trail = [name for name in _trail(workspace, strict=False) if name != index_version]
        _write_history(workspace, [*trail, index_version])
        replace_file(workspace.current, f"{index_version}\n".encode())
        _remove_old(workspace, keep)


def rollback(workspace: Workspace) -> str:
    """Publish the version that was published before the current one; its name.

    Raises `IndexMissingError` when there is none left, `IndexCorruptError` when it is not whole;
    the pointer then stays.
    """
    with index_lock(workspace):
        current, existing = current_version(workspace), set(list_versions(workspace))
        earlier = [name for name in _trail(workspace)[:-1] if name in existing]
        if not earlier:
            raise IndexMissingError(
                "there is no earlier version to go back to",
                expected="a version published before; `recsys publish VERSION` takes any",
                found=current,
                where=str(workspace.index),
            )
        verify(workspace, earlier[-1])
        # HISTORY keeps what follows: after a crash here CURRENT still tells how far the trail goes.
        replace_file(workspace.current, f"{earlier[-1]}\n".encode())
        return earlier[-1]


def remove_old_versions(workspace: Workspace, keep: int) -> list[str]:
    """Remove all but the newest `keep` versions; the published one and the one before it stay.

    Leftovers of killed builds go too. Names of the versions removed.
    """
    with index_lock(workspace):
        return _remove_old(workspace, keep)


def _remove_old(workspace: Workspace, keep: int) -> list[str]:
    existing = list_versions(workspace)
    published = [name for name in _trail(workspace) if name in set(existing)]
    safe = {*published[-2:], *existing[max(0, len(existing) - keep) :]}
    removed = [name for name in existing if name not in safe]
    for name in removed:
        folder = workspace.index_version(name)
        (folder / MANIFEST).unlink()  # first, so that a reader never meets a half-removed version
        shutil.rmtree(folder)
    clear_abandoned(workspace)
    return removed


def _trail(workspace: Workspace, *, strict: bool = True) -> list[str]:
    """What was published, oldest first, the current version last; empty before the first publish.

    Unless `strict`, pointers that cannot be read count as absent, so that a publish mends them.
    """
    try:
        history, current = _history(workspace), current_version(workspace)
    except IndexMissingError:
        return []
    except IndexCorruptError:
        if strict:
            raise
        return []
    return [*history[: history.index(current)], current] if current in history else [*history, current]


def _history(workspace: Workspace) -> list[str]:
    try:
        names = json.loads((workspace.index / HISTORY).read_bytes())
    except FileNotFoundError:
        return []
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise IndexCorruptError(
            "the publish history is not valid", expected="a list of versions", where=f"index/{HISTORY}"
        )
    return names


def _write_history(workspace: Workspace, names: list[str]) -> None:
    replace_file(workspace.index / HISTORY, json.dumps(names[-KEPT_NAMES:]).encode())
