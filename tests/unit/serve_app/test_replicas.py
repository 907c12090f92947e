"""Replicas lie apart, and their number is fixed or follows load."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recsys.config import EmbedConfig, ServeConfig
from serve_app.replicas import Replicas

NUMBERS = st.integers(1, 12)


@given(least=NUMBERS, more=st.none() | st.integers(0, 6), machines=NUMBERS)
def test_all_replicas_find_room_and_no_machine_has_more_than_its_part(
    least: int, more: int | None, machines: int
) -> None:
    most = None if more is None else least + more
    options = Replicas(least, most).options(ServeConfig(), machines)
    wanted = most or least
    limit = options.get("max_replicas_per_node", wanted)
    assert limit * machines >= wanted
    assert machines == 1 or limit == ceil(wanted / machines)


@given(machines=NUMBERS)
def test_two_copies_never_share_one_of_several_machines(machines: int) -> None:
    options = Replicas(2).options(ServeConfig(), machines)
    assert options == {"num_replicas": 2} | ({"max_replicas_per_node": 1} if machines > 1 else {})


def test_a_range_follows_load_by_the_settings() -> None:
    config = ServeConfig(requests_per_replica=5.0, scale_up_after_s=2.0, scale_down_after_s=60.0)
    options = Replicas(2, 6).options(config, 3)
    scaling = options.pop("autoscaling_config")
    assert options == {"max_replicas_per_node": 2}
    assert (scaling.min_replicas, scaling.max_replicas) == (2, 6)
    assert scaling.target_ongoing_requests == 5.0
    assert (scaling.upscale_delay_s, scaling.downscale_delay_s) == (2.0, 60.0)


def test_a_limit_that_was_set_is_kept() -> None:
    assert Replicas(4).options(ServeConfig(max_replicas_per_node=3), 2)["max_replicas_per_node"] == 3


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (ServeConfig, {"num_recommenders": 3, "max_recommenders": 2}),
        (ServeConfig, {"shard_replicas": 2, "max_shard_replicas": 1}),
        (EmbedConfig, {"num_actors": 2, "max_actors": 1}),
    ],
)
def test_a_maximum_below_the_minimum_is_refused(kind: type[ServeConfig], given: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="must be at least"):
        kind.model_validate(given)
