"""From candidates to a list that people like: diversity, calibration, freshness, one place for chance."""

from recsys.rerank.arrange import Arranged, arrange, category_mix
from recsys.rerank.exploration import ItemStatistics, explore
from recsys.rerank.pool import Pool, top_category
from recsys.rerank.settings import ExploreSettings, ListSettings

__all__ = [
    "Arranged",
    "ExploreSettings",
    "ItemStatistics",
    "ListSettings",
    "Pool",
    "arrange",
    "category_mix",
    "explore",
    "top_category",
]
