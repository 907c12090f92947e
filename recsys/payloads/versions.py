"""Index versions as operators see them, and what they ask of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from recsys.payloads.base import Id, Payload


class SignalBody(BaseModel):
    """One part of the stored vectors."""

    name: str
    width: int
    weight: float


class MadeBody(BaseModel):
    """What the manifest says of a version."""

    created_at: str
    item_count: int
    num_shards: int
    dim: int
    encoder_version: str
    parent_version: str | None
    data_cutoff: str | None = Field(description="Newest event that it has learned from.")
    learned: bool = Field(description="Whether it has learned from events.")
    storage: str
    megabytes: float
    signals: list[SignalBody]
    metrics: dict[str, float | None] = Field(description="Figures at the gate; null is no number.")


class VersionBody(BaseModel):
    """One index version."""

    index_version: str
    published: bool
    staged: bool = Field(description="Whether replicas load it now, to answer from it next.")
    refused: list[str] = Field(description="Why the gate refused it when it was judged.")
    against: list[str] = Field(description="What the gate says now against it in the published one's place.")
    broken: str | None = Field(description="Why its manifest is not believed.")
    has_map: bool = Field(description="Whether `recsys map` has drawn it.")
    made: MadeBody | None = Field(description="Null where the manifest is not believed.")


class VersionsAnswer(BaseModel):
    """Versions, the newest first."""

    versions: list[VersionBody]
    next: str | None = Field(description="Send it as `before` for what is older; null at the end.")
    earlier: str | None = Field(description="Where a roll-back would lead.")


class PublishRequest(Payload):
    """A version that shall answer."""

    index_version: Id
    force: bool = Field(default=False, description="Also where the gate refuses it.")

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"index_version": "20261126T120000-0123456789ab"}]}
    )


class RollbackRequest(Payload):
    """The version that shall not answer any more."""

    index_version: Id = Field(description="The published one; 409 where another is published meanwhile.")

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"index_version": "20261126T120000-0123456789ab"}]}
    )


class ReleaseAnswer(BaseModel):
    """The pointer has moved, and every living replica has the version."""

    index_version: str
    instead_of: str | None
