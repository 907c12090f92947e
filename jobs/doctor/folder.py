"""The workspace folder: there, readable, writable, with room left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

from jobs.doctor.finding import Finding, failed, ok, warning
from recsys.workspace import Workspace

MIB, GIB = 1 << 20, 1 << 30
LEAST_FREE_BYTES = 512 * MIB
GOOD_FREE_BYTES = 2 * GIB
BYTES = b"written by recsys doctor and read again"


def examine_folder(workspace: Workspace) -> Iterator[Finding]:
    """Whether the folder can be read and written, then the space on its disk; makes no folder."""
    root = workspace.root
    if not root.is_dir():
        yield failed("workspace", f"no folder {root}", "name it with --workspace, or fill one: recsys import")
        return
    yield _access(workspace)
    yield space_finding(shutil.disk_usage(root).free, _index_bytes(workspace))


def space_finding(free_bytes: int, index_bytes: int) -> Finding:
    """Room for the next index version beside those that stay, and for events until somebody looks."""
    found = f"{free_bytes / GIB:.1f} GiB free, the index takes {index_bytes / GIB:.1f} GiB"
    advice = "make room or move the workspace: events are refused when the disk is full"
    if free_bytes < LEAST_FREE_BYTES:
        return failed("disk", found, advice)
    if free_bytes < max(GOOD_FREE_BYTES, index_bytes):
        return warning("disk", found, advice)
    return ok("disk", found)


def _access(workspace: Workspace) -> Finding:
    root = workspace.root
    advice = f"run as the owner of {root}, or give this user read and write permission"
    try:
        os.listdir(root)
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(BYTES)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            same = file.read() == BYTES
    except OSError as error:
        return failed("workspace", f"{root}: {error.strerror}", advice)
    if not same:
        return failed("workspace", f"{root} gives back other bytes than were written", "replace the disk")
    return ok("workspace", f"{root} can be read and written")


def _index_bytes(workspace: Workspace) -> int:
    return sum(path.stat().st_size for path in workspace.index.rglob("*") if path.is_file())
