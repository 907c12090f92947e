"""Training curves: TensorBoard by default, W&B and MLflow on request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from recsys.errors import ConfigError

PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


class Tracker(Protocol):
    """Whoever keeps curves."""

    def write(self, figures: dict[str, float], step: int) -> None:
        """Keep named figures of a step."""

    def close(self) -> None:
        """Write out what is held back."""


def require_trackers(names: Sequence[str]) -> None:
    """Raise `ConfigError` for a tracker whose package is not installed."""
    for name in names:
        if find_spec(PACKAGES[name]) is None:
            raise ConfigError(
                f"the tracker {name} is not installed", expected="pip install 'recsys-on-ray[tracking]'"
            )


class Curves:
    """All trackers of a run; figures with an `epoch` are validation, the others training."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        require_trackers(names)
        self._step = 0
        self._trackers: list[Tracker] = [TRACKERS[name](folder / name) for name in names]

    def write(self, figures: dict[str, float]) -> None:
        """Keep figures; those without a step belong to the newest one."""
        self._step = int(figures.get("step", self._step))
        part = "validation" if "epoch" in figures else "training"
        named = {
            f"{part}/{name.replace('@', '_')}": value
            for name, value in figures.items()
            if name not in ("step", "of")
        }
        for tracker in self._trackers:
            tracker.write(named, self._step)

    def close(self) -> None:
        """Close every tracker."""
        for tracker in self._trackers:
            tracker.close()


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def write(self, figures: dict[str, float], step: int) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _WeightsAndBiases:
    """Offline unless the environment says otherwise."""

    def __init__(self, folder: Path) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(project="recsys", dir=str(folder), mode=mode)

    def write(self, figures: dict[str, float], step: int) -> None:
        self._run.log(figures, step=step)

    def close(self) -> None:
        self._run.finish()


class _MLflow:
    """Into `MLFLOW_TRACKING_URI`, or a database file in the run's folder."""

    def __init__(self, folder: Path) -> None:
        import mlflow

        folder.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}"))
        mlflow.start_run()
        self._mlflow: Any = mlflow

    def write(self, figures: dict[str, float], step: int) -> None:
        self._mlflow.log_metrics(figures, step=step)

    def close(self) -> None:
        self._mlflow.end_run()


TRACKERS: dict[str, Any] = {"tensorboard": _TensorBoard, "wandb": _WeightsAndBiases, "mlflow": _MLflow}
