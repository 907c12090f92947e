"""For those who run the shop: health, versions, accounts of lists, stored figures, pages of data."""

from __future__ import annotations

from recsys.client.call import Call, call_of, posted, reading
from recsys.payloads import (
    CatalogPage,
    ExplainedAnswer,
    ExplainRequest,
    HealthAnswer,
    MapAnswer,
    PublishRequest,
    QualityAnswer,
    QuarantineAnswer,
    QuarantinedRows,
    ReleaseAnswer,
    RollbackRequest,
    VersionsAnswer,
)
from recsys.payloads.validating import validated

explain = posted(
    ExplainRequest,
    "/v1/explain",
    ExplainedAnswer,
    """A list with all contributions, what decided it, and what lost its place and why.""",
)


def health() -> Call[HealthAnswer]:
    """Index, shards, replicas, rates and times; figures of the machine that answers."""
    return call_of("GET", "/v1/health", reading(HealthAnswer))


def versions(limit: int = 20, before: str | None = None) -> Call[VersionsAnswer]:
    """Index versions with what the gate said of them, the newest first."""
    query = {"limit": limit, "before": before}
    return call_of("GET", "/v1/index/versions", reading(VersionsAnswer), query=query)


def publish(index_version: str, *, force: bool = False, actor: str | None = None) -> Call[ReleaseAnswer]:
    """Judge a version and let it answer; returns when every living replica has it."""
    body = validated(PublishRequest, index_version=index_version, force=force)
    return _released("/v1/index/publish", body, actor)


def roll_back(index_version: str, *, actor: str | None = None) -> Call[ReleaseAnswer]:
    """Go back from the published version, which is named, to the one before it."""
    return _released("/v1/index/rollback", validated(RollbackRequest, index_version=index_version), actor)


def _released(route: str, body: object, actor: str | None) -> Call[ReleaseAnswer]:
    headers = {} if actor is None else {"x-actor": actor}
    # Sent twice, the second would meet the version that the first one made the published one.
    return call_of("POST", route, reading(ReleaseAnswer), body=body, headers=headers, repeatable=False)


def quality(limit: int = 200) -> Call[QualityAnswer]:
    """How good lists were over time, from stored gates and evaluations."""
    return call_of("GET", "/v1/quality", reading(QualityAnswer), query={"limit": limit})


def item_map(offset: int = 0, limit: int = 5_000) -> Call[MapAnswer]:
    """The published version's items on a plane, as `recsys map` drew them."""
    return call_of("GET", "/v1/index/map", reading(MapAnswer), query={"offset": offset, "limit": limit})


def browse_items(
    after: str | None = None, limit: int = 50, text: str | None = None, category: str | None = None
) -> Call[CatalogPage]:
    """Items in the order of their ids, a page at a time; `text` is looked for in titles and ids."""
    query = {"after": after, "limit": limit, "text": text, "category": category}
    return call_of("GET", "/v1/catalog", reading(CatalogPage), query=query)


def quarantine(offset: int = 0, limit: int = 20) -> Call[QuarantineAnswer]:
    """What imports refused, the newest first."""
    query = {"offset": offset, "limit": limit}
    return call_of("GET", "/v1/quarantine", reading(QuarantineAnswer), query=query)


def quarantined_rows(name: str, offset: int = 0, limit: int = 50) -> Call[QuarantinedRows]:
    """Refused rows of one import, with reasons."""
    query = {"offset": offset, "limit": limit}
    route = "/v1/quarantine/{name}"
    return call_of("GET", route, reading(QuarantinedRows), ids={"name": name}, query=query)
