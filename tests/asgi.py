"""An ASGI application in this process that is called as if sockets were between."""

from __future__ import annotations

import asyncio

import httpx


class TurnTransport(httpx.ASGITransport):
    """Each request arrives in a turn of the loop of its own, as what comes over a socket does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return await super().handle_async_request(request)
