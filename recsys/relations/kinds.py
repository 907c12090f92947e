"""What a shop may state about two things of its catalog."""

from __future__ import annotations

from enum import StrEnum


class Relation(StrEnum):
    """One kind of statement; `source` and `target` are how a stored row names its two sides."""

    COMPLEMENTS = "complements"
    """The target goes with the source; a lens goes with a camera, a camera hardly with a lens."""
    SUBSTITUTES = "substitutes"
    """Either does for the other."""
    COMPATIBLE_WITH = "compatible_with"
    """The source is an accessory that fits the target."""
    VARIANT_OF = "variant_of"
    """Both are one product in other colours or sizes."""
    PARENT_CATEGORY = "parent_category"
    """The source is a category within the target."""
    IF_THEN = "if_then"
    """Whoever has an item of the source's trait is shown items of the target's; see `Trait`."""


OF_ITEMS = frozenset(
    {Relation.COMPLEMENTS, Relation.SUBSTITUTES, Relation.COMPATIBLE_WITH, Relation.VARIANT_OF}
)
"""Relations between two items."""
MUTUAL = frozenset({Relation.SUBSTITUTES, Relation.VARIANT_OF})
"""Those that say the same when their sides are swapped."""
