"""How many requests a key may make in one UTC day."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.errors import ConfigError

MOST = 10**12


@dataclass(frozen=True)
class DailyQuota:
    """Requests from one midnight UTC to the next."""

    requests: int

    def __post_init__(self) -> None:
        if not 1 <= self.requests <= MOST:
            raise ConfigError(
                "a quota is not usable",
                expected=f"1 to {MOST:,} requests a day",
                found=f"{self.requests:,}",
            )

    def left(self, used: int) -> int:
        """Requests that the day still has after `used`; 0 also where machines together took too many."""
        return max(self.requests - used, 0)
