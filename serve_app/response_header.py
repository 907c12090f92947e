"""One more header on an answer that is on its way out."""

from __future__ import annotations

from starlette.types import Message, Send


def with_header(send: Send, name: bytes, value: bytes) -> Send:
    """`send` of an ASGI call that adds a header to the response."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (name, value)]
        await send(message)

    return adding
