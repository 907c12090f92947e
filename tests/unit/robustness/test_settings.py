"""A shop's own decisions: absent means the defaults, a mistake is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config import RobustnessConfig
from recsys.errors import ConfigError
from recsys.robustness import load_robustness
from recsys.workspace import Workspace


def test_absent_is_default_and_what_is_written_is_read(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert load_robustness(place) == RobustnessConfig()
    place.robustness.write_text('{"caps": {"item_events": 3}, "screening": {"trusted": ["user:7"]}}')
    read = load_robustness(place)
    assert (read.caps.item_events, read.screening.trusted) == (3, frozenset({"user:7"}))
    assert read.caps.events == RobustnessConfig().caps.events


@pytest.mark.parametrize(
    "text", ["{", '{"screening": {"trusted_users": ["user:7"]}}', '{"caps": {"events": 0}}']
)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    place = Workspace(tmp_path)
    place.robustness.write_text(text)
    with pytest.raises(ConfigError, match=r"robustness\.json"):
        load_robustness(place)
