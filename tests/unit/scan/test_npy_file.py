"""Shards of a version are opened by several threads at once."""

from __future__ import annotations

import gc
import select
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from recsys.scan.npy_file import load_npy


@contextmanager
def threads_that_interleave() -> Iterator[None]:
    """Collect garbage at nearly every object, and let another thread go on meanwhile."""

    def give_way(phase: str, info: dict[str, int]) -> None:
        select.select([], [], [], 0.0)

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(give_way)
    gc.set_threshold(3, 1_000_000)
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
        gc.callbacks.remove(give_way)


def test_threads_open_files_side_by_side(tmp_path: Path) -> None:
    rows = np.arange(800, dtype=np.float32).reshape(100, 8)
    np.save(tmp_path / "rows.npy", rows)
    with threads_that_interleave(), ThreadPoolExecutor(4) as threads:
        opened = [threads.submit(load_npy, tmp_path / "rows.npy", "r") for _ in range(400)]
    assert all((one.result() == rows).all() for one in opened)


def test_pickles_are_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        load_npy(tmp_path / "objects.npy")
