"""Private training: no user counts more than the bound, and what is noised is what is said to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from opacus import GradSampleModule
from opacus.accountants import RDPAccountant
from opacus.optimizers import DPOptimizer
from pydantic import ValidationError

from jobs.train_encoder import booked
from recsys.config import TrainConfig, TrainMode
from recsys.errors import BudgetSpentError, ConfigError
from recsys.privacy.ledger import BudgetLedger
from recsys.training.pairs import next_item_pairs, sampled_negatives
from recsys.training.private import PrivacyPlan, UserPairs, train_private, user_losses
from recsys.workspace import Workspace
from tests.unit.item_item.test_models import log_of
from tests.unit.training.test_tower import tower_of

HISTORIES = [[0, 1, 2, 3], [4, 5], [1, 2], [6, 7, 0, 3, 5], [2, 4, 6], [3, 1]]
PRIVATE: dict[str, Any] = {"objective": "classifier", "dp_epsilon": 3.0, "dp_delta": 1e-3}


def user_pairs(histories: list[list[int]], history: int = 2) -> UserPairs:
    pairs = next_item_pairs(log_of(histories), history, 30.0, 4, 10**6, 0)
    return UserPairs.of(pairs, np.tile(np.array([[7, 6]], np.int64), (len(pairs), 1)))


def test_what_a_user_has_depends_on_nobody_else() -> None:
    every = user_pairs(HISTORIES)
    assert every.mask.sum() == sum(min(len(own) - 1, 4) for own in HISTORIES)
    for left_out in range(len(HISTORIES)):
        fewer = user_pairs([own for user, own in enumerate(HISTORIES) if user != left_out])
        kept = [user for user in range(len(HISTORIES)) if user != left_out]
        width = fewer.mask.shape[1]
        assert np.array_equal(fewer.mask, every.mask[kept][:, :width])
        at = fewer.mask
        assert np.array_equal(fewer.anchors[at], every.anchors[kept][:, :width][at])
        assert np.array_equal(fewer.wanted[at], every.wanted[kept][:, :width][at])


@pytest.mark.parametrize("bound", [1e-3, 0.05, 100.0])
def test_each_users_gradient_is_cut_before_they_are_added(bound: float) -> None:
    generator = torch.Generator().manual_seed(1)
    vectors = torch.nn.functional.normalize(torch.randn(8, 6, generator=generator), dim=1)
    layer = torch.nn.Linear(6, 6, bias=False)
    users = user_pairs(HISTORIES)
    expected = torch.zeros_like(layer.weight)
    for user in range(len(HISTORIES)):
        layer.zero_grad()
        user_losses(layer, vectors, users.part(np.array([user])), 5.0).sum().backward()  # type: ignore[no-untyped-call]
        own = layer.weight.grad
        assert own is not None
        expected += own * min(1.0, bound / float(own.norm()))
    layer.zero_grad()
    head = GradSampleModule(layer, loss_reduction="mean").train()
    optimizer = DPOptimizer(
        torch.optim.SGD(head.parameters(), lr=1.0),
        noise_multiplier=0.0,
        max_grad_norm=bound,
        expected_batch_size=len(HISTORIES),
        loss_reduction="mean",
    )
    user_losses(head, vectors, users, 5.0).mean().backward()  # type: ignore[no-untyped-call]
    optimizer.pre_step()
    found = layer.weight.grad
    assert found is not None
    assert found.numpy() == pytest.approx(expected.numpy() / len(HISTORIES), rel=1e-3, abs=1e-7)


def test_the_plan_keeps_its_epsilon_and_refuses_a_delta_that_keeps_nothing() -> None:
    config = TrainConfig.model_validate({**PRIVATE, "mode": "head", "epochs": 4, "batch_pairs": 64})
    plan = PrivacyPlan.of(config, 640)
    assert (plan.sample_rate, plan.steps) == (0.1, 40)
    accountant = RDPAccountant()
    for _ in range(plan.steps):
        accountant.step(noise_multiplier=plan.noise_multiplier, sample_rate=plan.sample_rate)
    assert 2.5 < accountant.get_epsilon(plan.delta) <= 3.0
    tighter = PrivacyPlan.of(config.model_copy(update={"dp_epsilon": 1.0}), 640)
    assert tighter.noise_multiplier > plan.noise_multiplier
    with pytest.raises(ConfigError, match="delta is too large"):
        PrivacyPlan.of(config, 1_001)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"objective": "contrastive"}, "every user's loss depends on the others"),
        ({"mode": TrainMode.LORA}, "mode head"),
        ({"num_workers": 2}, "one worker"),
    ],
)
def test_what_cannot_be_private_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TrainConfig.model_validate({"mode": "head", **PRIVATE, **more})


def test_a_private_head_is_trained_and_no_seed_repeats_its_noise(tiny_bert_tower: Any) -> None:
    found = []
    for _ in range(2):
        tower, data, config = tiny_bert_tower()
        before = tower.embed(8)
        reports: list[dict[str, float]] = []
        progress = train_private(tower, data, config, reports.append)
        plan = PrivacyPlan.of(config, len(HISTORIES))
        assert progress.step == plan.steps == len(reports)
        assert [row["epoch"] for row in progress.curve] == [0.0, config.epochs]
        assert np.isfinite(tower.embed(8)).all()
        assert not np.allclose(tower.embed(8), before)
        found.append(tower.embed(8))
    assert not np.allclose(*found)


def test_the_ledger_pays_before_the_training_begins(tiny_bert_tower: Any, tmp_path: Path) -> None:
    _, data, config = tiny_bert_tower()
    workspace = Workspace(tmp_path / "shop").create()
    assert booked(workspace, config.model_copy(update={"dp_epsilon": None}), data) == {}
    facts = booked(workspace, config, data)
    assert (facts["privacy_unit"], facts["epsilon"], facts["delta"]) == ("user", 3.0, 0.01)
    assert BudgetLedger(workspace.privacy).spent() == (3.0, 0.01)
    with pytest.raises(BudgetSpentError):
        booked(workspace, config, data)


@pytest.fixture
def tiny_bert_tower(tmp_path: Any) -> Any:
    """Makes a tower over eight texts, its data and a private config; the same each time."""
    from recsys.evaluation.splits import leave_one_out
    from recsys.item_item import cooccurrence
    from recsys.training.data import TrainingData
    from tests.tiny_encoders import tiny_bert

    source = tiny_bert(tmp_path / "base")

    def made() -> Any:
        log = log_of([[*own, 7] for own in HISTORIES])
        question = leave_one_out(log)
        config = TrainConfig.model_validate(
            {"mode": "head", **PRIVATE, "dp_delta": 0.01, "epochs": 3, "batch_pairs": 2}
        )
        pairs = next_item_pairs(question.train, 1, 30.0, 4, 10**6, 0)
        frequencies = np.bincount(question.train.items, minlength=8).astype(np.float64)
        data = TrainingData(pairs, question, cooccurrence(question.train), frequencies)
        assert sampled_negatives(pairs, 8, 1, 0).shape == (len(pairs), 1)
        return tower_of(source, TrainMode.HEAD, objective="classifier"), data, config

    return made
