"""A version that fails in service goes; noise, and what is not its fault, moves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.feedback import VerdictConfig, service_verdict
from recsys.feedback.verdict import Counts


class Tally:
    """Counts of one version."""

    def __init__(self, requests: int, failures: int = 0, empty: int = 0, degraded: int = 0) -> None:
        self.requests, self.failures, self.empty, self.degraded = requests, failures, empty, degraded


def verdict(
    own: Counts | None, before: Counts | None, since: float | None = None, previous: str | None = "v1"
) -> bool:
    """Whether v2 goes back to v1."""
    counts = {name: tally for name, tally in (("v2", own), ("v1", before)) if tally is not None}
    return service_verdict("v2", previous, counts, VerdictConfig(), since).roll_back


@pytest.mark.parametrize("what", ["failures", "empty", "degraded"])
def test_a_version_much_worse_than_the_one_before_is_taken_back(what: str) -> None:
    assert verdict(Tally(500, **{what: 100}), Tally(5_000, **{what: 20}))
    found = service_verdict(
        "v2", "v1", {"v2": Tally(500, **{what: 100}), "v1": Tally(5_000)}, VerdictConfig()
    )
    assert "20.0% of 500" in found.reasons[0]


def test_noise_small_numbers_and_common_troubles_move_nothing() -> None:
    assert not verdict(Tally(500, failures=3), Tally(5_000, failures=10))
    assert not verdict(Tally(50, failures=50), Tally(5_000))
    assert not verdict(Tally(500, failures=250), Tally(5_000, failures=2_500))
    assert not verdict(None, Tally(5_000))


def test_nothing_is_taken_back_twice_in_a_row_or_without_a_way_back() -> None:
    bad, good = Tally(500, failures=400), Tally(5_000)
    assert not verdict(bad, good, since=10.0)
    assert verdict(bad, good, since=10_000.0)
    assert not verdict(bad, good, previous=None)


def test_an_unknown_version_before_is_given_the_benefit_of_the_doubt() -> None:
    assert not verdict(Tally(500, failures=80), None)
    assert verdict(Tally(500, failures=400), None)


def test_equal_versions_are_hardly_ever_confused() -> None:
    rng = np.random.default_rng(3)
    wrong = sum(
        verdict(
            Tally(400, failures=int(rng.binomial(400, 0.05))),
            Tally(4_000, failures=int(rng.binomial(4_000, 0.05))),
        )
        for _ in range(2_000)
    )
    assert wrong <= 1
