"""Synthetic vectors lie as real ones were measured to."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.bench.vectors import (
    DIM,
    MEAN_LENGTH,
    neighbour_cosines,
    spectrum,
    synthetic_vectors,
    vectors_and_queries,
)


def test_rows_are_unit_and_equal_seeds_give_equal_bytes() -> None:
    vectors = synthetic_vectors(500, seed=3)
    assert vectors.shape == (500, DIM)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    assert vectors.tobytes() == synthetic_vectors(500, seed=3).tobytes()
    assert vectors.tobytes() != synthetic_vectors(500, seed=4).tobytes()
    assert synthetic_vectors(0).shape == (0, DIM)


def test_the_spectrum_and_the_mean_are_those_measured() -> None:
    vectors = synthetic_vectors(20_000)
    mean = vectors.mean(axis=0)
    found = np.linalg.eigvalsh(np.cov(vectors - mean, rowvar=False))[::-1]
    assert np.linalg.norm(mean) == pytest.approx(MEAN_LENGTH, abs=0.03)
    assert found.sum() == pytest.approx(spectrum().sum(), rel=0.05)
    for dims in (8, 32, 128):
        # Few groups make the first directions heavier than they were drawn.
        assert found[:dims].sum() / found.sum() == pytest.approx(
            spectrum()[:dims].sum() / spectrum().sum(), abs=0.08
        )


def test_neighbours_are_as_near_as_those_of_real_texts() -> None:
    vectors, queries = vectors_and_queries(25_000, 300)
    assert neighbour_cosines(vectors, queries, (1, 10, 100)) == pytest.approx([0.978, 0.921, 0.753], abs=0.05)
