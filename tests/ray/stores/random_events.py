"""Events with every column filled now and then, from a seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from recsys.schemas import EVENT_TYPES, EVENTS, conform

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def random_events(rng: random.Random, count: int, users: int, prefix: str = "e") -> pa.Table:
    """`count` events of `users` users and their visitors."""
    rows = []
    for _ in range(count):
        user, kind = rng.randrange(users), rng.choice(EVENT_TYPES)
        when = BEGIN + timedelta(seconds=rng.randrange(30 * 86_400))
        rows.append(
            {
                "event_id": f"{prefix}-{rng.getrandbits(48):012x}",
                "user_id": f"u{user}" if rng.random() < 0.8 else None,
                "visitor_id": f"v{user}" if rng.random() < 0.5 else None,
                "session_id": f"s{rng.randrange(500)}" if rng.random() < 0.5 else None,
                "item_id": f"item-{rng.randrange(200):05}",
                "event_type": kind,
                "value": rng.choice([4.0, 2.5, -0.0]) if kind == "rating" else None,
                "review_text": "schön \U0001f600 " * rng.randrange(1, 40) if kind == "review" else None,
                "recommendation_id": f"{rng.getrandbits(64):016x}" if rng.random() < 0.3 else None,
                "position": rng.randrange(20) if rng.random() < 0.3 else None,
                "occurred_at": when,
                "received_at": when + timedelta(seconds=1),
            }
        )
        if rows[-1]["user_id"] is None and rows[-1]["visitor_id"] is None:
            rows[-1]["user_id"] = f"u{user}"
    return conform(pa.Table.from_pylist(rows), EVENTS)
