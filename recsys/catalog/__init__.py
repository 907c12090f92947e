"""The catalog: raw rows of any shop become clean items, or quarantined rows with reasons."""

from recsys.catalog.items import clean_items, lacking_columns

__all__ = ["clean_items", "lacking_columns"]
