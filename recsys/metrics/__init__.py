"""Measures of ranked lists: accuracy, what lists look like, and how sure a difference is."""

from recsys.metrics.accuracy import accuracy_at, auc
from recsys.metrics.bootstrap import Interval, mean_interval, noise, paired_difference
from recsys.metrics.lists import catalogue_coverage, gini, intra_list_diversity, novelty

__all__ = [
    "Interval",
    "accuracy_at",
    "auc",
    "catalogue_coverage",
    "gini",
    "intra_list_diversity",
    "mean_interval",
    "noise",
    "novelty",
    "paired_difference",
]
