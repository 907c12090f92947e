"""One call as data: what is sent, and how its answer is read. Both clients send the same calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from inspect import signature
from typing import Any, Generic, ParamSpec, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from recsys.payloads.validating import validated

P = ParamSpec("P")
T = TypeVar("T")
Reader = Callable[[bytes], T]


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request to one route, without the host, the key and the time it may take."""

    method: str
    route: str
    """The route's template, such as `/v1/items/{item_id}`; errors name it instead of the path."""
    read: Reader[T]
    """An answer's body as what the call returns; raises `ValueError`."""
    path: str = ""
    """The template with its ids filled in."""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """JSON, made once: whoever sends the call again sends the same ids."""
    repeatable: bool = True
    """Whether being sent twice does no more than being sent once."""
    answers: frozenset[int] = frozenset()
    """Statuses that are answers beside 2xx."""


def call_of(
    method: str,
    route: str,
    read: Reader[T],
    *,
    ids: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    repeatable: bool = True,
    answers: Collection[int] = (),
) -> Call[T]:
    """A call; `ids` fill the template, None in `query` is left out, `body` is anything that JSON can say."""
    path = route.format(**{name: quote(value, safe="") for name, value in (ids or {}).items()})
    asked = [(name, each) for name, value in (query or {}).items() for each in _several(value)]
    content = None if body is None else to_json(body)
    sent = {**({} if content is None else {"content-type": "application/json"}), **(headers or {})}
    return Call(method, route, read, path, tuple(asked), sent, content, repeatable, frozenset(answers))


def _several(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def reading(answer: type[T]) -> Reader[T]:
    """Reads JSON as a type; what newer services say beside its fields is left out."""
    read: Reader[T] = _adapter(cast("Hashable", answer)).validate_json
    return read


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def posted(request: Callable[P, BaseModel], route: str, answer: type[T], does: str) -> Callable[P, Call[T]]:
    """A function that takes a body's fields and makes the call; `does` is its docstring.

    It raises `InputError` for fields that the body refuses, before anything is sent.
    """

    @wraps(request, assigned=())
    def make(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        body = validated(request, *args, **kwargs)
        # What the caller did not say is left to the service's own defaults.
        return call_of("POST", route, reading(answer), body=body.model_dump(mode="json", exclude_unset=True))

    make.__name__ = make.__qualname__ = route.rpartition("/")[2].replace(":", "_")
    make.__doc__ = does
    make.__signature__ = signature(request)  # type: ignore[attr-defined]  # read by help() and editors
    return make
