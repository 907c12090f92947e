"""The built-in shop: a catalog and shoppers made from a seed, whose hidden tastes are known."""

from recsys.shop.relations import make_relations
from recsys.shop.shop import Shop, Truth, make_shop

__all__ = ["Shop", "Truth", "make_relations", "make_shop"]
