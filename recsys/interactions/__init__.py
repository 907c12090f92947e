"""Interactions: raw rows of what shoppers did become clean events, or quarantined rows."""

from recsys.interactions.events import clean_events, lacking_columns
from recsys.interactions.fields import ALIASES

__all__ = ["ALIASES", "clean_events", "lacking_columns"]
