"""Interfaces of other recommenders over the same service, for a trial side by side; off unless asked for."""

from serve_app.compat.interfaces import add_interfaces

__all__ = ["add_interfaces"]
