"""Which items may be recommended: a small typed JSON language and its vectorised evaluation."""

from recsys.filters.fields import Op
from recsys.filters.language import Filter, parse_filter
from recsys.filters.nodes import AllOf, AnyOf, Condition, Not

__all__ = ["AllOf", "AnyOf", "Condition", "Filter", "Not", "Op", "parse_filter"]
