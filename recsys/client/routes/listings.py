"""Lists and vectors."""

from __future__ import annotations

from recsys.client.call import posted
from recsys.payloads import (
    EmbedAnswer,
    EmbedRequest,
    ListAnswer,
    ListsAnswer,
    ListsRequest,
    RankRequest,
    RecommendRequest,
    SearchRequest,
    SimilarRequest,
)

recommend = posted(
    RecommendRequest,
    "/v1/recommend",
    ListAnswer,
    """What this shopper should see next, each item with its reasons (`explain`, on by itself).""",
)
similar = posted(SimilarRequest, "/v1/similar", ListAnswer, """Items like one item.""")
lists = posted(
    ListsRequest,
    "/v1/lists",
    ListsAnswer,
    """Several lists of one page, of one index version and without repeats.""",
)
rank = posted(RankRequest, "/v1/rank", ListAnswer, """The caller's own items in this shopper's order.""")
search = posted(SearchRequest, "/v1/search", ListAnswer, """Free text to items, by meaning.""")
embed = posted(
    EmbedRequest,
    "/v1/embed",
    EmbedAnswer,
    """Texts as unit vectors, by the encoder behind the index version that answers.""",
)
