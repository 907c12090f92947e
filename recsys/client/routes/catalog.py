"""Items: read, written, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recsys.client.call import Call, call_of, reading
from recsys.payloads import (
    CatalogItem,
    CategoriesAnswer,
    DeleteAck,
    ItemBody,
    ItemsAck,
    ItemsAnswer,
    ItemsBatch,
)
from recsys.payloads.validating import validated


def put_items(items: Iterable[ItemBody | Mapping[str, Any]]) -> Call[ItemsAck]:
    """Insert or change at most 1,000 items; recommendable within seconds. Bad rows come back with reasons."""
    rows = [
        one.model_dump(mode="json", exclude_unset=True) if isinstance(one, ItemBody) else dict(one)
        for one in items
    ]
    return call_of("POST", "/v1/items:batch", reading(ItemsAck), body=validated(ItemsBatch, items=rows))


def delete_item(item_id: str) -> Call[DeleteAck]:
    """Delete an item; it is not returned again. Raises `MissingError` where there is none."""
    # Sent twice, the second would say that there is no such item.
    return call_of(
        "DELETE", "/v1/items/{item_id}", reading(DeleteAck), ids={"item_id": item_id}, repeatable=False
    )


def item(item_id: str) -> Call[CatalogItem]:
    """One item, also one that is not available now."""
    return call_of("GET", "/v1/items/{item_id}", reading(CatalogItem), ids={"item_id": item_id})


def items(item_ids: Sequence[str]) -> Call[ItemsAnswer]:
    """At most 100 items in the order asked; unknown and deleted ones are left out."""
    return call_of("GET", "/v1/items", reading(ItemsAnswer), query={"item_id": list(item_ids)})


def categories() -> Call[CategoriesAnswer]:
    """Every category with the number of its available items."""
    return call_of("GET", "/v1/categories", reading(CategoriesAnswer))
