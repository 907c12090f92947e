"""A shop copied while it runs, and put back: databases, catalog, models, index versions."""

from cluster.backup.restoring import Restored, restore
from cluster.backup.writing import BackedUp, back_up

__all__ = ["BackedUp", "Restored", "back_up", "restore"]
