"""Ray Train around the training loop: workers with DDP, a device each, curves, one result."""

from __future__ import annotations

import contextlib
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.train
import torch
import torch.distributed as dist
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.train.torch import TorchTrainer
from torch import nn
from torch.distributed.nn.functional import all_gather
from torch.nn.parallel import DistributedDataParallel

from cluster.runtime import cpus_here
from cluster.training_curves import Curves
from recsys.config import EncoderConfig, TrainConfig
from recsys.errors import EncoderError, RecsysError
from recsys.training.data import TrainingData, Workers
from recsys.training.loop import train
from recsys.training.tower import Tower

RESTARTS = 2
"""Times that workers are started again, from the newest checkpoint, after one has died."""


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """Everything a worker needs."""

    encoder: EncoderConfig
    config: TrainConfig
    texts: Sequence[str]
    vectors: np.ndarray
    data: TrainingData
    run: Path
    """Folder of checkpoints and curves."""
    target: Path
    """Folder of the encoder that comes out."""


@dataclass(frozen=True)
class TrainReport:
    """What a run did."""

    steps: int
    curve: tuple[dict[str, float], ...]
    """Validation figures of each epoch, the untrained encoder first."""
    losses: tuple[float, ...]
    """Loss of each step of this call."""
    seconds: float
    peak_mb: float
    num_trainable: int
    machines: int = 1
    """Nodes that the workers ran on."""


def run_training(
    task: TrainingTask, on_progress: Callable[[dict[str, float]], None] = lambda figures: None
) -> TrainReport:
    """Train on the Ray that is connected; goes on from the newest checkpoint in `task.run`.

    Workers without GPUs go to different nodes, whose cores they then have for themselves; with GPUs
    they stay together, since gradients travel faster inside one machine.

    Raises the project's own error that stopped a worker, `EncoderError` for any other failure.
    """
    use_gpu = bool(ray.cluster_resources().get("GPU"))  # type: ignore[no-untyped-call]  # Ray's own
    told: Any = ray.remote(num_cpus=0)(_Told).remote()
    trainer = TorchTrainer(
        _worker,
        train_loop_config={"task": ray.put(task), "told": told},
        scaling_config=ScalingConfig(
            num_workers=task.config.num_workers,
            use_gpu=use_gpu,
            resources_per_worker={"CPU": 0.5},
            placement_strategy="PACK" if use_gpu else "SPREAD",
        ),
        run_config=RunConfig(
            storage_path=str(task.run / "ray"),
            name="ray",
            failure_config=FailureConfig(RESTARTS),
        ),
    )
    try:
        with _followed(told, on_progress):
            trainer.fit()
    except (TrainingFailedError, RuntimeError) as error:
        raise _reason(error, task.run.name) from error
    report: TrainReport = ray.get(told.report.remote())
    return replace(report, machines=ray.get(told.machines.remote()))


def _reason(error: Exception, name: str) -> RecsysError:
    """What a user can act on: a worker's own error, or the last line of a stranger's."""
    for failure in getattr(error, "worker_failures", {}).values():
        cause = getattr(failure, "cause", failure)
        if isinstance(cause, RecsysError):
            return cause
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return EncoderError("the training failed", found=lines[-1][:300], where=name)


class _Told:
    """Takes figures and the result out of the workers."""

    def __init__(self) -> None:
        self._figures: dict[str, float] = {}
        self._report: TrainReport | None = None
        self._machines: set[str] = set()

    def figures(self, newest: dict[str, float] | None = None) -> dict[str, float]:
        self._figures = newest or self._figures
        return self._figures

    def report(self, done: TrainReport | None = None) -> TrainReport | None:
        self._report = done or self._report
        return self._report

    def machines(self, node_id: str | None = None) -> int:
        self._machines |= {node_id} if node_id else set()
        return len(self._machines)


@contextlib.contextmanager
def _followed(told: Any, on_progress: Callable[[dict[str, float]], None]) -> Iterator[None]:
    """Pass the newest figures on once a second while the block runs."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(1.0):
            if figures := ray.get(told.figures.remote()):
                on_progress(figures)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        over.set()
        follower.join()


def _worker(given: dict[str, Any]) -> None:
    """One worker of `TorchTrainer`."""
    task: TrainingTask = ray.get(given["task"])
    context = ray.train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    ray.get(given["told"].machines.remote(ray.get_runtime_context().get_node_id()))
    device = ray.train.torch.get_device()
    if device.type == "cpu":
        torch.set_num_threads(max(int(cpus_here() // context.get_local_world_size()), 1))
    num_steps = task.data.num_steps(task.config)
    tower = Tower(task.encoder, task.config, task.texts, task.vectors, num_steps).to(device)
    begun, losses = time.monotonic(), list[float]()
    curves = Curves(task.run, task.config.trackers) if rank == 0 else None

    def report(figures: dict[str, float]) -> None:
        if "loss" in figures:
            losses.append(figures["loss"])
        if curves is not None:
            curves.write(figures)
            if "loss" in figures:
                given["told"].figures.remote(figures)

    workers = Workers(rank, world, _gather, lambda module: _ddp(module, device)) if world > 1 else Workers()
    with _precision(device):
        progress = train(tower, task.data, task.config, task.run / "checkpoints", workers, report)
    if curves is not None:
        curves.close()
        num_trainable = tower.num_trainable  # saving merges adapters into the encoder
        tower.save(task.target)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = TrainReport(
            progress.step, tuple(progress.curve), tuple(losses), time.monotonic() - begun, peak_mb,
            num_trainable,
        )  # fmt: skip
        ray.get(given["told"].report.remote(done))
    ray.train.report({"step": progress.step, "best": progress.best})


def _gather(part: torch.Tensor) -> torch.Tensor:
    """All rows in rank order with gradient.

    Each worker computes the same joint loss; the backward pass sums the workers' gradients and DDP
    divides by their number, which gives the gradient of one joint loss.
    """
    return torch.cat(list(all_gather(part)))  # type: ignore[no-untyped-call]  # torch's own


def _ddp(module: nn.Module, device: torch.device) -> nn.Module:
    if not dist.is_initialized():
        return module
    # The classifier's scale has no part in a contrastive loss, and prompts leave layers out.
    return DistributedDataParallel(
        module, device_ids=[device.index] if device.type == "cuda" else None, find_unused_parameters=True
    )


def _precision(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 where the device has it; float16 would need loss scaling, so float32 elsewhere."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()
