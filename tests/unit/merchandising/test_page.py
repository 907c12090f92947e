"""The merchandiser's page: every JSON on it is accepted, and what it says of conditions is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from recsys.merchandising import Facts, Rule
from recsys.merchandising.conditions import When
from recsys.merchandising.rule import Boost, Bury, Hide, Pin, Promote
from recsys.merchandising.scenario import BUILT_IN, ScenarioSettings, overridden

PAGE = (Path(__file__).parents[3] / "docs" / "merchandising.md").read_text(encoding="utf-8")

FILMS = Path(__file__).parents[3] / "docs" / "films.json"


def blocks(kind: str) -> list[Any]:
    """The page's JSON of a kind."""
    return [json.loads(found) for found in re.findall(rf"```json {kind}\n(.*?)```", PAGE, re.S)]


def test_every_rule_on_the_page_is_accepted_and_every_effect_is_there() -> None:
    rules = [Rule.model_validate(raw) for raw in blocks("rule")]
    rules += [Rule.model_validate(raw) for one in blocks("preview") for raw in one["rules"]]
    assert {type(one.effect) for one in rules} == {Pin, Boost, Bury, Hide, Promote}


def test_scenarios_and_overrides_on_the_page_are_accepted_and_every_field_is_named() -> None:
    (raw,) = blocks("scenario")
    settings = ScenarioSettings.model_validate(raw)
    (changed,) = blocks("overrides")
    assert overridden(settings, changed).lists.diversity == changed["lists.diversity"]
    for name in [*ScenarioSettings.model_fields, *BUILT_IN, *type(settings.lists).model_fields]:
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize(
    ("country", "expected"), [("DE", [False, False]), ("FR", [True, True]), (None, [True, False])]
)
def test_the_two_ways_to_say_outside_germany_differ_as_the_page_says(
    country: str | None, expected: list[bool]
) -> None:
    facts = Facts(context={"country": country} if country else {})
    when: TypeAdapter[Any] = TypeAdapter(When)
    assert [when.validate_python(raw).holds(facts) for raw in blocks("when")] == expected


def test_the_scenarios_of_a_film_site_are_accepted_and_are_on_the_page_of_media() -> None:
    for name, raw in json.loads(FILMS.read_text(encoding="utf-8")).items():
        assert ScenarioSettings.model_validate(raw).n > 0, name
        assert f"`{name}`" in FILMS.with_name("media.md").read_text(encoding="utf-8"), name


def test_a_list_is_of_all_interests_or_around_one_of_them() -> None:
    with pytest.raises(ValueError, match="because"):
        ScenarioSettings(sources=("personal", "because"))


def test_no_json_of_the_page_is_left_untested() -> None:
    kinds = set(re.findall(r"```json ?(\w*)", PAGE))
    assert kinds == {"scenario", "overrides", "rule", "when", "preview"}
