"""Item-item models: what an action on one item says about another, as sparse `[N, N]` matrices."""

from recsys.item_item.cooccurrence import cooccurrence, cosine_neighbours, lift_neighbours, transitions
from recsys.item_item.pruning import prune
from recsys.item_item.regression import Evidence, Regression, TextRegression

__all__ = [
    "Evidence",
    "Regression",
    "TextRegression",
    "cooccurrence",
    "cosine_neighbours",
    "lift_neighbours",
    "prune",
    "transitions",
]
