"""Two lists in one, and whom shoppers' clicks prefer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.experiments.experiment import INTERLEAVED
from recsys.experiments.exposure import Exposure
from recsys.experiments.interleaving import team_draft
from recsys.experiments.preference import preference
from recsys.experiments.result import Finding, InterleavingResults
from recsys.experiments.results import results
from recsys.history import Response
from tests.unit.experiments.made import DAY_US, START_US, experiment

NOW_US = START_US + 9 * DAY_US
ONE = experiment(mode="interleave")
rankings = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=10)


@given(rankings, rankings, st.integers(1, 12), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_a_draft_is_fair_and_repeats_nothing(first: list[str], second: list[str], n: int, seed: int) -> None:
    shown, teams = team_draft(first, second, n, np.random.default_rng(seed))
    union = set(first) | set(second)
    assert len(shown) == len(set(shown)) == min(n, len(union))
    assert set(shown) <= union
    assert set(teams) <= set(shown)
    picks = [sum(team == side for team in teams.values()) for side in (0, 1)]
    assert abs(picks[0] - picks[1]) <= 1
    for place, item in enumerate(shown):
        if item in teams:
            ranking = (first, second)[teams[item]]
            assert all(better in shown[:place] for better in ranking[: ranking.index(item)])


def test_the_same_list_twice_is_that_list_and_each_place_belongs_to_either_as_often() -> None:
    rng = np.random.default_rng(1)
    items = list("abcdefg")
    owned = np.zeros(7)
    for _ in range(4_000):
        shown, teams = team_draft(items, items, 7, rng)
        assert shown == items
        owned += [teams[item] for item in items]
    assert np.all(np.abs(owned / 4_000 - 0.5) < 0.03)


def test_what_only_one_list_can_fill_belongs_to_nobody() -> None:
    shown, teams = team_draft(["a"], ["b", "c", "d"], 4, np.random.default_rng(1))
    assert sorted(shown[:2]) == ["a", "b"]
    assert shown[2:] == ["c", "d"]
    assert set(teams) == {"a", "b"}
    assert team_draft([], ["b"], 3, np.random.default_rng(1)) == (["b"], {})
    assert team_draft([], [], 3, np.random.default_rng(1)) == ([], {})


def clicked(appeal: Sequence[float], units: int, seed: int) -> tuple[list[Exposure], list[Response]]:
    """Shoppers see a few lists each and click the items of each arm with its own chance."""
    rng = np.random.default_rng(seed)
    exposures: list[Exposure] = []
    events: list[Response] = []
    for unit in range(units):
        for _ in range(1 + rng.poisson(2.0)):
            ours, theirs = (list(rng.permutation([f"{arm}{n}" for n in range(8)])) for arm in "ab")
            shown, teams = team_draft(ours, theirs, 6, rng)
            name, at_us = f"r{len(exposures)}", START_US + int(rng.integers(0, 7 * DAY_US))
            owners = {item: "AB"[team] for item, team in teams.items()}
            exposures.append(
                Exposure(name, f"u{unit}", "colours", INTERLEAVED, at_us, tuple(shown), "", owners)
            )
            for item in shown:
                if rng.random() < appeal[teams[item]]:
                    events.append(Response(f"{name}{item}", f"u{unit}", item, "click", None, name, at_us + 1))
    return exposures, events


def test_the_arm_that_is_clicked_more_is_preferred_and_equal_arms_are_not() -> None:
    found = results(ONE, *clicked((0.05, 0.10), 600, 1), NOW_US)
    assert isinstance(found, InterleavingResults)
    assert found.verdict.words == "B is better"
    assert (found.preference or 0.0) > 0.2
    assert (found.p_value or 1.0) < 1e-4
    assert found.lists_won[1] > found.lists_won[0]
    assert found.units_won[0] + found.units_won[1] + found.units_tied == found.units == 600
    other = results(ONE, *clicked((0.10, 0.05), 600, 1), NOW_US)
    assert other.verdict.better == "A"
    same = results(ONE, *clicked((0.08, 0.08), 600, 2), NOW_US)
    assert same.verdict.finding is Finding.NO_DIFFERENCE


def test_credit_goes_to_the_team_with_more_clicks_in_a_list() -> None:
    teams = {"x": "A", "y": "B", "z": "B"}
    shown = [
        Exposure(f"r{n}", f"u{n}", "colours", INTERLEAVED, START_US, ("x", "y", "z", "w"), "", teams)
        for n in range(4)
    ]
    wanted = [(0, "x"), (0, "y"), (0, "z"), (1, "x"), (1, "y"), (2, "w"), (3, "x"), (3, "x")]
    events = [
        Response(f"e{row}", "", item, "click", None, f"r{number}", START_US + 1)
        for row, (number, item) in enumerate(wanted)
    ]
    found = preference(ONE, shown, events, NOW_US)
    assert found.lists_won == (1, 1)
    assert found.units_won == (1, 1)
    assert found.units_tied == 2
    assert found.p_value == 1.0
    assert found.verdict.finding is Finding.NOT_ENOUGH_DATA


def test_without_a_list_there_is_nothing_to_say() -> None:
    found = preference(ONE, [], [], NOW_US)
    assert (found.units, found.lists, found.p_value) == (0, 0, None)
    assert found.verdict.finding is Finding.NOT_ENOUGH_DATA
