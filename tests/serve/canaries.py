"""Requests to every route with a person in every field and header, made from the API's own description."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

PERSON = "canary-anna.person@example.org"
"""What stands where a person may be named."""
THING = "canary-thing-4711"
"""What stands elsewhere: errors may quote it, logs may not."""
PERSONAL = frozenset(
    """user_id visitor_id session_id event_id recommendation_id review_text text texts region age user
    context""".split()  # noqa: SIM905  # a list of one a line says no more
)
HEADERS = dict.fromkeys(
    """x-request-id traceparent tracestate baggage authorization cookie user-agent referer from
    x-forwarded-for x-actor accept accept-language if-none-match origin""".split(),  # noqa: SIM905
    PERSON,
)
Maker = Callable[[str], Any]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: Any = None
    params: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """In the place of `HEADERS` of the same names."""

    @property
    def content(self) -> bytes | None:
        """The body as it is sent."""
        return self.raw if self.raw is not None else (json.dumps(self.body).encode() if self.body else None)


def value_of(name: str) -> str:
    """The canary that belongs into a field."""
    return PERSON if name in PERSONAL else THING


MAKERS: tuple[Maker, ...] = (
    value_of,
    lambda name: value_of(name) * 20,  # longer than any id
    lambda name: f"{value_of(name)}\x00",
    lambda name: {value_of(name): value_of(name)},
    lambda name: [value_of(name)],
)


def requests_of(spec: dict[str, Any]) -> Iterator[Asked]:
    """Every route with every kind of canary, and with bodies that are none."""
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            for make in MAKERS:
                yield _asked(spec, method.upper(), path, operation, make)
            if "requestBody" in operation:
                target = _filled_path(path, operation)
                for raw in (PERSON.encode(), b"\xff" + PERSON.encode(), json.dumps([PERSON]).encode()):
                    yield Asked(method.upper(), target, raw=raw)
    for method in ("GET", "POST", "PATCH", "BREW"):
        yield Asked(method, f"/{PERSON}/{THING}", params={PERSON: PERSON})
    yield Asked("PUT", "/v1/recommend", body={PERSON: PERSON})
    yield Asked("POST", "/v1/recommend", body={PERSON: PERSON, "user": {PERSON: PERSON}})
    deep = b'{"user_id": "' + PERSON.encode() + b'", "filter": ' + b'{"not": ' * 2_000 + b"1" + b"}" * 2_001
    yield Asked("POST", "/v1/recommend", raw=deep)
    yield Asked("POST", "/v1/recommend", raw=PERSON.encode() * 100_000)


def _asked(spec: dict[str, Any], method: str, path: str, operation: dict[str, Any], make: Maker) -> Asked:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    queries = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return Asked(
        method,
        _filled_path(path, operation),
        _filled(spec, schema, "", make) if schema else None,
        {one["name"]: str(_filled(spec, one["schema"], one["name"], make)) for one in queries},
    )


def _filled_path(path: str, operation: dict[str, Any]) -> str:
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(value_of(one["name"]), safe=""))
    return path


def _filled(spec: dict[str, Any], schema: dict[str, Any], name: str, make: Maker) -> Any:
    """A value for a schema, with a canary wherever there is a text."""
    while "$ref" in schema or "anyOf" in schema:
        schema = schema["anyOf"][0] if "anyOf" in schema else _named(spec, schema["$ref"])
    if schema.get("type") == "array":
        return [_filled(spec, schema["items"], name, make)]
    if "properties" in schema:
        return {key: _filled(spec, inner, key, make) for key, inner in schema["properties"].items()}
    if schema.get("type") == "object":
        return {"field": make(name), "op": make(name), "value": make(name)}
    return _valid(schema, name) if make is value_of else make(name)


def _named(spec: dict[str, Any], reference: str) -> dict[str, Any]:
    for part in reference.removeprefix("#/").split("/"):
        spec = spec[part]
    return spec


def _valid(schema: dict[str, Any], name: str) -> Any:
    """What the schema takes, as far as a canary can be that."""
    if "enum" in schema:
        return schema["enum"][0]
    plain = {"integer": schema.get("default", 1), "number": schema.get("default", 1), "boolean": True}
    return plain.get(schema.get("type", ""), value_of(name))
