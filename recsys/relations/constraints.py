"""What stated relations hold back in a list: second variants, what does not fit, what was just replaced."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from recsys.relations.kinds import Relation
from recsys.relations.relations import Relations

CONSTRAINTS = (Relation.VARIANT_OF, Relation.COMPATIBLE_WITH, Relation.SUBSTITUTES)


@dataclass(frozen=True)
class HeldBack:
    """One item that does not stand where its score puts it."""

    item_id: str
    relation: Relation
    because_of: str
    """The variant above it, an item it does not fit, what was bought in its stead."""


def held_back(
    relations: Relations,
    item_ids: Sequence[str],
    *,
    around: Collection[str] = (),
    bought: Collection[str] = (),
    kinds: Collection[Relation] = CONSTRAINTS,
) -> list[HeldBack]:
    """Which of some items, best first, have to stand behind the others, and why.

    `variant_of`: every variant of a product but the first; what was just bought comes before all.
    `compatible_with`: an accessory of which it is stated what it fits, where the list is made around things
    that have accessories (`around`) and it fits none of them; nothing is held of what nothing is stated.
    `substitutes`: what does for something that was just bought. An item is held for the first reason in
    the order substitutes, compatible, variant; one that is held does not stand for its product.
    """
    hosts = sorted(set(around) & relations.hosts)
    products = ((relations.product_of.get(item), item) for item in sorted(bought, reverse=True))
    first = {product: item for product, item in products if product}
    found = []
    for item_id in item_ids:
        why = _substitute(relations, item_id, bought) if Relation.SUBSTITUTES in kinds else None
        if why is None and Relation.COMPATIBLE_WITH in kinds:
            why = _misfit(relations, item_id, hosts)
        if why is None and Relation.VARIANT_OF in kinds and (product := relations.product_of.get(item_id)):
            above = first.setdefault(product, item_id)
            why = None if above == item_id else HeldBack(item_id, Relation.VARIANT_OF, above)
        found += [why] if why is not None else []
    return found


def _substitute(relations: Relations, item_id: str, bought: Collection[str]) -> HeldBack | None:
    for other in sorted(relations.substitutes.get(item_id, {})):
        if other in bought and item_id not in bought:
            return HeldBack(item_id, Relation.SUBSTITUTES, other)
    return None


def _misfit(relations: Relations, item_id: str, hosts: Sequence[str]) -> HeldBack | None:
    fits = relations.fits.get(item_id)
    if not fits or not hosts or any(host in fits for host in hosts):
        return None
    return HeldBack(item_id, Relation.COMPATIBLE_WITH, hosts[0])
