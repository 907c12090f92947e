"""A run has as many commands as the console counts, and draws what it published."""

from __future__ import annotations

import pytest

from recsys.config import EncoderConfig
from recsys.feedback import Kind, LoopConfig
from recsys.feedback.steps import STEPS, RunPlan
from recsys.index import IndexManifest


def plan_of() -> RunPlan:
    """Of a shop that has published `old`."""
    manifest = IndexManifest.model_construct(encoder_version="e", index_version="old")
    return RunPlan(manifest, EncoderConfig(), LoopConfig())


@pytest.mark.parametrize("kind", Kind)
def test_the_steps_of_a_kind_are_the_commands_of_its_plan(kind: Kind) -> None:
    plan = plan_of()
    drawing = plan.drawing(kind, [{"encoder_version": "e"}, {"index_version": "new"}])
    assert len(plan.commands(kind)) + (drawing is not None) == STEPS[kind]


@pytest.mark.parametrize("kind", [Kind.EMBED, Kind.FIT, Kind.FINE_TUNE])
def test_a_map_is_drawn_of_the_version_that_was_published_and_of_no_other(kind: Kind) -> None:
    plan = plan_of()
    said: list[dict[str, str]] = [{"encoder_version": "e"}, {"index_version": "new"}]
    assert plan.drawing(kind, said) == ("map", "new", "--json")
    unpublished: list[list[dict[str, str]]] = [[], [*said, {}], [{"index_version": "old"}]]
    assert [plan.drawing(kind, rows) for rows in unpublished] == [None] * 3


@pytest.mark.parametrize("kind", [Kind.EVALUATE, Kind.ROLLBACK])
def test_what_publishes_nothing_new_draws_nothing(kind: Kind) -> None:
    assert plan_of().drawing(kind, [{"index_version": "other"}]) is None
