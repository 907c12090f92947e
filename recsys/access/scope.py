"""What a key allows. No scope contains another: what a key needs is named one by one."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A group of routes that belongs together for those who call them."""

    RECOMMEND = "recommend"
    """Lists, searches and vectors: what a shop's pages ask for."""
    EVENTS_WRITE = "events:write"
    """Telling what shoppers did; reads nothing."""
    ADMIN = "admin"
    """Catalog, decisions, evidence, jobs and what is believed of a shopper."""
    ERASE = "erase"
    """Erasing and exporting a person."""
    METRICS = "metrics"
    """Figures for those who watch the service."""
