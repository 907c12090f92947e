"""Item-item models: what an action on one item says about another, as sparse `[N, N]` matrices."""

from recsys.item_item.cooccurrence import cooccurrence, cosine_neighbours, lift_neighbours, transitions
from recsys.item_item.ease import ease, text_regularised_ease
from recsys.item_item.pruning import prune

__all__ = [
    "cooccurrence",
    "cosine_neighbours",
    "ease",
    "lift_neighbours",
    "prune",
    "text_regularised_ease",
    "transitions",
]
