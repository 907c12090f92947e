"""Interactions: raw rows of what shoppers did become clean events, or quarantined rows."""

from recsys.interactions.events import clean_events, lacking_columns

__all__ = ["clean_events", "lacking_columns"]
