"""Fixtures every test level shares: one local Ray for the whole run, the real data, seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cluster.runtime import prepare_serve

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
# Threads that spin while they wait slow every process of a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

prepare_serve()

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray for the whole test run; joining a cluster that happens to run is never wanted."""
    import ray

    ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random BERT encoder; shared by the whole run, so never written to."""
    from tests.tiny_encoders import tiny_bert as build

    return build(tmp_path_factory.mktemp("encoders") / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random CLIP; shared by the whole run, so never written to."""
    from tests.tiny_encoders import tiny_clip as build

    return build(tmp_path_factory.mktemp("image-encoders") / "tiny-clip")


def real_data(name: str) -> Path:
    """Folder of a real data set, or a skip that says which one is absent."""
    folder = SHARED_DATA / name
    if not folder.is_dir():
        pytest.skip(f"real data set {name!r} is not on this machine")
    return folder
