"""Giving back what was needed for a while."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def release_unused_memory() -> None:
    """Hand freed memory to the system: opening a shard takes more for a moment than it keeps.

    Arrow's pool and glibc keep freed pages for later; elsewhere than on glibc only Arrow's are given back.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
