"""Which rows of a shard score best: an exact scan, and a compressed one with exact re-scoring."""

from recsys.scan.added import Added
from recsys.scan.compressed import CompressedScan
from recsys.scan.exact import best_places, scan
from recsys.scan.rows import Allowed, Rows
from recsys.scan.vectors import Vectors

__all__ = ["Added", "Allowed", "CompressedScan", "Rows", "Vectors", "best_places", "scan"]
