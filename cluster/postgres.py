"""How long a PostgreSQL server is waited for, told to the server, to libpq and to the driver."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from recsys.config import DatabaseLimits

LIBPQ_DRIVERS = ("psycopg", "psycopg2")
"""Drivers that hand these settings to libpq; others are left as they are."""


def set_limits(engine: Engine, limits: DatabaseLimits) -> None:
    """Let each new connection of a PostgreSQL engine keep to `limits`; what its URL says wins.

    The server ends its own late statements. One that hangs (it is stopped, its disk does not answer) ends
    nothing and still acknowledges packets, so that the driver itself must give up: only `psycopg` does.
    """
    driver = engine.dialect.driver
    if driver not in LIBPQ_DRIVERS:
        return
    ours = libpq_settings(limits)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: list[Any], settings: dict[str, Any]) -> Any:
        options = f"{ours['options']} {settings.get('options', '')}".strip()
        settings.update({**ours, **settings, "options": options})
        if driver != "psycopg":
            return None  # SQLAlchemy connects as always, with these settings
        from cluster.bounded_connection import BoundedConnection

        return BoundedConnection.within(limits, *arguments, **settings)


def libpq_settings(limits: DatabaseLimits) -> dict[str, Any]:
    """Connection settings as libpq names them."""
    gone_s = limits.gone_after_s
    ends = {"statement_timeout": limits.statement_s, "lock_timeout": limits.lock_s}
    return {
        "connect_timeout": limits.connect_s,
        "options": " ".join(f"-c {name}={int(1_000 * s)}" for name, s in ends.items() if s is not None),
        # A machine that is gone: the first is for what was sent and not acknowledged, the rest for silence.
        "tcp_user_timeout": 1_000 * gone_s,
        "keepalives": 1,
        "keepalives_idle": max(gone_s // 2, 1),
        "keepalives_interval": max(gone_s // 6, 1),
        "keepalives_count": 3,
    }
