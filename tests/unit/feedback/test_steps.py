"""A run has as many commands as the console counts."""

from __future__ import annotations

import pytest

from recsys.config import EncoderConfig
from recsys.feedback import Kind, LoopConfig
from recsys.feedback.steps import STEPS, RunPlan
from recsys.index import IndexManifest


@pytest.mark.parametrize("kind", Kind)
def test_the_steps_of_a_kind_are_the_commands_of_its_plan(kind: Kind) -> None:
    manifest = IndexManifest.model_construct(encoder_version="e")
    assert len(RunPlan(manifest, EncoderConfig(), LoopConfig()).commands(kind)) == STEPS[kind]
