"""Policies to be judged by what lists have led to."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from recsys.payloads.base import Id, Payload


class PolicySpec(Payload):
    """A way to fill the place of chance: any candidate, the best by a score, or likelier by a score."""

    name: Id
    kind: Literal["uniform", "greedy", "softmax"] = "greedy"
    scores: dict[Id, float] = Field(default={}, max_length=100_000, description="Score by item.")
    otherwise: float = Field(default=0.0, description="Score of items that `scores` does not name.")
    epsilon: float = Field(default=0.1, ge=0.0, le=1.0, description="Greedy: share that takes anything.")
    temperature: float = Field(default=1.0, gt=0.0, le=1e6, description="Softmax.")


class OffPolicyRequest(Payload):
    """Policies to be judged from what chance has shown."""

    policies: list[PolicySpec] = Field(min_length=1, max_length=20)
    scenario: Id | None = Field(default=None, description="Lists of one place only.")
    hours: float = Field(default=24.0 * 7, gt=0.0, le=24.0 * 366, description="How far back.")
    reward: Literal["click", "purchase"] = Field(default="click", description="What counts as success.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "policies": [
                        {"name": "any", "kind": "uniform"},
                        {"name": "mine", "kind": "softmax", "scores": {"item-00042": 1.5}},
                    ]
                }
            ]
        },
    )
