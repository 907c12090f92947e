"""The layout of a map: neighbours on it are neighbours in all dimensions, also of whitened vectors."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.blend.whitening import Whitening
from recsys.index.item_layout import NEIGHBOURS, agreement, layout, principal

GROUPS, SIZE, DIM = 8, 40, 48


@pytest.fixture
def groups() -> np.ndarray:
    """The group of each vector."""
    return np.repeat(np.arange(GROUPS), SIZE)


@pytest.fixture
def whitened(rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """Clusters as `fit` stores them where whitening won: every direction has the same variance."""
    centres = rng.normal(size=(GROUPS, DIM))
    raw = (centres[groups] + 0.6 * rng.normal(size=(len(groups), DIM))).astype(np.float32)
    return Whitening.fit(raw, "whitened").apply(raw)


def in_group(places: np.ndarray, groups: np.ndarray) -> float:
    """Share of the nearest places that are of the point's own group."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :NEIGHBOURS]
    return float((groups[near] == groups[:, None]).mean())


def test_neighbours_of_whitened_vectors_mean_something_where_two_components_do_not(
    whitened: np.ndarray, groups: np.ndarray
) -> None:
    places, flat = layout(whitened), principal(whitened)
    chance = NEIGHBOURS / (len(whitened) - 1)
    assert agreement(places, whitened) > 10.0 * chance
    assert agreement(places, whitened) > 3.0 * agreement(flat, whitened)
    assert in_group(places, groups) > 0.8 > 2.0 * in_group(flat, groups)


def test_agreement_is_the_share_of_true_neighbours(rng: np.random.Generator) -> None:
    angles = np.sort(rng.uniform(0.0, 1.5, 40))
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    lengths = rng.uniform(0.5, 2.0, (40, 1)).astype(np.float32)
    assert agreement(arc, arc * lengths) == 1.0  # directions count, not lengths
    near = np.abs(angles[:, None] - angles) + np.diag(np.full(40, np.inf))
    true = np.argsort(near, axis=1)[:, :NEIGHBOURS]
    order = rng.permutation(40)
    other = np.argsort(near[order][:, order], axis=1)[:, :NEIGHBOURS]
    expected = np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(true, other, strict=True)])
    assert agreement(arc[order], arc) == pytest.approx(expected)


def test_the_same_vectors_give_the_same_places(whitened: np.ndarray) -> None:
    assert np.array_equal(layout(whitened), layout(whitened.copy()))


@pytest.mark.parametrize("count", [0, 1, 2, 5, NEIGHBOURS + 1, NEIGHBOURS + 2, 30])
def test_small_catalogs_have_a_finite_map(count: int, rng: np.random.Generator) -> None:
    vectors = rng.normal(size=(count, 6)).astype(np.float32)
    places = layout(vectors)
    assert places.shape == (count, 2)
    assert places.dtype == np.float32
    assert np.isfinite(places).all()
    assert count < 2 or np.ptp(places, axis=0).min() > 0.0
    share = agreement(places, vectors)
    assert share == 1.0 if count <= NEIGHBOURS + 1 else 0.0 < share <= 1.0


@pytest.mark.parametrize("shape", [(5, 0), (6, 4), (20, 4), (20, 1)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_without_directions_all_lie_on_one_place(shape: tuple[int, int], value: float) -> None:
    places = layout(np.full(shape, value, np.float32))
    assert places.shape == (shape[0], 2)
    assert not places.any()


def test_equal_vectors_among_others_keep_the_map_finite(rng: np.random.Generator) -> None:
    vectors = np.repeat(rng.normal(size=(4, 5)), 20, axis=0).astype(np.float32)
    vectors[0] = 0.0
    assert np.isfinite(layout(vectors)).all()
