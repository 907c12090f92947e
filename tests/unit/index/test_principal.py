"""Principal components: those of an SVD, whatever the order; what has no directions has none."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.index.item_layout import principal


def test_points_are_the_two_largest_directions_of_an_svd_whatever_the_order(rng: np.random.Generator) -> None:
    vectors = (rng.normal(size=(60, 7)) * np.array([5, 3, 1, 1, 0.5, 0.2, 0.1])).astype(np.float32)
    points = principal(vectors)
    centred = vectors - vectors.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(np.abs(points), np.abs(left[:, :2] * lengths[:2]), atol=1e-3)
    order = rng.permutation(len(vectors))
    assert np.allclose(principal(vectors[order]), points[order], atol=1e-3)  # no axis is turned round


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (5, 0), (6, 4)])
def test_without_two_directions_what_is_missing_is_zero(shape: tuple[int, int]) -> None:
    points = principal(np.ones(shape, np.float32))
    assert points.shape == (shape[0], 2)
    assert not points.any()


def test_one_direction_is_a_line() -> None:
    points = principal(np.array([[0.0], [1.0], [3.0]], np.float32))
    assert np.allclose(np.diff(points[:, 0]), [1.0, 2.0])
    assert not points[:, 1].any()
