"""Bodies of requests and answers: the typed side of the HTTP API."""

from serve_app.payloads.answers import CoverageBody, EmbedAnswer, ListAnswer, ListsAnswer, RankedItem, Reason
from serve_app.payloads.catalog import (
    CatalogItem,
    CategoriesAnswer,
    CategoryBody,
    ItemsAnswer,
    ShopperBody,
    ShoppersAnswer,
)
from serve_app.payloads.decisions import (
    AuditBody,
    ControlBody,
    Decision,
    PreviewedChange,
    RulesPreview,
    RulesPreviewed,
)
from serve_app.payloads.evidence import OffPolicyRequest, PolicySpec
from serve_app.payloads.jobs import JobAsked, JobBody, LoopAnswer
from serve_app.payloads.privacy import ErasureAnswer, ExportAnswer
from serve_app.payloads.requests import (
    EmbedRequest,
    ListRequest,
    ListSpec,
    ListsRequest,
    RankRequest,
    RecommendRequest,
    SearchRequest,
    Shopper,
    SimilarRequest,
)
from serve_app.payloads.views import IndexAnswer, InterestBody, Problem, ProfileAnswer
from serve_app.payloads.writes import (
    DeleteAck,
    EventBody,
    EventsAck,
    EventsBatch,
    ItemBody,
    ItemsAck,
    ItemsBatch,
    Rejection,
)

__all__ = [
    "AuditBody",
    "CatalogItem",
    "CategoriesAnswer",
    "CategoryBody",
    "ControlBody",
    "CoverageBody",
    "Decision",
    "DeleteAck",
    "EmbedAnswer",
    "EmbedRequest",
    "ErasureAnswer",
    "EventBody",
    "EventsAck",
    "EventsBatch",
    "ExportAnswer",
    "IndexAnswer",
    "InterestBody",
    "ItemBody",
    "ItemsAck",
    "ItemsAnswer",
    "ItemsBatch",
    "JobAsked",
    "JobBody",
    "ListAnswer",
    "ListRequest",
    "ListSpec",
    "ListsAnswer",
    "ListsRequest",
    "LoopAnswer",
    "OffPolicyRequest",
    "PolicySpec",
    "PreviewedChange",
    "Problem",
    "ProfileAnswer",
    "RankRequest",
    "RankedItem",
    "Reason",
    "RecommendRequest",
    "Rejection",
    "RulesPreview",
    "RulesPreviewed",
    "SearchRequest",
    "Shopper",
    "ShopperBody",
    "ShoppersAnswer",
    "SimilarRequest",
]
