"""Opening `.npy` files from several threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

import numpy as np

# numpy parses a file's header with `ast`, whose depth counter all threads share in CPython up to 3.11.7:
# two at once raise `SystemError: AST constructor recursion depth mismatch` (python/cpython#106905).
_ONE_HEADER = threading.Lock()


def load_npy(path: Path, mmap_mode: Literal["r"] | None = None) -> np.ndarray:
    """`numpy.load` without pickles, one file at a time in a process; raises what `numpy.load` raises."""
    with _ONE_HEADER:
        loaded: np.ndarray = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    return loaded
