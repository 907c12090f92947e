"""Addresses and paths in every field of every route: nothing is opened or called, nothing fails."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx

from recsys.errors import RecsysError
from serve_app.api import create_api
from serve_app.service import ShopService
from tests.chaos.canary import listening
from tests.hostile import hostile_names
from tests.serve.conftest import client_of

Schema = dict[str, Any]
WRITES = ("post", "put")


def filled(schema: Schema, parts: Schema, text: str, depth: int = 0) -> Any:
    """A value of a JSON schema whose every string is `text`."""
    if "$ref" in schema:
        return filled(parts[schema["$ref"].rsplit("/", 1)[-1]], parts, text, depth + 1)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return filled(choices[0], parts, text, depth + 1)
    kind = schema.get("type")
    if kind == "array":
        return [] if depth > 8 else [filled(schema.get("items", {}), parts, text, depth + 1)]
    if kind == "object" and "properties" in schema:
        return {name: filled(one, parts, text, depth + 1) for name, one in schema["properties"].items()}
    if kind == "object":
        return {text: text}
    return {"integer": 1, "number": 1.0, "boolean": False}.get(str(kind), text)


def calls(schema: Schema, text: str) -> list[tuple[str, str, Any]]:
    """Every route with `text` in its path and wherever a body takes a string."""
    parts = schema["components"]["schemas"]
    found = []
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            names = [one["name"] for one in told.get("parameters", ()) if one["in"] == "path"]
            place = path
            for name in names:
                place = place.replace(f"{{{name}}}", quote(text, safe=""))
            content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = filled(content["schema"], parts, text) if content else None
            found.append((method, place, body))
    return found


def test_addresses_and_paths_in_any_field_are_words_and_nothing_else(service: ShopService) -> None:
    schema = create_api(service).openapi()
    jobs = [path for path in schema["paths"] if path.startswith("/v1/jobs")]
    assert jobs
    with listening() as listener:
        hostile = hostile_names(listener.port)

        async def scene() -> None:
            async with client_of(service) as client:
                for text in hostile:
                    for method, path, body in calls(schema, text):
                        answer = await sent(client, method, path, body)
                        assert answer.status_code < 500, (method, path, answer.text)
                for text in hostile:
                    for path in (f"/v1/jobs/{quote(text, safe='')}", f"/v1/jobs/{text}"):
                        assert (await client.post(path)).status_code in (404, 405, 422)
                        assert (await client.get(path)).status_code in (404, 405, 307)

        asyncio.run(scene())
        assert listener.connections == []


async def sent(client: httpx.AsyncClient, method: str, path: str, body: Any) -> httpx.Response:
    """The answer; reads of one name need no body."""
    try:
        return await client.request(method, path, json=body if method in WRITES else None)
    except RecsysError as error:  # a refusal that was not made an answer is a failure of the server
        raise AssertionError(f"{method} {path} raised {error}") from error
