"""What an evaluation found, in a form that is stored, printed and drawn."""

from __future__ import annotations

from typing import Any

from recsys.config import Config

SCHEMA_VERSION = 1


class IntervalBody(Config):
    """A mean with its 95 % bootstrap interval over users."""

    mean: float
    low: float
    high: float


class MethodResult(Config):
    """One method on the test questions."""

    name: str
    params: dict[str, Any]
    """Settings chosen on validation."""
    num_trials: int
    """Settings tried on validation."""
    validation: float
    """NDCG@10 on validation of the chosen settings."""
    metrics: dict[str, float]
    """Means over users."""
    ndcg: IntervalBody
    """NDCG@10."""
    difference: IntervalBody | None = None
    """NDCG@10 of ours less this method's over the same users; None for ours."""
    slices: dict[str, dict[str, float]] = {}
    """Slice -> `users` and means."""
    fit_s: float
    users_per_s: float


class TableResult(Config):
    """All methods on one set of questions."""

    title: str
    mask_seen: bool
    num_users: int
    num_without_target: int
    methods: tuple[MethodResult, ...]
    """Best NDCG@10 first."""
    frontier: tuple[tuple[float, float, float], ...] = ()
    """`(factor of popularity, NDCG@10, coverage@10)` of ours."""


class EvaluationResult(Config):
    """One run of `recsys evaluate`."""

    schema_version: int = SCHEMA_VERSION
    label: str
    encoder_version: str = ""
    learning_curve: tuple[dict[str, float], ...] = ()
    """Validation figures by epoch of the encoder's training; empty for one that was not trained here."""
    caveat: str = ""
    """Why the figures of texts are too good to be true, where the encoder knows the answers."""
    split: str
    holdout_days: float | None
    num_items: int
    num_users: int
    num_events: int
    num_train_events: int
    seed: int
    command: str
    created_at: str
    seconds: float
    tables: tuple[TableResult, ...]
