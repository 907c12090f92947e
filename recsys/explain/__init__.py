"""Why an item was recommended: exact contributions of the user's own items, put into words."""

from recsys.explain.contributions import Contribution, Contributions
from recsys.explain.reasons import (
    Reason,
    ReasonKind,
    anchor_reason,
    begun_reason,
    fallback_reason,
    reasons,
    stated_reason,
)
from recsys.explain.wording import category_leaf, shared_attributes, short_title

__all__ = [
    "Contribution",
    "Contributions",
    "Reason",
    "ReasonKind",
    "anchor_reason",
    "begun_reason",
    "category_leaf",
    "fallback_reason",
    "reasons",
    "shared_attributes",
    "short_title",
    "stated_reason",
]
