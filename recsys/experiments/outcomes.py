"""What became of each shopper's lists, at any moment of an experiment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLICK, PURCHASE, DISMISS, RETURN = 0, 1, 2, 3
ACTIONS = {"click": CLICK, "purchase": PURCHASE, "dismiss": DISMISS, "return": RETURN}
"""Event types that measures are made of."""


@dataclass(frozen=True)
class Outcomes:
    """One row a shopper who had seen a list: `[U]` each."""

    arm: np.ndarray
    """intp, place among the arms."""
    exposures: np.ndarray
    """float64, lists shown."""
    clicks: np.ndarray
    purchases: np.ndarray
    bought: np.ndarray
    """1.0 for shoppers with a purchase, else 0.0."""
    revenue: np.ndarray
    dismissals: np.ndarray
    returns: np.ndarray
    places: np.ndarray
    """intp, place of the shopper in `Attributed.units`."""


@dataclass(frozen=True)
class Attributed:
    """Lists and what they led to, in time: `U` shoppers, `E` lists, `A` actions."""

    units: tuple[str, ...]
    """Keys of the shoppers."""
    arm: np.ndarray
    """`[U] intp`, place of the shopper's arm among the experiment's arms."""
    exposure_unit: np.ndarray
    """`[E] intp`."""
    exposure_at_us: np.ndarray
    """`[E] int64`."""
    action_unit: np.ndarray
    """`[A] intp`."""
    action_at_us: np.ndarray
    """`[A] int64`, never before the list that the action followed from."""
    action_kind: np.ndarray
    """`[A] int8`, as in `ACTIONS`."""
    revenue: np.ndarray
    """`[A] float64`, 0 but for purchases."""
    moved_units: int = 0
    """Shoppers who saw a second arm after shares changed; they stay in the arm that they saw first."""

    def until(self, at_us: int | None = None) -> Outcomes:
        """What was known at `at_us` (inclusive; None: everything)."""
        count = len(self.units)
        seen = slice(None) if at_us is None else self.exposure_at_us <= at_us
        done = np.ones(len(self.action_unit), bool) if at_us is None else self.action_at_us <= at_us
        exposures = np.bincount(self.exposure_unit[seen], minlength=count)
        places = np.flatnonzero(exposures)

        def of(kind: int, weights: np.ndarray | None = None) -> np.ndarray:
            chosen = done & (self.action_kind == kind)
            weights = None if weights is None else weights[chosen]
            return np.bincount(self.action_unit[chosen], weights, count)[places].astype(np.float64)

        purchases = of(PURCHASE)
        return Outcomes(
            self.arm[places],
            exposures[places].astype(np.float64),
            of(CLICK),
            purchases,
            (purchases > 0).astype(np.float64),
            of(PURCHASE, self.revenue),
            of(DISMISS),
            of(RETURN),
            places,
        )
