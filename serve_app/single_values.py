"""A parameter in an address stands there once, but for those that are lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_origin

from fastapi import Request
from fastapi.routing import APIRoute

from recsys.errors import InputError
from serve_app.route_scopes import route_path

LISTS = (list, Sequence)
OURS = "/v1/"
"""Other products' routes follow their own rules."""


async def once_each(request: Request) -> None:
    """Raise `InputError` where one of the route's parameters stands twice: which one counts is a guess."""
    path, route = route_path(request.scope), request.scope.get("route")
    if not request.query_params or not path.startswith(OURS) or not isinstance(route, APIRoute):
        return
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for parameter in route.dependant.query_params:
        several = get_origin(parameter.field_info.annotation) in LISTS
        if (count := counts[parameter.alias]) > 1 and not several:
            raise InputError("a parameter is there more than once", found=str(count), where=parameter.alias)
