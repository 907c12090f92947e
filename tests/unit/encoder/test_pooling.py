from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import Pooling
from recsys.encoder.pooling import pool, unit_rows


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    pooling=st.sampled_from(list(Pooling)),
    left=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=100)
def test_pooling_is_that_of_each_text_without_its_padding(
    lengths: list[int], pooling: Pooling, left: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    longest = max(lengths) + 1
    states = rng.normal(size=(len(lengths), longest, 3)).astype(np.float32)
    mask = np.zeros((len(lengths), longest), dtype=np.int64)
    expected = []
    for row, length in enumerate(lengths):
        real = slice(longest - length, longest) if left else slice(0, length)
        mask[row, real] = 1
        kept = states[row, real]
        expected.append(
            {Pooling.MEAN: kept.mean(axis=0), Pooling.CLS: kept[0], Pooling.LAST: kept[-1]}[pooling]
        )
    found = pool(torch.from_numpy(states), torch.from_numpy(mask), pooling).numpy()
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_rows_of_any_size_become_unit_rows_of_the_same_direction(
    scale: float, rng: np.random.Generator
) -> None:
    plain = rng.normal(size=(5, 8)).astype(np.float32)
    found = unit_rows(torch.from_numpy(plain * np.float32(scale))).numpy()
    np.testing.assert_allclose(found, plain / np.linalg.norm(plain, axis=1, keepdims=True), rtol=1e-5)


def test_a_row_of_zeros_becomes_the_first_axis() -> None:
    assert unit_rows(torch.zeros(2, 3)).tolist() == [[1.0, 0.0, 0.0]] * 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_row_that_is_not_finite_stays_recognisable(bad: float) -> None:
    assert unit_rows(torch.tensor([[bad, 1.0], [3.0, 4.0]])).isfinite().all(dim=1).tolist() == [False, True]
