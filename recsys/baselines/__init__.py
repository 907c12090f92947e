"""The simple methods every list is compared with, each tuned on the same validation events."""

from recsys.baselines.catalogue import Baseline, baselines

__all__ = ["Baseline", "baselines"]
