"""What the machine has left: memory, files that may be open, processor cores."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import psutil

from jobs.doctor.finding import Finding, failed, ok, warning

GIB = 1 << 30
LEAST_MEMORY_BYTES, GOOD_MEMORY_BYTES = GIB // 4, GIB
LEAST_FILES, GOOD_FILES = 256, 4_096
"""Ray opens a few hundred files for each worker; sockets of clients come on top."""


def examine_machine() -> Iterator[Finding]:
    """Memory, then the limit of open files of this process."""
    yield memory_finding(psutil.virtual_memory().available)
    yield files_finding(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def memory_finding(available_bytes: int) -> Finding:
    """How much memory may be taken without another process losing its own."""
    found = f"{available_bytes / GIB:.1f} GiB available"
    advice = "end other processes or take a larger machine; `recsys capacity` says how large"
    if available_bytes < LEAST_MEMORY_BYTES:
        return failed("memory", found, advice)
    if available_bytes < GOOD_MEMORY_BYTES:
        return warning("memory", found, advice)
    return ok("memory", found)


def files_finding(limit: int) -> Finding:
    """How many files and sockets one process may have open."""
    if limit == resource.RLIM_INFINITY:
        return ok("open files", "no limit")
    found = f"at most {limit:,} for each process"
    advice = f"raise it before `recsys serve`: ulimit -n {max(65_536, GOOD_FILES)}"
    if limit < LEAST_FILES:
        return failed("open files", found, advice)
    return ok("open files", found) if limit >= GOOD_FILES else warning("open files", found, advice)
