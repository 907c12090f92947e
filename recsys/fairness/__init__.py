"""Who gets shown: exposure of brands, sellers, price bands and rare items beside catalog and demand."""

from recsys.fairness.exposure import ExposureReport, GroupExposure, exposure_report
from recsys.fairness.groups import groups_of

__all__ = ["ExposureReport", "GroupExposure", "exposure_report", "groups_of"]
