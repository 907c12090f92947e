"""A training run on disk, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from recsys.errors import ConfigError
from recsys.workspace import replace_file

TENSORS, STATE = "tensors.safetensors", "state.json"
KEPT = 2


@dataclass
class Progress:
    """Where a run is."""

    digest: str
    """Of configuration and data: another run's checkpoint is never taken."""
    step: int = 0
    best: float = -1.0
    """Best validation figure so far."""
    best_step: int = 0
    bad_epochs: int = 0
    """Epochs in a row without a better figure."""
    curve: list[dict[str, float]] = field(default_factory=list)
    done: bool = False


def save_checkpoint(
    folder: Path, progress: Progress, parameters: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    """Write one checkpoint whole or not at all; older ones beyond `KEPT` go."""
    target = folder / f"checkpoint-{progress.step:08d}"
    building = folder / f".{target.name}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    tensors = {f"p/{name}": value.detach().cpu().contiguous() for name, value in parameters.items()}
    for name, value in parameters.items():
        for key, part in optimizer.state.get(value, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(part).detach().cpu().contiguous()
    save_file(tensors, building / TENSORS)
    sha256 = hashlib.sha256((building / TENSORS).read_bytes()).hexdigest()
    replace_file(building / STATE, json.dumps(asdict(progress) | {"sha256": sha256}).encode())
    shutil.rmtree(target, ignore_errors=True)
    os.rename(building, target)
    for old in checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old)


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted(path.parent for path in folder.glob(f"checkpoint-*/{STATE}"))


def load_checkpoint(
    folder: Path, digest: str, parameters: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> Progress:
    """The newest whole checkpoint put into parameters and optimizer; a fresh start without one.

    Raises `ConfigError` for a run of other settings or other data.
    """
    for path in reversed(checkpoints(folder)):
        state = json.loads((path / STATE).read_text(encoding="utf-8"))
        sha256 = state.pop("sha256")
        if state["digest"] != digest:
            raise ConfigError(
                "this run was begun with other settings or other data",
                expected="another --name, or the same settings",
                where=folder.name,
            )
        if hashlib.sha256((path / TENSORS).read_bytes()).hexdigest() != sha256:
            continue
        _restore(load_file(path / TENSORS), parameters, optimizer)
        return Progress(**state)
    return Progress(digest)


def _restore(
    tensors: dict[str, torch.Tensor], parameters: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(tensors[f"p/{name}"])
            state = {
                key: tensors[f"{key}/{name}"].to(value.device if key != "step" else "cpu")
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"{key}/{name}" in tensors
            }
            if state:
                optimizer.state[value] = state
