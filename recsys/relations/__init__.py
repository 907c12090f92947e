"""What a shop states about its items and categories: what goes with what, does for what, fits what."""

from recsys.relations.constraints import CONSTRAINTS, HeldBack, held_back
from recsys.relations.graph import ItemGraph
from recsys.relations.kinds import Relation
from recsys.relations.propagation import propagated
from recsys.relations.relations import NONE, IfThen, Relations
from recsys.relations.trait import Trait

__all__ = [
    "CONSTRAINTS",
    "NONE",
    "HeldBack",
    "IfThen",
    "ItemGraph",
    "Relation",
    "Relations",
    "Trait",
    "held_back",
    "propagated",
]
