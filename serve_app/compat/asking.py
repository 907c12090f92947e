"""Requests of another interface as requests of ours."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from recsys.errors import InputError

T = TypeVar("T", bound=BaseModel)


def asked(kind: type[T], **fields: Any) -> T:
    """Our request with these fields; raises `InputError` naming the first that it does not take."""
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError("the request is not valid", expected=str(first["msg"]), where=where) from error
