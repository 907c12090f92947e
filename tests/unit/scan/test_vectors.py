"""Vectors in fewer bytes read back as float32, and what that costs is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.config import Metric, Storage
from recsys.index.storage_loss import StorageLoss
from recsys.scan import Vectors
from recsys.scan.vectors import map_vectors, to_stored
from tests.unit.scan.clustered import clustered

ERRORS = {Storage.FLOAT32: 0.0, Storage.FLOAT16: 1e-3, Storage.INT8: 1e-2}


@pytest.mark.parametrize("storage", list(Storage))
def test_rows_read_back(storage: Storage, tmp_path: Path) -> None:
    rows = clustered(200, 24)
    rows[3] = 0.0
    np.save(tmp_path / "v.npy", to_stored(rows, storage))
    vectors = map_vectors(tmp_path / "v.npy")
    assert (vectors.shape, vectors.storage) == (rows.shape, storage)
    for part in (slice(10, 50), np.array([3, 5, 199])):
        assert vectors[part].dtype == np.float32
        np.testing.assert_allclose(vectors[part], rows[part], atol=ERRORS[storage])
    np.testing.assert_allclose(vectors[7], rows[7], atol=ERRORS[storage])
    assert not vectors[3].any()
    assert (vectors.plain is not None) == (storage is Storage.FLOAT32)


def test_float16_cuts_what_it_cannot_hold() -> None:
    assert np.isfinite(Vectors(to_stored(np.full((1, 4), 1e9, np.float32), Storage.FLOAT16))[0]).all()


def test_another_type_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((600, 4), np.float64))
    with pytest.raises(ValueError, match="float64"):
        map_vectors(tmp_path / "v.npy")


@pytest.mark.parametrize("storage", list(Storage))
def test_the_loss_is_measured(storage: Storage) -> None:
    rows, loss = clustered(30_000, 16), StorageLoss(storage, Metric.COSINE)
    for start in range(0, len(rows), 700):
        loss.see(rows[start : start + 700])
    found = loss.recall()
    assert found == 1.0 if storage is Storage.FLOAT32 else 0.9 <= found <= 1.0
    if storage is Storage.INT8:
        assert found < 1.0


def test_an_even_sample_is_kept() -> None:
    loss = StorageLoss(Storage.INT8, Metric.COSINE)
    for start in range(0, 40_000, 999):
        stop = min(start + 999, 40_000)
        loss.see(np.arange(start, stop, dtype=np.float32)[:, None])
    kept = np.concatenate(loss._kept)
    assert len(kept) <= 8_192
    assert set(np.diff(kept).tolist()) == {8.0}
