"""Curves reach TensorBoard, W&B (offline) and MLflow (a local file), and can be read back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cluster.training_curves import Curves, require_trackers
from recsys.errors import ConfigError

LOSSES = [3.0, 2.0, 1.5]
FLUSH_S = 30.0


def write_run(folder: Path, tracker: str) -> None:
    curves = Curves(folder, (tracker,))
    for step, loss in enumerate(LOSSES, start=1):
        curves.write({"step": float(step), "loss": loss, "of": 3.0})
    curves.write({"epoch": 1.0, "ndcg@10": 0.25})
    curves.close()


def test_tensorboard_event_files_hold_the_curve(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_run(tmp_path, "tensorboard")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    training = events.Scalars("training/loss")
    assert [(row.step, row.value) for row in training] == [(1, 3.0), (2, 2.0), (3, 1.5)]
    (judged,) = events.Scalars("validation/ndcg_10")
    assert (judged.step, judged.value) == (3, 0.25)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own queries
def test_mlflow_writes_a_database_in_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_run(tmp_path, "mlflow")
    database = tmp_path / "mlflow" / "mlflow.db"
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    (run,) = client.search_runs(["0"])
    history = client.get_metric_history(run.info.run_id, "training/loss")
    assert [row.value for row in sorted(history, key=lambda row: row.step)] == LOSSES
    assert run.data.metrics["validation/ndcg_10"] == 0.25


def test_wandb_writes_an_offline_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    write_run(tmp_path, "wandb")
    (file,) = (tmp_path / "wandb" / "wandb").glob("offline-run-*/run-*.wandb")
    deadline = time.monotonic() + FLUSH_S
    while b"training/loss" not in file.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.1)  # W&B's own process writes the file, at times after `finish` returned
    assert b"training/loss" in file.read_bytes()


def test_a_tracker_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.training_curves.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="wandb is not installed"):
        require_trackers(["wandb"])
