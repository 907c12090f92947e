"""The plane of a map: its axes are those of an SVD, and what has no directions has no map."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.index.item_map import plane


def test_points_are_the_two_largest_directions_of_an_svd_whatever_the_order(rng: np.random.Generator) -> None:
    vectors = (rng.normal(size=(60, 7)) * np.array([5, 3, 1, 1, 0.5, 0.2, 0.1])).astype(np.float32)
    points, shares = plane(vectors)
    centred = vectors - vectors.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * lengths[:2]
    assert np.allclose(np.abs(points), np.abs(expected), atol=1e-3)
    assert shares == pytest.approx(tuple(lengths[:2] ** 2 / (lengths**2).sum()), rel=1e-4)
    order = rng.permutation(len(vectors))
    shuffled, _ = plane(vectors[order])
    assert np.allclose(shuffled, points[order], atol=1e-3)  # signs too: no axis is turned round


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (5, 0), (6, 4)])
def test_without_two_directions_what_is_missing_is_zero(shape: tuple[int, int]) -> None:
    points, shares = plane(np.ones(shape, np.float32))
    assert points.shape == (shape[0], 2)
    assert not points.any()
    assert shares == (0.0, 0.0)


def test_one_direction_is_a_line() -> None:
    points, shares = plane(np.array([[0.0], [1.0], [3.0]], np.float32))
    assert np.allclose(np.diff(points[:, 0]), [1.0, 2.0])
    assert not points[:, 1].any()
    assert shares == pytest.approx((1.0, 0.0))
