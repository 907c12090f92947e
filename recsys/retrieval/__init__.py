"""Exact top-K search over the items of one shard, and the merge of several shards' answers."""

from recsys.query import Query
from recsys.retrieval.candidates import Candidates, merge_top_k
from recsys.retrieval.details import Details, ItemLinks
from recsys.retrieval.links import Links
from recsys.retrieval.shard_index import ShardIndex

__all__ = ["Candidates", "Details", "ItemLinks", "Links", "Query", "ShardIndex", "merge_top_k"]
