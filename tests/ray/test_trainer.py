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
from pathlib import Path

import numpy as np
import pytest

from cluster.trainer import TrainingTask, run_training
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
    assert reports[0].num_trainable == reports[1].num_trainable > 0


def test_a_killed_worker_is_started_again_and_the_run_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    given = {"num_workers": 2, "epochs": 12, "checkpoint_every_steps": 5, "patience": 20}
    whole = task_of(tmp_path / "whole", source, **given)
    run_training(whole)
    killed = task_of(tmp_path / "killed", source, **given)
    hits: list[int] = []
    killer = threading.Thread(target=lambda: hits.append(kill_a_worker(killed.run / "checkpoints")))
    killer.start()
    report = run_training(killed)
    killer.join()
    assert hits
    vectors = [
        TextEncoder.load(EncoderConfig(source=str(task.target), max_tokens=32)).encode(TEXTS)
        for task in (whole, killed)
    ]
    assert report.steps == killed.data.num_steps(killed.config)
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-2)


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


def test_a_killed_command_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    given = {"epochs": 12, "checkpoint_every_steps": 5, "patience": 20}
    whole, cut = (task_of(tmp_path / name, source, **given) for name in ("whole", "cut"))
    first = run_training(whole)
    command = [sys.executable, "-m", "tests.ray.training_process", str(tmp_path / "cut"), str(source)]
    process = subprocess.Popen([*command, json.dumps(given)], start_new_session=True)
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


def test_a_finished_run_trains_nothing_more(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    task = task_of(tmp_path, source, mode=TrainMode.HEAD)
    first, again = run_training(task), run_training(task)
    assert first.losses
    assert again.losses == ()
    assert first.steps == again.steps
    assert np.isfinite(first.losses).all()


def test_what_stopped_a_worker_is_what_the_caller_gets(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    run_training(task_of(tmp_path, source, mode=TrainMode.HEAD))
    with pytest.raises(ConfigError, match="begun with other settings"):
        run_training(task_of(tmp_path, source, mode=TrainMode.HEAD, seed=5))


def test_workers_guess_hidden_words(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
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
