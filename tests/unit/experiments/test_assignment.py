"""Who is in which arm."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from recsys.experiments.assigned import assignments, collisions
from recsys.experiments.assignment import POINTS, arm_of, zones
from recsys.experiments.experiment import INTERLEAVED, Arm, Experiment
from tests.unit.experiments.made import START_US, experiment

UNITS = [f"user:{number}" for number in range(20_000)]


def dealt(shares: tuple[float, ...], salt: str = "salt") -> list[str | None]:
    arms = tuple(Arm(name=str(place), share=share) for place, share in enumerate(shares))
    one = experiment(arms=arms, salt=salt)
    return [arm.name if (arm := arm_of(one, unit)) else None for unit in UNITS]


def test_arms_get_their_shares_and_the_rest_stays_outside() -> None:
    counts = Counter(dealt((0.2, 0.5, 0.1)))
    found = [counts["0"], counts["1"], counts["2"], counts[None]]
    assert chisquare(found, np.array([0.2, 0.5, 0.1, 0.2]) * len(UNITS)).pvalue > 1e-3


def test_an_assignment_never_changes_between_releases() -> None:
    one = experiment()
    assert [arm_of(one, f"user:{number}") is one.arms[1] for number in range(8)] == PINNED


PINNED = [False, False, False, True, True, False, False, True]


def test_growing_into_the_rest_moves_nobody_between_arms() -> None:
    steps = [dealt(shares) for shares in ((0.05, 0.05), (0.05, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))]
    for before, after in pairwise(steps[:4]):
        assert all(old in (None, new) for old, new in zip(before, after, strict=True))
    assert all(new in (None, old) for old, new in zip(steps[3], steps[4], strict=True))


@given(st.lists(st.integers(1, 100), min_size=2, max_size=6), st.integers(0, 100))
@settings(max_examples=100, deadline=None)
def testzones_hold_each_share_exactly_and_do_not_overlap(parts: list[int], rest: int) -> None:
    shares = tuple(part / (sum(parts) + rest) for part in parts)
    ends, owners = zones(shares)
    starts = np.concatenate([[0], ends[:-1]])
    assert np.all(ends > starts)
    assert ends[-1] <= POINTS
    for arm, share in enumerate(shares):
        owned = sum(end - start for start, end, who in zip(starts, ends, owners, strict=False) if who == arm)
        assert abs(owned - share * POINTS) <= len(shares)


def test_experiments_with_different_salts_deal_independently_and_with_one_salt_alike() -> None:
    first, second = dealt((0.5, 0.5), "one"), dealt((0.5, 0.5), "two")
    table = [[sum(a == x and b == y for a, b in zip(first, second, strict=True)) for y in "01"] for x in "01"]
    assert chi2_contingency(table).pvalue > 1e-3
    assert first == dealt((0.5, 0.5), "one")


def other(experiment_id: str, field: str, share: float = 0.5, **changes: object) -> Experiment:
    arms = (Arm(name="x", share=share), Arm(name="y", share=share, overrides={field: 3}))
    return experiment(experiment_id=experiment_id, arms=arms, **changes)


def test_experiments_on_different_fields_hold_together() -> None:
    both = [other("b", "n"), other("a", "lists.diversity")]
    found = [assignments(both, "home", unit, START_US) for unit in UNITS[:200]]
    assert {frozenset(one.overrides) for one in found} == {
        frozenset(),
        frozenset({"n"}),
        frozenset({"lists.diversity"}),
        frozenset({"n", "lists.diversity"}),
    }
    assert all(set(one.arms) == {"a", "b"} and not one.conflicts for one in found)


def test_where_two_override_a_field_the_earlier_id_wins_and_the_later_keeps_a_fair_rest() -> None:
    earlier, later = other("a", "lists", 0.25), other("b", "lists.diversity")
    found = [assignments([later, earlier], "home", unit, START_US) for unit in UNITS[:4_000]]
    for one in found:
        assert len(one.arms) == 1
        assert len(one.overrides) <= 1
        assert bool(one.conflicts) == ("a" in one.arms)
    named = next(one.conflicts for one in found if one.conflicts)
    assert named == ("b: a overrides lists as well",)
    assert collisions([later, earlier], "home", START_US) == named
    rest = Counter(one.arms["b"] for one in found if "b" in one.arms)
    assert chisquare(list(rest.values())).pvalue > 1e-3


def test_one_list_is_interleaved_by_one_experiment_only() -> None:
    mixed = [other("a", "n", mode="interleave"), other("b", "lists", mode="interleave")]
    found = assignments(mixed, "home", "user:1", START_US)
    assert found.interleaved is mixed[0]
    assert found.arms == {"a": INTERLEAVED}
    assert not found.overrides
    assert len(found.conflicts) == 1


def test_nobody_in_particular_is_in_no_experiment() -> None:
    assert assignments([experiment()], "home", "", START_US).arms == {}
    assert assignments([], "home", "user:1", START_US).arms == {}
