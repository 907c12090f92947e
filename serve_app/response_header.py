"""More headers on an answer that is on its way out."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message, Send


def with_header(send: Send, name: bytes, value: bytes) -> Send:
    """`send` of an ASGI call that adds a header to the response."""
    return with_headers(send, [(name, value)])


def with_headers(send: Send, headers: Iterable[tuple[bytes, bytes]]) -> Send:
    """The same with several; none for none."""
    more = list(headers)

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return adding if more else send
