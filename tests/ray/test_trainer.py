"""Ray Train: two workers are one, and a killed run goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from cluster.trainer import TrainingTask, TrainReport, run_training
from recsys.config import EncoderConfig, TrainConfig, TrainMode
from recsys.encoder import TextEncoder
from recsys.errors import ConfigError
from recsys.training.checkpoint import checkpoints
from recsys.training.text_pairs import text_training_data
from tests.tiny_encoders import tiny_bert
from tests.unit.training.test_text_objectives import nobody, titles_and_rests
from tests.unit.training.test_tower import CONFIG, TEXTS, data_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("ray_cluster")]


def task_of(root: Path, source: Path, **more: object) -> TrainingTask:
    encoder = EncoderConfig(source=str(source), max_tokens=32)
    config = TrainConfig.model_validate(
        {**CONFIG, "mode": TrainMode.LORA, "max_tokens": 32, "epochs": 2, **more}
    )
    vectors = TextEncoder.load(encoder).encode(TEXTS)
    return TrainingTask(encoder, config, TEXTS, vectors, data_of(), root / "run", root / "out")


LONG = {"epochs": 12, "checkpoint_every_steps": 5, "patience": 20}
"""A run with checkpoints enough to be killed between two."""


class Run(NamedTuple):
    """A training that has ended, and how its encoder sees the texts."""

    task: TrainingTask
    report: TrainReport
    vectors: NDArray[np.float32]


def finish(task: TrainingTask) -> Run:
    """Train to the end, or on from the newest checkpoint."""
    report = run_training(task)
    saved = TextEncoder.load(EncoderConfig(source=str(task.target), max_tokens=32))
    return Run(task, report, saved.encode(TEXTS))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoder that all of them begin with."""
    return tiny_bert(tmp_path_factory.mktemp("base") / "bert")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, source: Path, ray_cluster: None) -> dict[int, Run]:
    """Runs that nothing disturbed, by their number of workers."""
    root = tmp_path_factory.mktemp("whole")
    return {num: finish(task_of(root / str(num), source, num_workers=num, **LONG)) for num in (1, 2)}


def test_two_workers_with_half_a_batch_each_are_one_with_all_of_it(whole: dict[int, Run]) -> None:
    one, two = whole[1], whole[2]
    assert one.report.losses == pytest.approx(two.report.losses, abs=1e-4)
    assert one.vectors == pytest.approx(two.vectors, abs=1e-3)
    assert [row["epoch"] for row in one.report.curve] == list(range(len(one.report.curve)))
    assert len(one.report.curve) > 2
    assert one.report.num_trainable == two.report.num_trainable > 0
    for run in whole.values():
        assert list((run.task.run / "tensorboard").glob("events.out.tfevents.*"))


def test_a_killed_worker_is_started_again_and_the_run_ends_as_if_nothing_had_been(
    tmp_path: Path, source: Path, whole: dict[int, Run]
) -> None:
    task = task_of(tmp_path, source, num_workers=2, **LONG)
    hits: list[int] = []
    killer = threading.Thread(target=lambda: hits.append(kill_a_worker(task.run / "checkpoints")))
    killer.start()
    killed = finish(task)
    killer.join()
    assert hits
    assert killed.report.steps == task.data.num_steps(task.config)
    assert killed.vectors == pytest.approx(whole[2].vectors, abs=1e-2)


def kill_a_worker(folder: Path) -> int:
    """SIGKILL one of this run's workers as soon as there is a checkpoint; its process id."""
    while not checkpoints(folder):
        time.sleep(0.01)
    pid = max(own_workers())
    os.kill(pid, signal.SIGKILL)
    return pid


def own_workers() -> list[int]:
    return [pid for pid, command in descendants(os.getpid()) if command.startswith(b"ray::RayTrainWorker")]


def descendants(of: int) -> list[tuple[int, bytes]]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and of in ancestors(int(entry.name)):
                found.append((int(entry.name), (entry / "cmdline").read_bytes()))
        except OSError:  # it has ended meanwhile
            continue
    return found


def ancestors(pid: int) -> list[int]:
    above: list[int] = []
    while pid > 1:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        pid = int(status.rpartition(")")[2].split()[1])
        above.append(pid)
    return above


def test_a_killed_command_goes_on_from_its_checkpoint(
    tmp_path: Path, source: Path, whole: dict[int, Run]
) -> None:
    cut, first = task_of(tmp_path, source, **LONG), whole[1].report
    command = [sys.executable, "-m", "tests.ray.training_process", str(tmp_path), str(source)]
    process = subprocess.Popen([*command, json.dumps(LONG)], start_new_session=True)
    while not checkpoints(cut.run / "checkpoints") and process.poll() is None:
        time.sleep(0.01)
    for pid, _ in [*descendants(process.pid), (process.pid, b"")]:  # as if the machine had lost power
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    assert not cut.target.exists()
    again = run_training(cut)
    assert len(again.losses) < len(first.losses)
    assert again.steps == first.steps
    assert [row["ndcg@10"] for row in again.curve] == pytest.approx(
        [row["ndcg@10"] for row in first.curve], abs=0.02
    )
    assert again.losses[-1] == pytest.approx(first.losses[-1], abs=1e-3)


def test_a_finished_run_trains_nothing_more(whole: dict[int, Run]) -> None:
    first = whole[1].report
    again = run_training(whole[1].task)
    assert first.losses
    assert again.losses == ()
    assert first.steps == again.steps
    assert np.isfinite(first.losses).all()


def test_what_stopped_a_worker_is_what_the_caller_gets(whole: dict[int, Run]) -> None:
    task = whole[1].task
    other = replace(task, config=task.config.model_copy(update={"seed": 5}))
    with pytest.raises(ConfigError, match="begun with other settings"):
        run_training(other)


def test_workers_guess_hidden_words(tmp_path: Path, source: Path) -> None:
    encoder = EncoderConfig(source=str(source), max_tokens=32)
    config = TrainConfig.model_validate(
        {
            "mode": TrainMode.LORA,
            "objective": "masked-language",
            "batch_pairs": 16,
            "epochs": 2,
            "num_workers": 2,
            "patience": 9,
        }
    )
    views = titles_and_rests()
    texts = [". ".join(own) for own in views]
    vectors = TextEncoder.load(encoder).encode(texts)
    data = text_training_data(texts, views, nobody(len(texts)), config, vectors)
    task = TrainingTask(
        encoder, config, [*texts, *data.views], vectors, data, tmp_path / "run", tmp_path / "out"
    )
    report = run_training(task)
    assert report.steps == data.num_steps(config) > 0
    assert np.isfinite(report.losses).all()
    assert [row["epoch"] for row in report.curve] == [0.0, 1.0, 2.0]
    saved = TextEncoder.load(EncoderConfig(source=str(task.target), max_tokens=32)).encode(texts)
    assert np.isfinite(saved).all()
