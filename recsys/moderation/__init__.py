"""What may be shown at all: block lists, limits of age and region, reviews of doubtful items."""

from recsys.moderation.blocks import BlockList
from recsys.moderation.limits import Viewer, refusal, scan_condition

__all__ = ["BlockList", "Viewer", "refusal", "scan_condition"]
