"""J2: a worker of a training is killed, then the driver with everything below it; the next run goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import ray

from cluster.trainer import TrainReport, run_training
from jobs.bench.processes import descendants, title_of
from recsys.config import EncoderConfig
from recsys.encoder import TextEncoder
from recsys.training.checkpoint import checkpoints
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import kill
from tests.ray.test_trainer import task_of
from tests.tiny_encoders import tiny_bert
from tests.unit.training.test_tower import TEXTS

GIVEN = {"num_workers": 2, "epochs": 20, "checkpoint_every_steps": 5, "patience": 40}
NOISE = 0.02
PATIENCE_S = 120.0
WORKER = "ray::RayTrainWorker"


def run(place: Place, outcome: Outcome) -> None:
    """A whole run beside one that is killed twice."""
    source = tiny_bert(place.folder / "base")
    struck = task_of(place.folder / "struck", source, **GIVEN)
    folder = struck.run / "checkpoints"
    command = [sys.executable, "-m", "tests.ray.training_process", str(place.folder / "struck"), str(source)]
    process = subprocess.Popen([*command, json.dumps(GIVEN)])
    first = _step_after(folder, -1, process)
    workers = [pid for pid in descendants(process.pid) if title_of(pid).startswith(WORKER)]
    kill(workers[:1])
    second = _step_after(folder, first, process)
    kill([*descendants(process.pid), process.pid])
    process.wait()
    reached = _newest(folder)
    finished_early = struck.target.exists()
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    again = run_training(struck)
    whole_task = task_of(place.folder / "whole", source, **GIVEN)
    whole = run_training(whole_task)
    ray.shutdown()
    _tell(outcome, whole, again, reached)
    outcome.figures |= {"kills": 2, "checkpoint at the first kill": first, "at the second": second}
    outcome.require("killed in the middle", "yes", "no" if finished_early else "yes", not finished_early)
    saved = [_encoded(task.target) for task in (whole_task, struck)]
    least = float((saved[0] * saved[1]).sum(axis=1).min())
    outcome.figures["least cosine of the encoders"] = round(least, 4)


def _tell(outcome: Outcome, whole: TrainReport, again: TrainReport, reached: int) -> None:
    best = [max(row["ndcg@10"] for row in report.curve) for report in (whole, again)]
    redone = again.steps - reached
    outcome.figures |= {
        "steps": whole.steps,
        "steps of the last run": len(again.losses),
        "NDCG@10 whole": round(best[0], 4),
        "NDCG@10 killed": round(best[1], 4),
    }
    outcome.require("steps at the end", str(whole.steps), again.steps, again.steps == whole.steps)
    found = len(again.losses)
    outcome.require("the last run goes on from the checkpoint", f"{redone} steps", found, found == redone)
    outcome.require("NDCG@10", f"{best[0]:.4f} ± {NOISE}", round(best[1], 4), abs(best[0] - best[1]) <= NOISE)


def _step_after(folder: Path, step: int, process: subprocess.Popen[bytes]) -> int:
    """Wait for a checkpoint beyond a step; its number."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if (newest := _newest(folder)) > step:
            return newest
        time.sleep(0.01)
    raise TimeoutError("the training made no checkpoint, or has ended")


def _newest(folder: Path) -> int:
    found = checkpoints(folder)
    return int(found[-1].name.rpartition("-")[2]) if found else -1


def _encoded(folder: Path) -> np.ndarray:
    return TextEncoder.load(EncoderConfig(source=str(folder), max_tokens=32)).encode(TEXTS)
