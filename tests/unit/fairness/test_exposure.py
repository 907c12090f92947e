"""Exposure by group: shares, ratios with intervals, flags, against a count by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from recsys.fairness import exposure_report, groups_of


def test_shares_are_what_a_count_by_hand_gives() -> None:
    lists = [["a", "b"], ["c", "a", "unknown"]]
    groups = {"brand": {"a": "x", "b": "y", "c": "y"}}
    report = exposure_report(lists, groups, {"a": 3.0, "c": 1.0})
    by_group = {one.group: one for one in report.groups}
    second = 1.0 / math.log2(3.0)
    total = 2.0 + 2.0 * second
    assert by_group["x"].exposure == pytest.approx((1.0 + second) / total)
    assert by_group["x"].catalog == pytest.approx(1 / 3)
    assert (by_group["x"].demand, by_group["y"].demand) == (0.75, 0.25)
    assert by_group["y"].against_demand == pytest.approx((1.0 + second) / total / 0.25)
    assert (report.lists, report.items, report.shown_items) == (2, 3, 3)


def test_a_group_that_is_shown_far_less_than_its_share_is_flagged() -> None:
    rng = np.random.default_rng(1)
    groups = {"brand": {f"i{n}": "few" if n < 50 else "many" for n in range(100)}}
    demand = {f"i{n}": 1.0 for n in range(100)}
    lists = [[f"i{n}" for n in rng.choice(100, 10, p=np.repeat([0.002, 0.018], 50))] for _ in range(300)]
    found = {one.group: one for one in exposure_report(lists, groups, demand).groups}
    assert found["few"].flagged
    assert not found["many"].flagged
    low, high = found["few"].interval
    assert low < found["few"].against_catalog < high < 0.8
    even = [[f"i{n}" for n in rng.choice(100, 10)] for _ in range(300)]
    assert not any(one.flagged for one in exposure_report(even, groups, demand).groups)


def test_small_groups_are_pooled_and_nothing_shown_is_no_fault() -> None:
    groups = {"brand": {f"i{n}": f"b{n}" if n < 5 else "big" for n in range(2_000)}}
    names = {one.group for one in exposure_report([["i1"]], groups, {}).groups}
    assert names == {"big", "all others"}
    assert [one.exposure for one in exposure_report([], groups, {}).groups] == [0.0, 0.0]


def test_items_are_grouped_by_brand_price_and_demand() -> None:
    items: list[dict[str, Any]] = [
        {
            "item_id": f"i{n}",
            "brand": "b" if n % 2 else None,
            "category": "A/x" if n < 9 else "B",
            "price_minor": n,
        }
        for n in range(18)
    ]
    items.append({"item_id": "free", "attributes": [("seller", "s")]})
    found = groups_of(items, {"i0": 5.0, "i1": 4.0})
    assert found["price band"]["i0"] == found["price band"]["i9"] == "cheap"
    assert found["price band"]["i8"] == "dear"
    assert found["price band"]["free"] == "no price"
    assert found["demand"]["i0"] == "head"
    assert list(found["demand"].values()).count("tail") > list(found["demand"].values()).count("torso")
    assert found["seller"]["free"] == "s"
    assert "seller" not in groups_of(items[:-1], {})
