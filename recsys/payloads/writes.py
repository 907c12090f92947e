"""Items and events as they come in, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from recsys.payloads.base import MAX_BATCH, Payload


class ItemBody(BaseModel):
    """One item as `items:batch` takes it; further fields are kept as attributes."""

    item_id: str
    title: str
    description: str | None = None
    category: str | None = Field(default=None, description="A path such as `Kitchen/Coffee`.")
    brand: str | None = None
    price: str | float | None = Field(default=None, description='As number or text, such as "12.50 EUR".')
    price_minor: int | None = None
    currency: str | None = None
    image_url: str | None = None
    available: bool = True
    created_at: str | None = None
    updated_at: str | None = None

    model_config = ConfigDict(extra="allow")


class EventBody(BaseModel):
    """One event as `events:batch` takes it."""

    event_id: str | None = Field(default=None, description="Idempotency key; sent again, it counts once.")
    user_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    item_id: str
    event_type: str
    value: float | None = Field(
        default=None, description="Stars of a rating, quantity or amount; share (0..1] watched of a view."
    )
    review_text: str | None = None
    recommendation_id: str | None = None
    position: int | None = None
    occurred_at: str | None = Field(default=None, description="ISO 8601 or epoch; now when absent.")


def _as_described(body: type[BaseModel]) -> dict[str, Any]:
    """The fields with what they mean and without their types: a row that breaks one is answered as a
    rejection of that row, while the batch is taken, and the description must not say otherwise.
    """
    fields = body.model_json_schema()["properties"]
    told = {
        name: {
            "description": " ".join(filter(None, [field.get("description"), f"Expected: {_type_of(field)}."]))
        }
        for name, field in fields.items()
    }
    return {"type": "object", "description": body.__doc__, "properties": told}


def _type_of(field: dict[str, Any]) -> str:
    kinds = [one.get("type", "") for one in field.get("anyOf", [field])]
    return " or ".join(kind for kind in kinds if kind != "null")


ItemRow = Annotated[dict[str, Any], WithJsonSchema(_as_described(ItemBody))]
EventRow = Annotated[dict[str, Any], WithJsonSchema(_as_described(EventBody))]


class ItemsBatch(Payload):
    """Items to insert or change. Rows are judged one by one; bad ones come back with reasons."""

    items: list[ItemRow] = Field(min_length=1, max_length=MAX_BATCH)

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "item_id": "new-1",
                            "title": "Travel moka pot",
                            "category": "Kitchen/Coffee",
                            "price": "24.90 EUR",
                        }
                    ]
                }
            ]
        },
    )


class EventsBatch(Payload):
    """Events to append. Rows are judged one by one; bad ones come back with reasons."""

    events: list[EventRow] = Field(min_length=1, max_length=MAX_BATCH)

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "event_id": "e-1",
                            "user_id": "shopper-0001",
                            "item_id": "item-00042",
                            "event_type": "click",
                        }
                    ]
                }
            ]
        },
    )


class Rejection(BaseModel):
    """A row of a batch that was not taken."""

    row: int = Field(description="Its place in the batch, from 0.")
    reason: str
    detail: str


class ItemsAck(BaseModel):
    """What became of a batch of items; durable when this is read."""

    inserted: int
    updated: int
    unchanged: int
    stale: int = Field(description="Rows with an older updated_at than the stored item.")
    rejected: list[Rejection]


class EventsAck(BaseModel):
    """What became of a batch of events; durable when this is read."""

    appended: int
    duplicates: int = Field(description="Events whose event_id was already stored.")
    erased: int = Field(description="Events that were dropped: from before their person was erased.")
    unknown_items: int = Field(description="Accepted events of items the catalog does not have.")
    rejected: list[Rejection]


class DeleteAck(BaseModel):
    """An item was deleted."""

    deleted: int
