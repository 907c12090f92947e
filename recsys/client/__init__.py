"""A typed client of the service, synchronous and asynchronous, and background senders of events.

    with Client("http://127.0.0.1:8000") as client:
        for item in client.recommend(user_id="shopper-0001", n=5).items:
            print(item.item_id, item.title, [reason.text for reason in item.reasons])

Bodies are those of `recsys.payloads`, which the service itself uses. Importing this loads httpx and
Pydantic, and none of the libraries that the service works with.
"""

from recsys.client.async_client import AsyncClient
from recsys.client.async_event_sender import AsyncEventSender
from recsys.client.config import ClientConfig
from recsys.client.errors import (
    BrokenAnswerError,
    BusyError,
    ChangedError,
    KeyRefusedError,
    LateError,
    MissingError,
    Refusal,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from recsys.client.event_sender import EventSender
from recsys.client.outbox import SenderConfig, SenderCounts, UnsentEventsError
from recsys.client.sync_client import Client

__all__ = [
    "AsyncClient",
    "AsyncEventSender",
    "BrokenAnswerError",
    "BusyError",
    "ChangedError",
    "Client",
    "ClientConfig",
    "EventSender",
    "KeyRefusedError",
    "LateError",
    "MissingError",
    "Refusal",
    "RefusedError",
    "SenderConfig",
    "SenderCounts",
    "ServiceError",
    "UnreachableError",
    "UnsentEventsError",
]
