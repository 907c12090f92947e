"""Losses and negatives against loops written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import InputError
from recsys.evaluation.splits import leave_one_out
from recsys.training.hard_negatives import hard_negatives
from recsys.training.judge import held_out_pairs
from recsys.training.losses import info_nce
from recsys.training.pairs import next_item_pairs, require_pairs, sampled_negatives
from tests.unit.item_item.test_models import HISTORIES, log_of


def rows(generator: np.random.Generator, *shape: int) -> torch.Tensor:
    made = torch.from_numpy(generator.standard_normal(shape))
    return torch.nn.functional.normalize(made, dim=-1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 6), st.integers(0, 2))
def test_info_nce_is_the_loop_written_out(seed: int, size: int, num_hard: int) -> None:
    generator = np.random.default_rng(seed)
    anchors, positives = rows(generator, size, 4), rows(generator, size, 4)
    hard = rows(generator, size, num_hard, 4) if num_hard else None
    log_q = torch.from_numpy(np.log(generator.random(size) + 0.1))
    allowed = torch.from_numpy(generator.random((size, size)) < 0.7)
    total = 0.0
    for one in range(size):
        right = float(anchors[one] @ positives[one]) / 0.1
        ahead = [right - float(log_q[one])]
        back = [right]
        for other in range(size):
            if other != one and allowed[one, other]:
                ahead.append(float(anchors[one] @ positives[other]) / 0.1 - float(log_q[other]))
            if other != one and allowed[other, one]:
                back.append(float(anchors[other] @ positives[one]) / 0.1)
        for place in range(num_hard):
            assert hard is not None
            ahead.append(float(anchors[one] @ hard[one, place]) / 0.1 - float(log_q.mean()))
        for logits in (ahead, back):
            total += (np.log(np.exp(logits).sum()) - logits[0]) / 2.0
    found = float(info_nce(anchors, positives, log_q, allowed, 0.1, hard))
    assert found == pytest.approx(total / size, rel=1e-6)


@settings(deadline=None, max_examples=50)
@given(HISTORIES, st.integers(1, 3))
def test_pairs_are_what_a_user_did_before_the_next_item(histories: list[list[int]], history: int) -> None:
    found = next_item_pairs(log_of(histories), history, 30.0, 100, 10_000, 0)
    expected = []
    for own in histories:
        for place in range(1, len(own)):
            before = list(dict.fromkeys(item for item in own[:place][::-1] if item != own[place]))[:history]
            if before:
                expected.append((before + [-1] * (history - len(before)), own[place]))
    assert [(a.tolist(), int(p)) for a, p in zip(found.anchors, found.positives, strict=True)] == expected


def test_events_far_apart_and_single_events_are_no_pair() -> None:
    log = log_of([[0, 1, 2], [3]])
    assert len(next_item_pairs(log, 1, 0.5, 100, 100, 0)) == 0
    with pytest.raises(InputError, match="too few training pairs"):
        require_pairs(next_item_pairs(log, 1, 30.0, 100, 100, 0), 8)


def test_drawn_pairs_are_the_same_for_a_seed() -> None:
    log = log_of([[0, 1, 2, 3, 4, 5, 6, 7]] * 20)
    one, same = (next_item_pairs(log, 1, 30.0, 100, 30, 5) for _ in range(2))
    assert len(one) == 30
    assert np.array_equal(one.anchors, same.anchors)


def test_held_out_pairs_are_of_liked_items_and_never_an_item_with_itself() -> None:
    log = log_of([[0, 1, 1], [2, 3, 4], [5, 6]])
    log = replace(log, weights=np.array([1, 1, 1, 1, -1, 1, 1, 1], np.float32))
    pairs = held_out_pairs(leave_one_out(log))
    assert list(zip(pairs.anchors[:, 0].tolist(), pairs.positives.tolist(), strict=True)) == [(2, 4), (5, 6)]


def test_negatives_are_never_the_pair_itself_or_a_known_neighbour() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((60, 8)).astype(np.float32)
    together = sp.csr_matrix((generator.random((60, 60)) < 0.1).astype(np.float32))
    anchors = generator.integers(0, 60, 200)
    found = hard_negatives(anchors, vectors, together, 3, (2, 20), 1)
    assert found.shape == (200, 3)
    for anchor, own in zip(anchors.tolist(), found.tolist(), strict=True):
        assert anchor not in own
        assert not together[anchor, own].toarray().any()
    pairs = next_item_pairs(log_of([[0, 1, 2, 3]] * 5), 2, 30.0, 100, 100, 0)
    drawn = sampled_negatives(pairs, 8, 4, 0)
    assert not (drawn == pairs.positives[:, None]).any()
