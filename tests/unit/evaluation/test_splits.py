"""Questions hold nothing of the future, and everybody is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.baselines.scorers import Constant
from recsys.errors import InputError
from recsys.evaluation.ranking import rank_split, top_places
from recsys.evaluation.splits import leave_one_out, temporal, validation_and_test, without_items
from recsys.interaction_log import DAY_US
from tests.unit.item_item.test_models import HISTORIES, log_of


@settings(deadline=None, max_examples=50)
@given(HISTORIES)
def test_leave_one_out_asks_for_the_last_event(histories: list[list[int]]) -> None:
    if max(map(len, histories)) < 2:
        return
    split = leave_one_out(log_of(histories))
    long = [user for user, own in enumerate(histories) if len(own) > 1]
    assert split.users.tolist() == long
    assert split.num_without_target == len(histories) - len(long)
    for row, user in enumerate(split.users.tolist()):
        assert split.targets[row].indices.tolist() == [histories[user][-1]]
        assert split.train.items[split.train.rows_of(user)].tolist() == histories[user][:-1]


def test_leave_one_out_asks_for_nothing_that_was_disliked() -> None:
    log = log_of([[0, 1, 2, 3], [0, 1], [2, 3], [4]])
    log = replace(log, weights=np.array([1, 1, 1, -1, 1, -1, -1, -1, 1], np.float32))
    last, before = leave_one_out(log), leave_one_out(log, 2)
    assert last.users.tolist() == [0]
    assert last.targets[0].indices.tolist() == [2]
    assert before.targets[0].indices.tolist() == [1]
    for split, known in ((last, {0: [0, 1], 1: [], 2: [2, 3], 3: []}), (before, {0: [0], 1: [], 3: []})):
        for user, items in known.items():
            assert split.train.items[split.train.rows_of(user)].tolist() == items


def test_without_items_nobody_knows_or_wants_them() -> None:
    split = leave_one_out(log_of([[0, 1, 2], [0, 2, 1], [0, 1]]))
    left = without_items(split, np.arange(split.train.num_items) == 1)
    assert left.users.tolist() == [0]
    assert 1 not in left.train.items
    assert left.num_without_target == 2


@settings(deadline=None, max_examples=50)
@given(HISTORIES, st.integers(1, 4))
def test_temporal_questions_do_not_see_their_future(histories: list[list[int]], day: int) -> None:
    log = log_of(histories)
    try:
        split = temporal(log, day * DAY_US, (day + 1) * DAY_US)
    except InputError:
        assert all(len(own) <= day for own in histories)
        return
    assert (split.train.occurred_at_us < day * DAY_US).all()
    for row, user in enumerate(split.users.tolist()):
        assert set(split.targets[row].indices.tolist()) == {histories[user][day]}
    assert len(split.users) + split.num_without_target == len(histories)


def test_unseen_only_drops_repeats_and_counts_whom_it_loses() -> None:
    split = leave_one_out(log_of([[0, 1, 0], [0, 1, 2]])).unseen_only()
    assert split.users.tolist() == [1]
    assert split.num_without_target == 1


def test_no_events_and_unknown_words_are_refused() -> None:
    with pytest.raises(InputError, match="no events"):
        validation_and_test(log_of([]), "temporal", 7.0)
    with pytest.raises(InputError, match="split is not known"):
        validation_and_test(log_of([[0, 1, 2]]), "random", 7.0)


def test_seen_and_unavailable_items_are_never_listed() -> None:
    split = leave_one_out(log_of([[0, 1, 2], [3, 4, 5]]))
    available = np.ones(8, bool)
    available[7] = False
    ranked = rank_split(Constant(np.arange(8.0)), split, True, available)
    assert ranked.lists[0].tolist()[:5] == [6, 5, 4, 3, 2]
    assert ranked.lists[1].tolist()[:5] == [6, 5, 2, 1, 0]
    assert (ranked.lists[:, 5:] == -1).all()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=400), st.integers(1, 20), st.integers(1, 9))
def test_top_places_are_a_stable_sort(values: list[int], k: int, levels: int) -> None:
    scores = np.array([[value * levels % 7 for value in values], values], np.float32)
    scores[scores == -3.0] = -np.inf
    for own, found in zip(scores, top_places(scores, k), strict=True):
        shown = [place for place in np.argsort(-own, kind="stable").tolist() if own[place] > -np.inf][:k]
        assert found.tolist() == shown + [-1] * (k - len(shown))
