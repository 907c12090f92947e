"""Which items are worth knowing next: those that stand for most of what is wanted and not known yet."""

from recsys.labelling.choose import (
    Choice,
    choose_busiest,
    choose_items,
    expected_traffic,
    knowledge,
    likeness,
)

__all__ = ["Choice", "choose_busiest", "choose_items", "expected_traffic", "knowledge", "likeness"]
