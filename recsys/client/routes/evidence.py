"""What lists have led to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from recsys.client.call import Call, call_of, reading
from recsys.experiments.result import ExperimentResults, InterleavingResults
from recsys.payloads import OffPolicyRequest, PolicySpec
from recsys.payloads.validating import validated

if TYPE_CHECKING:
    from recsys.off_policy import OffPolicyReport

ExperimentAnswer = ExperimentResults | InterleavingResults


def experiment_results(name: str) -> Call[ExperimentAnswer]:
    """An experiment as it stands; its verdict may be read every day."""
    answer: Any = ExperimentAnswer  # a union is no type, and can be read all the same
    return call_of("GET", "/v1/experiments/{name}/results", reading(answer), ids={"name": name})


def off_policy(
    policies: Sequence[PolicySpec],
    *,
    scenario: str | None = None,
    hours: float = 24.0 * 7,
    reward: Literal["click", "purchase"] = "click",
) -> Call[OffPolicyReport]:
    """What other policies would have earned in the place of chance, or why the log cannot tell."""
    body = validated(OffPolicyRequest, policies=list(policies), scenario=scenario, hours=hours, reward=reward)
    return call_of("POST", "/v1/off-policy", _report, body=body)


def _report(body: bytes) -> OffPolicyReport:
    # The report's module does the estimating as well: nobody else has to wait for its libraries.
    from recsys.off_policy import OffPolicyReport

    return reading(OffPolicyReport)(body)
