"""How the service does, as the console shows it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from recsys.payloads.answers import CoverageBody


class TimesBody(BaseModel):
    """How long one thing took, since the replicas started."""

    name: str = Field(description="A stage of a request, or a route.")
    count: int
    sum_s: float
    within: list[int] = Field(description="How many took at most each of the bounds, in their order.")


class ReplicaBody(BaseModel):
    """What one replica last said of itself."""

    replica_id: str
    beat: int = Field(description="Grows with each report; one that stands still is gone.")
    index_version: str
    prepared: list[str]
    refused: dict[str, str] = Field(description="Versions that it could not load, with the reason.")


class VersionCountsBody(BaseModel):
    """What became of the requests that one index version answered."""

    requests: int
    failures: int
    empty: int
    degraded: int


class ServedIndexBody(BaseModel):
    """What answers now."""

    index_version: str
    age_s: float
    items: int
    live_items: int
    live_removed: int
    live_complete: bool = Field(description="False while more changes wait than are searched beside it.")
    placement: str


class HealthAnswer(BaseModel):
    """Figures since the replicas started; a caller that asks twice has rates."""

    at: str
    ready: bool
    index: ServedIndexBody | None = Field(description="Null until a version is loaded.")
    coverage: CoverageBody | None = Field(description="By the shards that answered when last asked.")
    replicas: list[ReplicaBody] = Field(description="The dead ones of the last hour are among them.")
    versions: dict[str, VersionCountsBody]
    under_way: int
    statuses: dict[str, int] = Field(description="Answers by HTTP status.")
    events: dict[str, int] = Field(description="Events by outcome.")
    degraded: dict[str, int] = Field(description="Lists by what was degraded.")
    log_faults: int
    events_left_out: int
    stage_bounds_s: list[float]
    stages: list[TimesBody]
    route_bounds_s: list[float]
    routes: list[TimesBody]
