"""Ray Train: two workers are one, and a killed run goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cluster.trainer import TrainingTask, run_training
from recsys.config import EncoderConfig, TrainConfig, TrainMode
from recsys.encoder import TextEncoder
from tests.tiny_encoders import tiny_bert
from tests.unit.training.test_tower import CONFIG, TEXTS, data_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("ray_cluster")]


def task_of(root: Path, source: Path, **more: object) -> TrainingTask:
    encoder = EncoderConfig(source=str(source), max_tokens=32)
    config = TrainConfig.model_validate(
        {**CONFIG, "mode": TrainMode.LORA, "max_tokens": 32, "epochs": 2, **more}
    )
    vectors = TextEncoder.load(encoder).encode(TEXTS)
    return TrainingTask(encoder, config, TEXTS, vectors, data_of(), root / "run", root / "out")


def test_two_workers_with_half_a_batch_each_are_one_with_all_of_it(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    reports, vectors = [], []
    for workers in (1, 2):
        task = task_of(tmp_path / str(workers), source, num_workers=workers)
        reports.append(run_training(task))
        saved = TextEncoder.load(EncoderConfig(source=str(task.target), max_tokens=32))
        vectors.append(saved.encode(TEXTS))
        assert list((task.run / "tensorboard").glob("events.out.tfevents.*"))
    assert reports[0].losses == pytest.approx(reports[1].losses, abs=1e-4)
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-3)
    assert [row["epoch"] for row in reports[0].curve] == [0.0, 1.0, 2.0]


def test_a_finished_run_trains_nothing_more(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    task = task_of(tmp_path, source, mode=TrainMode.HEAD)
    first, again = run_training(task), run_training(task)
    assert first.losses
    assert again.losses == ()
    assert first.steps == again.steps
    assert np.isfinite(first.losses).all()
