"""How a pool of candidates becomes a list."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from recsys.config import Config, Share


class ListSettings(Config):
    """What counts in a list beside each item's own score; everything off gives the order of scores."""

    diversity: Share = 0.0
    """Weight of being unlike the places above, against the score's own: 1 - lambda of MMR."""
    calibration: Share = 0.0
    """Weight of keeping to the shopper's mix of categories."""
    freshness: Share = 0.0
    """Weight of being newer than the other candidates of the same category."""
    freshness_half_life_days: PositiveFloat = 14.0
    """Age at which half of the freshness is left."""
    collapse_variants: bool = False
    """Show one of several items that differ in colour or size only."""
    near_duplicate: float | None = Field(default=None, gt=0.0, le=1.0)
    """Cosine of texts from which a later item counts as a repetition; None: none does."""
    pool_factor: PositiveInt = 5
    """Candidates fetched for each place, where any of the above is on."""

    @property
    def is_off(self) -> bool:
        """Whether scores alone decide."""
        weights = self.diversity or self.calibration or self.freshness
        return not (weights or self.collapse_variants or self.near_duplicate is not None)

    def pool_size(self, n: int) -> int:
        """Candidates to fetch for a list of `n`."""
        return n if self.is_off else max(self.pool_factor * n, 50)


class ExploreSettings(Config):
    """One place of a list, left to chance."""

    share: Share = 0.0
    """Lists that have such a place; 0: none."""
    slot: PositiveInt = 5
    """The place, from 1; the last one of a shorter list."""
    candidates: int = Field(default=10, ge=2, le=100)
    """Items that compete for it."""
    floor: float = Field(default=0.1, gt=0.0, le=1.0)
    """Share of the chance that all candidates have alike, so that each may be judged later."""
