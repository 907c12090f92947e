"""Every mode of every kind of backbone: what was trained is what is saved and embedded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from recsys.config import EncoderConfig, TrainConfig, TrainMode
from recsys.encoder import TextEncoder, encoder_version
from recsys.encoder.folder import HEAD
from recsys.errors import ConfigError, EncoderError
from recsys.evaluation.splits import leave_one_out
from recsys.item_item import cooccurrence
from recsys.training.checkpoint import Progress, checkpoints, load_checkpoint, save_checkpoint
from recsys.training.data import TrainingData, Workers
from recsys.training.loop import train
from recsys.training.pairs import next_item_pairs
from recsys.training.tower import Tower
from tests.tiny_encoders import tiny_bert, tiny_gpt2, tiny_t5
from tests.unit.item_item.test_models import log_of

TEXTS = (
    "red pen",
    "blue pen for the office",
    "kettle",
    "steel knife and pan",
    "dog food",
    "cat bed",
    "",
    "tea mug",
)
MAKERS: dict[str, Callable[..., Path]] = {"bert": tiny_bert, "t5": tiny_t5, "gpt2": tiny_gpt2}


def tower_of(source: Path, mode: TrainMode, *, num_steps: int = 0, **more: Any) -> Tower:
    encoder = EncoderConfig(source=str(source), max_tokens=32)
    config = TrainConfig.model_validate({"mode": mode, "max_tokens": 32, **more})
    return Tower(encoder, config, TEXTS, TextEncoder.load(encoder).encode(TEXTS), num_steps)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("mode", list(TrainMode))
def test_a_saved_tower_embeds_as_the_trained_one(tmp_path: Path, kind: str, mode: TrainMode) -> None:
    source = MAKERS[kind](tmp_path / "base")
    tower = tower_of(source, mode)
    if mode is not TrainMode.PROMPT:
        plain = TextEncoder.load(EncoderConfig(source=str(source), max_tokens=32)).encode(TEXTS)
        assert tower.embed(len(TEXTS)) == pytest.approx(plain, abs=1e-5)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in tower.trainable().values():
            value.add_(torch.randn_like(value) * 0.05)
    trained = tower.embed(len(TEXTS))
    tower.save(tmp_path / "out")
    saved = EncoderConfig(source=str(tmp_path / "out"), max_tokens=32)
    assert TextEncoder.load(saved).encode(TEXTS) == pytest.approx(trained, abs=1e-5)
    assert encoder_version(saved) != encoder_version(EncoderConfig(source=str(source), max_tokens=32))


def test_a_head_that_does_not_fit_is_refused_and_another_head_is_another_space(tmp_path: Path) -> None:
    tower = tower_of(tiny_bert(tmp_path / "base"), TrainMode.HEAD)
    tower.save(tmp_path / "out")
    config = EncoderConfig(source=str(tmp_path / "out"), max_tokens=32)
    before = encoder_version(config)
    from safetensors.torch import save_file

    save_file({"weight": torch.eye(32) * 2.0}, tmp_path / "out" / HEAD)
    assert encoder_version(config) != before
    save_file({"weight": torch.full((32, 32), float("nan"))}, tmp_path / "out" / HEAD)
    with pytest.raises(EncoderError, match="does not fit"):
        TextEncoder.load(config)
    save_file({"weight": torch.eye(32)}, tmp_path / "out" / HEAD)
    with pytest.raises(ConfigError, match="cannot be trained further"):
        tower_of(tmp_path / "out", TrainMode.LORA)


def data_of(seed: int = 0) -> TrainingData:
    generator = np.random.default_rng(seed)
    # Two tastes: items 0-3 go together, and 4-7 do.
    histories = [(4 * (user % 2) + generator.permutation(4)).tolist() for user in range(40)]
    log = log_of(histories)
    question = leave_one_out(log)
    pairs = next_item_pairs(question.train, 2, 30.0, 50, 1_000, 0)
    counts = np.bincount(question.train.items, minlength=8).astype(np.float64)
    return TrainingData(pairs, question, cooccurrence(question.train), counts)


CONFIG: dict[str, Any] = {
    "batch_pairs": 16,
    "epochs": 4,
    "history": 2,
    "hard_negatives": 1,
    "patience": 9,
    "checkpoint_every_steps": 2,
}


@pytest.mark.parametrize("objective", ["contrastive", "classifier"])
@pytest.mark.parametrize("mode", [TrainMode.HEAD, TrainMode.LORA])
def test_training_lowers_the_loss_and_raises_pair_auc(
    tmp_path: Path, mode: TrainMode, objective: str
) -> None:
    given: dict[str, Any] = {
        **CONFIG,
        "epochs": 10,
        "patience": 10,
        "objective": objective,
        "learning_rate": 5e-3,
    }
    config = TrainConfig.model_validate({**given, "mode": mode})
    tower = tower_of(tiny_bert(tmp_path / "base"), mode, **given)

    losses: list[float] = []
    report = lambda figures: losses.append(figures["loss"]) if "loss" in figures else None  # noqa: E731
    progress = train(tower, data_of(), config, tmp_path / "run", Workers(), report)
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    assert progress.curve[-1]["auc"] > progress.curve[0]["auc"]
    assert progress.done


class StoppedError(RuntimeError):
    """The kill of a test."""


@pytest.mark.parametrize("mode", [TrainMode.HEAD, TrainMode.LORA])
def test_a_stopped_training_goes_on_to_the_same_end(tmp_path: Path, mode: TrainMode) -> None:
    source = tiny_bert(tmp_path / "base")
    config = TrainConfig.model_validate({**CONFIG, "mode": mode})

    def run(folder: Path, stop_at: int | None) -> np.ndarray:
        tower = tower_of(source, mode, **CONFIG)

        def report(figures: dict[str, float]) -> None:
            if stop_at is not None and figures.get("step") == stop_at:
                raise StoppedError

        train(tower, data_of(), config, folder, Workers(), report)
        return tower.embed(len(TEXTS))

    whole = run(tmp_path / "whole", None)
    with pytest.raises(StoppedError):
        run(tmp_path / "cut", 7)
    assert checkpoints(tmp_path / "cut")
    assert run(tmp_path / "cut", None) == pytest.approx(whole, abs=1e-5)


def test_adalora_ends_with_fewer_ranks_also_when_it_is_resumed(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "base")
    given: dict[str, Any] = {**CONFIG, "epochs": 8, "rank": 2, "hard_negatives": 0, "learning_rate": 1e-2}
    config = TrainConfig.model_validate({**given, "mode": TrainMode.ADALORA})
    data = data_of()

    def ranks_at_the_end(folder: Path, stop_at: int) -> list[int]:
        tower = tower_of(source, TrainMode.ADALORA, num_steps=data.num_steps(config), **given)

        def report(figures: dict[str, float]) -> None:
            if figures.get("step") == stop_at:
                raise StoppedError

        train(tower, data, config, folder, Workers(), report)
        newest = load_file(checkpoints(folder)[-1] / "tensors.safetensors")
        return [
            int((value != 0.0).sum())
            for name, value in newest.items()
            if name.startswith("p/") and "lora_E" in name
        ]

    whole = ranks_at_the_end(tmp_path / "whole", -1)
    with pytest.raises(StoppedError):
        ranks_at_the_end(tmp_path / "cut", data.num_steps(config) - 3)
    resumed = ranks_at_the_end(tmp_path / "cut", -1)
    for found in (whole, resumed):
        assert sum(found) == 2 * len(found)  # of 3 each to begin with


def test_checkpoints_of_other_settings_are_refused_and_broken_ones_skipped(tmp_path: Path) -> None:
    tower = tower_of(tiny_bert(tmp_path / "base"), TrainMode.HEAD)
    parameters = tower.trainable()
    optimizer = torch.optim.AdamW(list(parameters.values()))
    for step in (1, 2):
        save_checkpoint(tmp_path / "run", Progress("a", step), parameters, optimizer)
    with pytest.raises(ConfigError, match="other settings"):
        load_checkpoint(tmp_path / "run", "b", parameters, optimizer)
    newest = checkpoints(tmp_path / "run")[-1] / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    assert load_checkpoint(tmp_path / "run", "a", parameters, optimizer).step == 1
