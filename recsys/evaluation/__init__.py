"""How good lists are on held-out events: splits, ranking of the full catalog, measures, reports."""
