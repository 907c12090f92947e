"""The score of an item for a history: text, item-item behaviour, transitions, repeats, popularity."""
