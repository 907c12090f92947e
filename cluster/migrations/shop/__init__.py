"""Scripts of the shop's database: events, items, decisions."""
