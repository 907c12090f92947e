"""A whole filter: parsed from JSON, bounded in size, evaluated over a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ConfigDict, RootModel, ValidationError, model_validator

from recsys.errors import FilterError
from recsys.filters.evaluation import evaluate
from recsys.filters.nodes import AllOf, AnyOf, Node, Not

MAX_DEPTH = 8
MAX_LEAVES = 100


class Filter(RootModel[Node]):
    """A whole filter: at most 8 levels deep with at most 100 conditions; hashable."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _is_bounded(cls, raw: Any) -> Any:
        _check_size(raw)
        return raw

    def mask(self, items: pa.Table) -> np.ndarray:
        """`[N] bool`: which rows of `items` (`ITEMS` columns, as far as the filter names them) pass.

        Raises `SchemaError` when a named column is not in the table.
        """
        return evaluate(self.root, items)


def parse_filter(raw: Any) -> Filter:
    """The filter in `raw` (decoded JSON); raises `FilterError` with the place of the first fault."""
    if isinstance(raw, Filter):
        return raw
    try:
        return Filter.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "filter"
        found = repr(first.get("input"))[:200]
        raise FilterError("filter is not valid", expected=first["msg"], found=found, where=where) from error


def _check_size(raw: Any) -> None:
    """Refuse a filter that is too deep or wide before anything recurses into it."""
    level, leaves = [raw], 0
    for _ in range(MAX_DEPTH):
        children = [_children(node) for node in level]
        leaves += sum(not nodes for nodes in children)
        level = [child for nodes in children for child in nodes]
        if leaves + len(level) > MAX_LEAVES:
            raise FilterError(
                "filter is too large", expected=f"at most {MAX_LEAVES} conditions", found="more"
            )
        if not level:
            return
    raise FilterError("filter is too deep", expected=f"at most {MAX_DEPTH} levels", found="more")


def _children(node: Any) -> list[Any]:
    if isinstance(node, AllOf | AnyOf):
        return list(node.parts)
    if isinstance(node, Not):
        return [node.part]
    if not isinstance(node, dict):
        return []
    parts = [node[key] for key in ("all", "any") if isinstance(node.get(key), list | tuple)]
    return [child for part in parts for child in part] + ([node["not"]] if "not" in node else [])
