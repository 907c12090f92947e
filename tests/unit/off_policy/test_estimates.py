"""Values of other policies: exact by enumeration, laws, refusals, bad rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.answer_record import AnswerRecord, Explored
from recsys.errors import InputError
from recsys.off_policy import (
    DecisionLog,
    dr,
    evaluate_policies,
    from_records,
    greedy,
    ips,
    snips,
    softmax,
    uniform,
)
from recsys.off_policy.reward_model import cross_fitted
from recsys.off_policy.targets import scores_of


def random_log(seed: int, count: int = 400, width: int = 4, units: int = 80) -> DecisionLog:
    """Decisions over the same number of candidates, drawn as logged."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(width, 2.0), count)
    places = np.array([rng.choice(width, p=row) for row in chances])
    offsets = np.arange(count + 1) * width
    return DecisionLog(
        rng.integers(units, size=count),
        offsets,
        np.array([f"i{n}" for n in rng.integers(20, size=count * width)], object),
        chances.ravel(),
        offsets[:-1] + places,
        rng.random(count),
    )


def test_ips_is_right_on_average_by_enumeration() -> None:
    chances, truth = (
        np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]),
        np.array([[1.0, 2.0, 5.0], [0.0, 4.0, 1.0]]),
    )
    target = np.array([[0.2, 0.2, 0.6], [0.9, 0.0, 0.1]])
    guess = np.array([[2.0, 2.0, 2.0], [9.0, 1.0, 1.0]])
    wanted = float((target * truth).sum(axis=1).mean())
    offsets = np.array([0, 3, 6])
    totals = {"ips": 0.0, "dr": 0.0}
    for a, b in itertools.product(range(3), repeat=2):
        log = DecisionLog(
            np.arange(2), offsets, np.array(list("abcabc"), object), chances.ravel(), np.array([a, 3 + b]),
            np.array([truth[0, a], truth[1, b]]),
        )  # fmt: skip
        chance = chances[0, a] * chances[1, b]
        totals["ips"] += chance * ips(log, target.ravel()).value
        totals["dr"] += chance * dr(log, target.ravel(), guess.ravel()).value
    assert totals == {"ips": pytest.approx(wanted), "dr": pytest.approx(wanted)}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-5.0, 5.0))
def test_the_logging_policy_is_its_own_mean_and_a_constant_moves_snips_by_itself(
    seed: int, shift: float
) -> None:
    log = random_log(seed)
    assert ips(log, log.probabilities).value == pytest.approx(log.reward.mean())
    assert snips(log, log.probabilities).value == pytest.approx(log.reward.mean())
    target = softmax(log, np.random.default_rng(seed).normal(size=len(log.items)))
    moved = DecisionLog(log.unit, log.offsets, log.items, log.probabilities, log.chosen, log.reward + shift)
    assert snips(moved, target).value == pytest.approx(snips(log, target).value + shift)
    nothing = np.zeros(len(log.items))
    assert dr(log, target, nothing) == ips(log, target)


def test_targets_are_chances_and_greedy_takes_the_first_of_equals() -> None:
    log = random_log(1)
    scores = np.random.default_rng(2).integers(0, 3, len(log.items)).astype(float)
    for target in (uniform(log), greedy(log, scores), greedy(log, scores, 0.3), softmax(log, scores, 0.5)):
        np.testing.assert_allclose(log.sums(target), 1.0)
    best = greedy(log, scores).reshape(-1, 4).argmax(axis=1)
    np.testing.assert_array_equal(best, scores.reshape(-1, 4).argmax(axis=1))
    by_item = scores_of(log, {"i1": 2.0}, -1.0)
    assert set(by_item) <= {2.0, -1.0}
    with pytest.raises(InputError):
        softmax(log, scores, 0.0)


def test_where_there_is_no_overlap_nothing_is_said() -> None:
    log = random_log(3, count=250)
    rare = greedy(log, -log.probabilities)
    report = evaluate_policies(log, {"rare": rare, "same": log.probabilities})
    assert report.policies["rare"].estimates == {}
    assert "are needed" in report.policies["rare"].refused[0]
    assert set(report.policies["same"].estimates) == {"ips", "snips", "dr"}
    one = DecisionLog(
        log.unit, log.offsets, log.items, np.where(np.arange(1_000) < 4, 1e-4, 0.25), log.chosen, log.reward
    )
    assert "of the weight" in evaluate_policies(one, {"u": uniform(one)}).policies["u"].refused[-1]
    with pytest.raises(InputError):
        evaluate_policies(log, {"bad": np.ones(len(log.items))})


def record(name: str, drawn: Explored | None, unit: str = "user:a") -> AnswerRecord:
    """An answer with a place of chance."""
    return AnswerRecord(name, 1, unit, "home", "v", ("a", "b"), explored=drawn)


def test_records_that_cannot_be_are_left_out_and_counted() -> None:
    rows = [
        record("r1", Explored(2, ("a", "b"), (0.25, 0.75), "b")),
        record("r2", Explored(2, ("a", "b"), (0.25, 0.75), "a"), "user:b"),
        record("r3", None),
        record("r4", Explored(2, ("a", "b"), (0.5, 0.6), "a")),
        record("r5", Explored(2, ("a", "b"), (0.0, 1.0), "a")),
        record("r6", Explored(2, ("a", "b"), (0.5, 0.5), "c")),
        record("r7", Explored(2, ("a", "b"), (float("nan"), 1.0), "a")),
        record("r8", Explored(2, ("a",), (0.5, 0.5), "a")),
        record("r9", Explored(2, ("a", "b"), (0.5, 0.5), "a")),
    ]
    log = from_records(rows, {"r1": 1.0, "r9": float("inf")})
    assert (log.reward.tolist(), log.propensity.tolist(), log.unit.tolist()) == (
        [1.0, 0.0],
        [0.75, 0.25],
        [0, 1],
    )
    assert log.quarantined == {
        "chances_do_not_sum_to_one": 1,
        "chosen_had_no_chance": 1,
        "chosen_is_no_candidate": 1,
        "chance_out_of_range": 1,
        "candidates_and_chances_differ": 1,
        "reward_is_no_number": 1,
    }
    empty = from_records([], {})
    assert evaluate_policies(empty, {}).decisions == 0


def test_a_shoppers_own_decisions_teach_nothing_about_themselves() -> None:
    log = random_log(5, units=40)
    guessed = cross_fitted(log)
    changed = log.reward.copy()
    changed[log.unit == 7] = 1e6
    other = DecisionLog(log.unit, log.offsets, log.items, log.probabilities, log.chosen, changed)
    own = (log.unit == 7)[log.decision]
    np.testing.assert_allclose(cross_fitted(other)[own], guessed[own])


def test_clipping_only_lowers() -> None:
    log = random_log(6)
    target = greedy(log, np.random.default_rng(1).normal(size=len(log.items)))
    assert ips(log, target, clip=2.0).value <= ips(log, target).value


OPEN_BANDIT = (
    (0.5087743637979856, 0.5230177606164925, 0.5297729296915772),
    (0.47436453782988464, 0.48563268147935174, 0.45211445980223147),
    (0.5151551787528638, 0.49583369585311926, 0.48756624098314866),
    (0.5347649204847287, 0.5375233807780273, 0.523382921592728),
    (0.47201308046919677, 0.4991860775645092, 0.5062738689475692),
)
"""IPS, SNIPS and DR of Open Bandit Pipeline (obp 0.4.1) for the logs of seeds 0 to 4, run apart: its pins do
not fit beside ours. `action_dist` is the target, `pscore` the propensity, the reward model the guesses."""


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_open_bandit_pipeline(seed: int) -> None:
    log = random_log(seed)
    target = softmax(log, np.random.default_rng(seed).normal(size=len(log.items)))
    guesses = np.random.default_rng(seed + 100).random(len(log.items))
    found = (ips(log, target).value, snips(log, target).value, dr(log, target, guesses).value)
    np.testing.assert_allclose(found, OPEN_BANDIT[seed], rtol=1e-12)
