"""Federated averaging: a mean by pairs, weights that fit, and nothing else that leaves a shop."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from recsys.config import TrainConfig, TrainMode
from recsys.errors import InputError
from recsys.evaluation.splits import leave_one_out
from recsys.item_item import cooccurrence
from recsys.training.data import TrainingData
from recsys.training.federated import Contribution, LocalTraining, averaged
from recsys.training.pairs import next_item_pairs
from tests.tiny_encoders import tiny_bert
from tests.unit.item_item.test_models import log_of
from tests.unit.training.test_tower import tower_of

CONFIG = TrainConfig(mode=TrainMode.HEAD, epochs=2, batch_pairs=2, hard_negatives=1)
HISTORIES = [[0, 1, 2, 3, 7], [4, 5, 6], [1, 2, 0], [6, 7, 0, 3, 5], [2, 4, 6]]


def contribution(values: list[float], num_pairs: int) -> Contribution:
    return Contribution(save({"a": torch.tensor(values)}), num_pairs, 1)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(-8, 8), min_size=3, max_size=3), st.integers(1, 50)),
        min_size=1,
        max_size=5,
    )
)
def test_the_mean_counts_each_shop_by_its_pairs(shops: list[tuple[list[int], int]]) -> None:
    given_parts = [contribution([float(value) for value in values], count) for values, count in shops]
    expected = np.average([values for values, _ in shops], axis=0, weights=[count for _, count in shops])
    assert load(averaged(given_parts))["a"].numpy() == pytest.approx(expected, abs=1e-5)
    assert load(averaged(given_parts[:1] * 3))["a"].tolist() == [float(value) for value in shops[0][0]]
    assert averaged(given_parts) == averaged(given_parts)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], "nothing to average"),
        ([contribution([1.0], 0)], "nothing to average"),
        ([contribution([1.0], 1), contribution([1.0, 2.0], 1)], "different parts"),
        ([contribution([1.0], 1), Contribution(save({"b": torch.ones(1)}), 1, 1)], "different parts"),
        ([contribution([float("nan")], 1)], "not finite"),
        ([Contribution(b"pickle", 1, 1)], "no weights"),
    ],
)
def test_what_cannot_be_averaged_is_refused(parts: list[Contribution], why: str) -> None:
    with pytest.raises(InputError, match=why):
        averaged(parts)


def local(folder: Path, histories: list[list[int]]) -> LocalTraining:
    question = leave_one_out(log_of(histories))
    pairs = next_item_pairs(question.train, 1, 30.0, 10, 10**6, 0)
    frequencies = np.bincount(question.train.items, minlength=8).astype(np.float64)
    data = TrainingData(pairs, question, cooccurrence(question.train), frequencies)
    return LocalTraining(tower_of(folder, TrainMode.HEAD), data, CONFIG)


def test_a_round_depends_on_the_weights_that_came_and_on_nothing_kept(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "base")
    shop, again = local(folder, HISTORIES), local(folder, HISTORIES)
    start = shop.weights()
    one = shop.round(start, 0)
    assert one.weights != start
    assert (one.num_pairs, one.steps) == (9, 4)
    assert shop.round(start, 0) == one == again.round(start, 0)
    assert shop.round(start, 1) != one
    assert set(shop.figures(one.weights)) == {"ndcg@10", "auc"}
    other = local(folder, HISTORIES[:3]).round(start, 0)
    mean = load(averaged([one, other]))
    ours, theirs = load(one.weights), load(other.weights)
    share = one.num_pairs / (one.num_pairs + other.num_pairs)
    for name, value in mean.items():
        expected = share * ours[name].numpy() + (1 - share) * theirs[name].numpy()
        assert value.numpy() == pytest.approx(expected, abs=1e-6)


def test_no_more_than_weights_and_counts_leaves_a_shop() -> None:
    assert {one.name: one.type for one in fields(Contribution)} == {
        "weights": "bytes", "num_pairs": "int", "steps": "int",
    }  # fmt: skip


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    shop = local(tiny_bert(tmp_path / "base"), HISTORIES)
    with pytest.raises(InputError, match="do not fit"):
        shop.take(save({"head.weight": torch.ones(2, 2)}))
