"""Lists as they are answered."""

from __future__ import annotations

from pydantic import BaseModel, Field


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


class HeldBackItem(BaseModel):
    """An item that would be in the list by its score, and what the shop stated that keeps it out."""

    item_id: str
    relation: str = Field(description="variant_of, compatible_with or substitutes.")
    because_of: str = Field(description="The item in the list, of the request or just bought, behind it.")


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
    held_back: list[HeldBackItem] = Field(
        default=[], description="Items that lost their place to what the shop states about its items."
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
