"""Bodies of requests and answers: the typed side of the HTTP API, one definition for service and client."""

from recsys.payloads.answers import CoverageBody, EmbedAnswer, ListAnswer, ListsAnswer, RankedItem, Reason
from recsys.payloads.catalog import (
    CatalogItem,
    CategoriesAnswer,
    CategoryBody,
    ItemsAnswer,
    ShopperBody,
    ShoppersAnswer,
)
from recsys.payloads.decisions import (
    AuditBody,
    ControlBody,
    Decision,
    PreviewedChange,
    RulesPreview,
    RulesPreviewed,
)
from recsys.payloads.evidence import OffPolicyRequest, PolicySpec
from recsys.payloads.jobs import JobAsked, JobBody, LoopAnswer
from recsys.payloads.privacy import ErasureAnswer, ExportAnswer
from recsys.payloads.requests import (
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
from recsys.payloads.views import IndexAnswer, InterestBody, Problem, ProfileAnswer
from recsys.payloads.writes import (
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
