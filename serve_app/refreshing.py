"""What replicas keep current in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Never

from recsys.errors import RecsysError


async def refresh_for_ever(
    refresh: Callable[[], Awaitable[None]],
    period_s: float,
    log: logging.Logger,
    failed: str,
    at_once: bool = False,
) -> Never:
    """Refresh on a period; one failed look is told in `log` as `failed` and does not end it."""
    pause_s = 0.0 if at_once else period_s
    while True:
        await asyncio.sleep(pause_s)
        pause_s = period_s
        try:
            await refresh()
        except RecsysError as error:
            log.warning("%s: %s", failed, error)
