"""A connection of psycopg that does not wait for ever for a server that says nothing."""

from __future__ import annotations

import time
from typing import Any, Self

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.waiting import Ready

from recsys.config import DatabaseLimits

CHECK_S = 0.1
"""How often the driver looks whether the limit has passed."""


class BoundedConnection(Connection[Any]):
    """Closes itself, and raises `OperationalError`, when an answer does not come in time."""

    probe_s: float | None = None
    """Limit of what runs outside of a transaction: the pool's own question whether the server lives."""
    answer_s: float | None = None
    """Limit of everything else; None: none."""

    @classmethod
    def within(cls, limits: DatabaseLimits, *arguments: Any, **settings: Any) -> Self:
        """Connect; raises `OperationalError` when that takes longer than `connect_s`."""
        made = cls.connect(*arguments, **settings)
        if limits.statement_s is not None:
            made.probe_s = float(limits.connect_s)
            # Later than the server's own limit: its refusal leaves the connection whole, ours ends it.
            made.answer_s = limits.statement_s + limits.connect_s
        return made

    def wait(self, gen: PQGen[Any], interval: float = CHECK_S, *more: Any, **settings: Any) -> Any:
        """Run one exchange with the server to its end."""
        limit_s = self.probe_s if self.autocommit else self.answer_s
        if limit_s is None:
            return super().wait(gen, interval, *more, **settings)
        return super().wait(self._within(gen, limit_s), interval, *more, **settings)

    def _within(self, gen: PQGen[Any], limit_s: float) -> PQGen[Any]:
        """The same exchange, ended when the server has said nothing for `limit_s`."""
        heard_s = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready != Ready.NONE:
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s >= limit_s:
                    self.close()  # in the middle of an answer it is of no use to anybody
                    raise OperationalError(f"the server said nothing for {limit_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value
