"""What the loop sees of a shop at one moment."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ClickEvidence:
    """How often lists of the fit in service are clicked, beside what was to be expected."""

    lists: int
    clicked: int
    """Lists with at least one click, cart or purchase."""
    forecast: float | None = None
    """Rate of the version before times the gate's ratio of NDCG@10; None where either is unknown."""
    forecast_noise: float = 0.0
    """One standard error of the forecast."""

    @property
    def rate(self) -> float:
        """Share of lists that were clicked; 0 without lists."""
        return self.clicked / self.lists if self.lists else 0.0

    @property
    def rate_noise(self) -> float:
        """One standard error of the rate, with one click and one list without a click added (never 0)."""
        share = (self.clicked + 1) / (self.lists + 2)
        return math.sqrt(share * (1 - share) / (self.lists + 2))


@dataclass(frozen=True)
class Observations:
    """A shop at one moment. Ages and gaps are differences of `now_s`, never of the wall clock."""

    now_s: float
    """Steady seconds since the loop first ran (see `SteadyClock`)."""
    published: str | None
    """Index version in service."""
    has_fit: bool
    """Whether that version learned from events."""
    events_seq: int
    """Number of the newest event, which is how many there are."""
    catalog_seq: int
    """Number of the newest catalog change."""
    items_total: int
    fit_events_seq: int = 0
    """Number of the newest event behind the version's fit, whoever ran it; 0 where it is not known."""
    items_new: int = 0
    """Items since the published version, as the next three."""
    items_changed: int = 0
    items_deleted: int = 0
    clicks: ClickEvidence | None = None
    """None before any list was logged."""
    vector_drift: float | None = None
    """Shift of the catalog's mean vector since the fit, in spreads; None where it is not known."""

    @property
    def items_waiting(self) -> int:
        """Catalog changes that the published version does not have."""
        return self.items_new + self.items_changed + self.items_deleted

    def as_inputs(self) -> dict[str, Any]:
        """The figures behind a decision, as they are kept with it."""
        seen = {name: value for name, value in asdict(self).items() if name != "clicks"}
        if self.clicks is None:
            return seen
        clicks = {"click_rate": self.clicks.rate, "click_rate_noise": self.clicks.rate_noise}
        return seen | clicks | {"lists": self.clicks.lists, "click_forecast": self.clicks.forecast}
