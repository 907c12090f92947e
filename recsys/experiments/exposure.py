"""Which list of which arm a shopper was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recsys.answer_record import AnswerRecord


@dataclass(frozen=True, slots=True)
class Exposure:
    """One list that was made by an arm, or by both arms of an experiment that interleaves."""

    recommendation_id: str
    unit: str
    """Key of the shopper."""
    experiment_id: str
    arm: str
    """`INTERLEAVED` when both arms had a part in it."""
    at_us: int
    """When it was answered, microseconds since 1970 UTC."""
    item_ids: tuple[str, ...]
    index_version: str = ""
    teams: Mapping[str, str] = field(default_factory=dict)
    """Item -> arm that drafted it, when interleaved."""


def exposures_of(records: Iterable[AnswerRecord], experiment_id: str) -> list[Exposure]:
    """The exposures of one experiment among answers; lists for nobody in particular are none."""
    return [
        _exposure(record, experiment_id, record.arms[experiment_id])
        for record in records
        if record.unit and experiment_id in record.arms
    ]


def _exposure(record: AnswerRecord, experiment_id: str, arm: str) -> Exposure:
    return Exposure(
        record.recommendation_id,
        record.unit,
        experiment_id,
        arm,
        record.at_us,
        tuple(record.item_ids),
        record.index_version,
        record.teams,
    )
