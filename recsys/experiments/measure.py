"""What an experiment is judged by: each measure is one sum over shoppers divided by another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """A figure of one arm; all of them are attributed, so only what followed from shown lists counts."""

    CLICK_THROUGH = "click_through"
    """Clicked items per list; an item clicked twice in one list counts once."""
    CONVERSION = "conversion"
    """Share of shoppers who bought."""
    PURCHASES_PER_USER = "purchases_per_user"
    """Purchases per shopper."""
    REVENUE_PER_USER = "revenue_per_user"
    """Revenue per shopper, in the currency's smallest unit."""
    REVENUE_PER_LIST = "revenue_per_list"
    """Revenue per list, in the currency's smallest unit."""
    DISMISSALS_PER_LIST = "dismissals_per_list"
    """Items sent away per list; lower is better."""
    RETURNS_PER_USER = "returns_per_user"
    """Items sent back per shopper within the window; lower is better."""


@dataclass(frozen=True)
class Ratio:
    """How a measure is computed from the columns of `Outcomes`."""

    numerator: str
    per_list: bool
    """Divided by lists; else by shoppers."""
    higher_is_better: bool = True


RATIOS: Mapping[Measure, Ratio] = {
    Measure.CLICK_THROUGH: Ratio("clicks", per_list=True),
    Measure.CONVERSION: Ratio("bought", per_list=False),
    Measure.PURCHASES_PER_USER: Ratio("purchases", per_list=False),
    Measure.REVENUE_PER_USER: Ratio("revenue", per_list=False),
    Measure.REVENUE_PER_LIST: Ratio("revenue", per_list=True),
    Measure.DISMISSALS_PER_LIST: Ratio("dismissals", per_list=True, higher_is_better=False),
    Measure.RETURNS_PER_USER: Ratio("returns", per_list=False, higher_is_better=False),
}
