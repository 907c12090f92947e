"""The catalog: raw rows of any shop become clean items, or quarantined rows with reasons."""

from recsys.catalog.items import clean_items

__all__ = ["clean_items"]
