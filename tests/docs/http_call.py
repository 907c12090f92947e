"""Whether a `curl` command of a page fits the API: path, method, query and JSON body."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

OURS = re.compile(r"^(?:\$\{?URL\}?|(?:https?://)?(?:localhost|127\.0\.0\.1)(?::\d+)?)(?=/)")
PAGES_OF_ITS_OWN = re.compile(r"^/(docs|openapi\.json|store/.*|api/.*)$")
"""`/api/`: the other product's shape, which is described where `--compat` has it."""
METHODS = ("get", "post", "put", "delete")


class _CurlError(Exception):
    """The words are no command of curl that this reads."""


class _Words(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise _CurlError(message)


def _curl() -> _Words:
    words = _Words(add_help=False, allow_abbrev=False)
    for flag in ("-s", "-sS", "-S", "-f", "-i", "-v", "-N", "--fail", "--silent", "--compressed"):
        words.add_argument(flag, action="store_true")
    for option in ("-o", "-w", "-m", "--max-time", "--retry", "--cacert", "-D"):
        words.add_argument(option)
    words.add_argument("-X", "--request", dest="method")
    words.add_argument("-H", "--header", action="append", dest="headers", default=[])
    words.add_argument("-d", "--data", "--data-binary", dest="body")
    words.add_argument("url")
    return words


@dataclass(frozen=True)
class Call:
    """One request of a page."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str | None


def call_of(words: Sequence[str]) -> Call | str | None:
    """The request behind `curl` with these words, None for another host, or why they cannot be read."""
    try:
        found = _curl().parse_args(list(words))
    except _CurlError as error:
        return str(error)
    if not OURS.match(found.url):
        return None
    parts = urlsplit("http://shop" + OURS.sub("", found.url))
    method = found.method or ("GET" if found.body is None else "POST")
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Call(method.lower(), parts.path, query, found.body)


def faults(call: Call, schema: Mapping[str, Any]) -> Iterator[str]:
    """What the description does not allow of a call."""
    if PAGES_OF_ITS_OWN.match(call.path) and call.path not in schema["paths"]:
        return
    route = _route(call.path, schema)
    operation = schema["paths"].get(route, {}).get(call.method)
    if operation is None:
        has = ", ".join(method.upper() for method in METHODS if method in schema["paths"].get(route, {}))
        yield f"no {call.method.upper()} {call.path}; the path has {has or 'no method: it is not there'}"
        return
    known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    yield from (f"{call.path} has no query parameter {name!r}" for name, _ in call.query if name not in known)
    yield from _body_faults(call, operation, schema)


def is_route(path: str, schema: Mapping[str, Any]) -> bool:
    """Whether the API has this path, with any method."""
    return bool(_route(path, schema))


def _route(path: str, schema: Mapping[str, Any]) -> str:
    """The template that a path fits; one without parameters first."""
    shapes = {one: re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one)) for one in schema["paths"]}
    fits = [one for one, shape in shapes.items() if re.fullmatch(shape, path)]
    return min(fits, key=lambda one: (one.count("{"), one), default="")


def _body_faults(call: Call, operation: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if call.body is None:
        if wanted and wanted.get("required"):
            yield f"{call.method.upper()} {call.path} needs a body"
        return
    if wanted is None:
        yield f"{call.method.upper()} {call.path} takes no body"
        return
    if call.body.startswith(("@", "$")):
        return  # a file's, or what a command before it made
    try:
        body = json.loads(call.body)
    except json.JSONDecodeError as error:
        yield f"the body is no JSON: {error}"
        return
    shape = dict(wanted["content"]["application/json"]["schema"]) | {"components": schema["components"]}
    for fault in Draft202012Validator(shape).iter_errors(body):
        yield f"{call.path}: {fault.json_path}: {fault.message}"
