"""The HTTP API as a page, made of its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "post", "put", "delete")
OWN_STATUSES = frozenset({"200", "201", "202", "204"})
Json = Mapping[str, Any]

HEAD = """# The HTTP API

Made of the API's own description at each build; a running service has it at `/docs` and `/openapi.json`.
JSON in, JSON out. Errors have one shape ([Problem](#problem)): 401, 403, 404, 405, 409, 413, 422 are the
caller's, 429 and 503 come with `Retry-After`. Scopes count where [keys](../access.md) are asked for.

"""


def http_page(api: Json) -> str:
    """Calls by tag, then every shape that a body or an answer has."""
    lines = [HEAD]
    tags: dict[str, list[str]] = {}
    for path, item in api["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                tag = (operation.get("tags") or ["other"])[0]
                tags.setdefault(tag, []).extend(_call(method, path, operation))
    for tag, calls in tags.items():
        lines += [f"## {tag.capitalize()}\n", *calls]
    lines.append("## Shapes\n")
    for name, schema in sorted(api["components"]["schemas"].items()):
        lines += [f"### {name}\n", _line(schema.get("description", "")), "", *_fields(schema)]
    return "\n".join(lines) + "\n"


def _call(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### {method.upper()} {path}\n"
    yield operation.get("description", "") + "\n"
    for one in operation.get("parameters", ()):
        needed = ", required" if one.get("required") else ""
        text = one.get("description") or one["schema"].get("description", "")
        yield f"- `{one['name']}` ({one['in']}, {_kind(one['schema'])}{needed}) {_line(text)}"
    yield ""
    if body := operation.get("requestBody"):
        yield f"Body: {_kind(_content(body))}\n"
    for status, answer in operation["responses"].items():
        if status in OWN_STATUSES:
            yield f"Answer {status}: {_kind(_content(answer))}\n"


def _content(holder: Json) -> Json:
    shapes = holder.get("content", {})
    found: Json = next((one.get("schema", {}) for one in shapes.values()), {})
    return found


def _fields(schema: Json) -> Iterator[str]:
    """A table of an object's fields, or the values of an enumeration."""
    if values := schema.get("enum"):
        yield "One of " + ", ".join(f"`{value}`" for value in values) + ".\n"
    if not (properties := schema.get("properties")):
        return
    required = frozenset(schema.get("required", ()))
    yield "| field | type | default | |\n|---|---|---|---|"
    for name, field in properties.items():
        default = "required" if name in required else f"`{_plain(field.get('default'))}`"
        yield f"| `{name}` | {_kind(field)} | {default} | {_cell(field.get('description', ''))} |"
    yield ""


def _kind(schema: Json) -> str:
    """A type in words, with a link where it is a shape of its own."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in options))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything") + _bounds(schema)


def _bounds(schema: Json) -> str:
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    return f" {'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def _plain(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value) or "''"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
