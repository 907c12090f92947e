"""Bodies from what a caller says, with this product's own error for what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pydantic import ValidationError

from recsys.errors import InputError

P = ParamSpec("P")
T = TypeVar("T")


def validated(model: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A body from its fields; raises `InputError` with the place of the first fault."""
    try:
        return model(*args, **kwargs)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            "the request is not valid", expected=first["msg"], where=where or error.title
        ) from error
