"""What one part of the audit came to: findings, or why it could not look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One part's end. Neither findings nor a reason: it looked at everything and all was well."""

    part: str
    looked: str
    """At what, in words."""
    findings: tuple[str, ...] = ()
    skipped: str = ""
    """Why some or all of it was not looked at."""

    @property
    def word(self) -> str:
        """FAILED, SKIPPED or ok; what was not looked at is never ok."""
        return "FAILED" if self.findings else "SKIPPED" if self.skipped else "ok"

    def lines(self) -> list[str]:
        """For people."""
        reason = f"; not looked at: {self.skipped}" if self.skipped else ""
        return [f"{self.part}: {self.word} - {self.looked}{reason}", *(f"  {one}" for one in self.findings)]


def exit_code(outcomes: list[Outcome], strict: bool) -> int:
    """1 when something was found; 2 when something was not looked at and `strict` asks for it."""
    words = {one.word for one in outcomes}
    return 1 if "FAILED" in words else 2 if strict and "SKIPPED" in words else 0
