"""A doubtful item on its way through review."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from recsys.config import Config, Share


class ReviewState(StrEnum):
    """Where a review stands."""

    HELD = "held"
    """Nobody has looked yet, and the item is not shown meanwhile."""
    PENDING = "pending"
    """Nobody has looked yet, and the item is shown meanwhile."""
    APPROVED = "approved"
    REJECTED = "rejected"


HIDDEN_STATES = frozenset({ReviewState.HELD, ReviewState.REJECTED})
OPEN_STATES = frozenset({ReviewState.HELD, ReviewState.PENDING})


class Review(Config):
    """What is known and decided about one item's text."""

    item_id: str = ""
    """The item."""
    text_hash: str
    """Of the text that was judged: another text is judged anew."""
    state: ReviewState
    """Where it stands."""
    label: str
    """Policy that it may break."""
    score: Share
    """How surely, by the classifier."""
    evidence: tuple[str, ...] = Field(default=(), max_length=20)
    """Words that told the classifier."""

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look."""
        return self.state in OPEN_STATES

    def decided(self, approve: bool) -> Review:
        """The review after a person's decision."""
        state = ReviewState.APPROVED if approve else ReviewState.REJECTED
        return self.model_copy(update={"state": state})
