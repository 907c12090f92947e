"""What is asked of lists."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from recsys.payloads.base import MAX_BATCH, MAX_TEXT, FilterJson, Id, Payload


class ListRequest(Payload):
    """What every call that answers with a list of items takes."""

    filter: FilterJson = None
    exclude: list[Id] = Field(default=[], max_length=MAX_BATCH, description="Item ids never to return.")
    require_full: bool = Field(
        default=False, description="Answer 503 rather than a list that some shard had no part in."
    )


FactValue = str | float | bool | list[str]


class Shopper(Payload):
    """Who asks and where: what rules, limits and experiments go by."""

    user_id: Id | None = Field(default=None, description="A known shopper.")
    visitor_id: Id | None = Field(default=None, description="A shopper who has not signed in.")
    user: dict[str, FactValue] = Field(
        default={}, max_length=50, description="Attributes of the shopper that rules may ask for."
    )
    context: dict[str, FactValue] = Field(
        default={}, max_length=50, description="Device, country, hour, ...: what rules may ask for."
    )
    age: int | None = Field(default=None, ge=0, le=150, description="In years; unknown is the strictest.")
    region: str | None = Field(default=None, max_length=10, description="ISO 3166 code, such as DE.")
    cart: list[Id] = Field(default=[], max_length=200, description="Items in the cart now.")


class RecommendRequest(ListRequest, Shopper):
    """Who asks, and in which context; with nobody and no context the recent-popular list answers."""

    n: int | None = Field(default=None, ge=1, description="Items wanted; the scenario's when absent.")
    item_id: Id | None = Field(default=None, description="The item the shopper looks at now.")
    category: str | None = Field(
        default=None, max_length=MAX_TEXT, description="The category the shopper looks at now."
    )
    text: str | None = Field(
        default=None,
        max_length=MAX_TEXT,
        description="Words the shopper gave: a search, or interests stated.",
    )
    scenario: Id | None = Field(
        default=None, description="A place in the shop; its sources, weights, rules and diversity then hold."
    )
    include_seen: bool | None = Field(
        default=None, description="Also items this shopper has acted on; the scenario's when absent."
    )
    diversity: float | None = Field(
        default=None, ge=0.0, le=1.0, description="0: by score alone; the scenario's when absent."
    )
    explore: bool | None = Field(
        default=None, description="Whether one place may be left to chance; the scenario's when absent."
    )
    explain: bool = Field(default=True, description="Give the reasons of each item.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {"user_id": "shopper-0001", "n": 5},
                {
                    "visitor_id": "v-77",
                    "item_id": "item-00042",
                    "filter": {"field": "price_minor", "op": "<=", "value": 5000},
                },
            ]
        },
    )


class SimilarRequest(ListRequest):
    """Items like one item."""

    n: int = Field(default=10, ge=1, description="Items wanted.")
    item_id: Id = Field(description="The item to compare with.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={"examples": [{"item_id": "item-00042", "n": 5}]},
    )


class SearchRequest(ListRequest):
    """Free text to items."""

    n: int = Field(default=10, ge=1, description="Items wanted.")
    text: str = Field(min_length=1, max_length=MAX_TEXT, description="What the shopper looks for.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={"examples": [{"text": "something warm to drink at work", "n": 5}]},
    )


class RankRequest(Shopper):
    """The caller's own items, to be put into this shopper's order."""

    item_ids: list[Id] = Field(min_length=1, max_length=MAX_BATCH, description="What to order.")
    scenario: Id | None = Field(default=None, description="A place in the shop, whose weights then hold.")
    explain: bool = Field(default=False, description="Give the reasons of each item.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [{"user_id": "shopper-0001", "item_ids": ["item-00042", "item-00007"]}]
        },
    )


class ListSpec(Payload):
    """One of several lists of one page."""

    name: Id = Field(description="What the answer calls it.")
    scenario: Id | None = None
    n: int | None = Field(default=None, ge=1)
    item_id: Id | None = None
    category: str | None = Field(default=None, max_length=MAX_TEXT)
    text: str | None = Field(default=None, max_length=MAX_TEXT)
    filter: FilterJson = None


class ListsRequest(Shopper):
    """Several lists of one page, filled in turn: what one shows, no later one repeats."""

    lists: list[ListSpec] = Field(min_length=1, max_length=20)
    exclude: list[Id] = Field(default=[], max_length=MAX_BATCH, description="Item ids never to return.")
    explain: bool = Field(default=True, description="Give the reasons of each item.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "user_id": "shopper-0001",
                    "lists": [
                        {"name": "for you", "scenario": "home", "n": 5},
                        {
                            "name": "under 20",
                            "n": 5,
                            "filter": {"field": "price_minor", "op": "<=", "value": 2000},
                        },
                    ],
                }
            ]
        },
    )


class EmbedRequest(Payload):
    """Texts to vectors, by the encoder of the index version that answers."""

    texts: list[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]] = Field(
        min_length=1, max_length=100
    )

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"texts": ["something warm to drink at work"]}]}
    )
