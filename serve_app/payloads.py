"""Bodies of requests and answers: the typed side of the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from recsys.identifiers import MAX_ID_BYTES, id_fault

MAX_BATCH = 1_000
MAX_TEXT = 2_000

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_BYTES)]
FilterJson = Annotated[
    dict[str, Any] | None,
    Field(default=None, description="Typed filter: `all`, `any`, `not` or a `field`/`op`/`value` leaf."),
]


class Payload(BaseModel):
    """Base of all bodies: an unknown field is the caller's mistake and is named in the answer."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _ids_are_ids(self) -> Payload:
        for name in ("user_id", "visitor_id", "item_id"):
            value = getattr(self, name, None)
            if isinstance(value, str) and (fault := id_fault(value)):
                raise ValueError(f"{name} is refused: {fault}")
        return self


class ListRequest(Payload):
    """What every call that answers with a list of items takes."""

    filter: FilterJson
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
    filter: FilterJson


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


class Reason(BaseModel):
    """Why an item is in the list: one thing of the shopper's own that moved it."""

    kind: str = Field(description="What it is about: item, review, context, query, popular, ...")
    text: str = Field(description="The reason in words a shopper reads.")
    item_id: str | None = Field(default=None, description="The shopper's own item behind it.")
    share: float | None = Field(default=None, description="Its fraction of all that spoke for the item.")
    contribution: float | None = Field(default=None, description="Its part of the score.")
    shared: list[str] = Field(default=[], description="Words and attributes both items have.")


class RankedItem(BaseModel):
    """One place of an answer's list."""

    item_id: str
    title: str | None = None
    score: float = Field(description="Higher is better; comparable within one answer and source only.")
    sources: list[str] = Field(description="Which source or rung of the ladder gave it.")
    reasons: list[Reason] = []
    rules: list[str] = Field(default=[], description="Rules that chose or moved it.")
    moved_by: list[str] = Field(
        default=[], description="What gave it this place beside its score: diversity, calibration, freshness."
    )
    propensity: float | None = Field(
        default=None, description="Chance with which it was drawn, where the place was left to chance."
    )


class CoverageBody(BaseModel):
    """How much of the catalog took part in the answer."""

    ratio: float = Field(description="Items searched over items of the index version, 0..1.")
    shards_ok: int
    shards_total: int
    items: int = Field(description="Items searched, the live ones included.")


class ListAnswer(BaseModel):
    """A ranked list and everything needed to judge it."""

    recommendation_id: str = Field(description="Send it back with the events this list causes.")
    items: list[RankedItem]
    coverage: CoverageBody
    degraded: list[str] = Field(
        description="shard_down, timeout, fallback, no_profile, no_encoder, unknown_item, stale_index"
    )
    applied_rules: list[str] = Field(default=[], description="Rules that had a part in the list.")
    rule_conflicts: list[str] = Field(
        default=[], description="What rules contradicted, and how it was settled."
    )
    scenario: str = Field(description="The place in the shop whose settings held.")
    variant: str | None = Field(default=None, description="Arms of experiments, such as `new-home=B`.")
    model_version: str
    index_version: str


class ListsAnswer(BaseModel):
    """Several lists by name, all of one index version and without repeats."""

    lists: dict[str, ListAnswer]
    index_version: str


class EmbedAnswer(BaseModel):
    """Unit vectors in the order of the texts."""

    embeddings: list[list[float]]
    dim: int
    encoder_version: str


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
    value: float | None = Field(default=None, description="Stars of a rating, quantity or amount.")
    review_text: str | None = None
    recommendation_id: str | None = None
    position: int | None = None
    occurred_at: str | None = Field(default=None, description="ISO 8601 or epoch; now when absent.")


ItemRow = Annotated[dict[str, Any], WithJsonSchema(ItemBody.model_json_schema())]
EventRow = Annotated[dict[str, Any], WithJsonSchema(EventBody.model_json_schema())]


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
    unknown_items: int = Field(description="Accepted events of items the catalog does not have.")
    rejected: list[Rejection]


class DeleteAck(BaseModel):
    """An item was deleted."""

    deleted: int


class InterestBody(BaseModel):
    """What the profile holds about one item."""

    item_id: str
    title: str | None
    weight: float = Field(description="Signed and decayed; negative pushes away.")
    event_types: list[str]
    last_at: str


class ProfileAnswer(BaseModel):
    """What is believed about a shopper, and from which items."""

    user_id: str
    kind: Literal["user", "visitor"]
    num_events: int
    interests: list[InterestBody]
    index_version: str


class IndexAnswer(BaseModel):
    """The index version that answers now, and the ones beside it."""

    index_version: str
    encoder_version: str
    text_template_version: str
    dim: int
    metric: str
    num_shards: int
    item_count: int
    catalog_seq: int
    live_items: int = Field(description="Items changed since the version, searched beside it.")
    live_removed: int = Field(description="Items deleted since the version, never returned.")
    placement: str
    versions: list[str]


class Problem(BaseModel):
    """Every error, in one shape."""

    type: str
    message: str
    field: str | None = None
    request_id: str


class ControlBody(BaseModel):
    """One decision: a scenario, rule, experiment, block list or review."""

    name: str
    body: dict[str, Any]
    revision: int = Field(description="Send it as `If-Match` to change only what you have read.")
    updated_at: str
    updated_by: str


class AuditBody(BaseModel):
    """One change of a decision."""

    seq: int
    at: str
    actor: str
    action: str
    kind: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str


class RulesPreview(Payload):
    """Rules to be tried on a list before anybody sees them."""

    request: RecommendRequest = Field(description="The list to try them on.")
    rules: list[dict[str, Any]] = Field(max_length=100, description="Instead of the stored rules.")
    at: AwareDatetime | None = Field(default=None, description="When; now where absent.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "request": {"user_id": "shopper-0001", "scenario": "home", "n": 5},
                    "rules": [
                        {
                            "rule_id": "spring",
                            "items": {"field": "category", "op": "under", "value": "Kitchen"},
                            "effect": {"kind": "promote", "share": 0.4},
                        }
                    ],
                }
            ]
        },
    )


class PreviewedChange(BaseModel):
    """One item that the tried rules put elsewhere."""

    item_id: str
    before: int | None = Field(description="Its place without them; null: it was not in the list.")
    after: int | None = Field(description="Its place with them; null: it is not in the list any more.")
    rules: list[str] = Field(description="Tried rules that touched it; none where it made or got room.")


class RulesPreviewed(BaseModel):
    """The list as it is and as the tried rules would make it."""

    before: ListAnswer
    after: ListAnswer
    entered: list[str] = Field(description="Items that only the tried rules show.")
    left: list[str] = Field(description="Items that they would take away.")
    changes: list[PreviewedChange] = Field(
        description="Every item that stands elsewhere, and by which rules."
    )


class Decision(Payload):
    """What a reviewer decides about an item."""

    approve: bool
    note: str = Field(default="", max_length=MAX_TEXT)

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"approve": True, "note": "harmless"}]}
    )


class JobAsked(BaseModel):
    """A run was asked for; the loop takes it up within seconds."""

    request: int
    kind: str


class JobBody(BaseModel):
    """One run of the feedback loop."""

    run_id: str
    kind: str = Field(description="embed, fit, fine_tune, evaluate or rollback")
    trigger: str = Field(description="policy, manual or dry_run")
    state: str = Field(description="running, succeeded, refused, failed, skipped or rolled_back")
    attempt: int
    reasons: list[str]
    inputs: dict[str, Any]
    result: dict[str, Any]
    started_at: str
    ended_at: str | None
    log: str | None = Field(default=None, description="Its end; only where one run is asked for.")


class LoopAnswer(BaseModel):
    """The feedback loop as it stands."""

    paused: bool
    holder: str | None = Field(description="Process whose loop turns; none: nobody retrains.")
    running: list[str]
    waiting: list[str] = Field(description="Kinds that were asked for and not begun.")
    runs: list[JobBody] = Field(description="The newest first.")


class PolicySpec(Payload):
    """A way to fill the place of chance: any candidate, the best by a score, or likelier by a score."""

    name: Id
    kind: Literal["uniform", "greedy", "softmax"] = "greedy"
    scores: dict[Id, float] = Field(default={}, max_length=100_000, description="Score by item.")
    otherwise: float = Field(default=0.0, description="Score of items that `scores` does not name.")
    epsilon: float = Field(default=0.1, ge=0.0, le=1.0, description="Greedy: share that takes anything.")
    temperature: float = Field(default=1.0, gt=0.0, le=1e6, description="Softmax.")


class OffPolicyRequest(Payload):
    """Policies to be judged from what chance has shown."""

    policies: list[PolicySpec] = Field(min_length=1, max_length=20)
    scenario: Id | None = Field(default=None, description="Lists of one place only.")
    hours: float = Field(default=24.0 * 7, gt=0.0, le=24.0 * 366, description="How far back.")
    reward: Literal["click", "purchase"] = Field(default="click", description="What counts as success.")

    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "policies": [
                        {"name": "any", "kind": "uniform"},
                        {"name": "mine", "kind": "softmax", "scores": {"item-00042": 1.5}},
                    ]
                }
            ]
        },
    )
