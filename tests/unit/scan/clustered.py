"""Vectors that resemble one another in groups, as those of products do."""

from __future__ import annotations

import numpy as np


def clustered(num_rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """Unit rows `[num_rows, dim] float32` around a fortieth as many centres."""
    rng = np.random.default_rng(seed)
    spectrum = (1.0 + np.arange(dim)) ** -0.6
    centres = rng.normal(size=(max(2, num_rows // 40), dim)) * spectrum
    rows = (
        centres[rng.integers(0, len(centres), num_rows)] + 0.5 * rng.normal(size=(num_rows, dim)) * spectrum
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
