"""Objects of KubeRay judged by its own schemas, as the operator's API server does with strict fields."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validate

SCHEMAS = Path(__file__).parent / "kuberay"
OPEN = "x-kubernetes-preserve-unknown-fields"
METADATA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""What an object of ours may have; the schemas leave metadata to Kubernetes."""
KINDS = frozenset(path.stem for path in SCHEMAS.glob("*.json"))


def validate_custom(resource: dict[str, Any]) -> None:
    """Raise `jsonschema.ValidationError` for an unknown, missing or ill-typed field of a KubeRay object."""
    validate(resource, schema_of(resource["kind"]), cls=Draft202012Validator)


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind, in which a field that is not named is an error."""
    schema: dict[str, Any] = closed(json.loads((SCHEMAS / f"{kind}.json").read_text()))
    named = {"apiVersion": {"const": "ray.io/v1"}, "kind": {"const": kind}, "metadata": METADATA}
    return {**schema, "properties": {**schema["properties"], **named}, "required": [*named, "spec"]}


def closed(node: Any) -> Any:
    """A structural schema as JSON Schema reads it: objects with named properties have no others."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    inner = {name: closed(one) for name, one in node.items() if name != "properties"}
    if "properties" not in node:
        return inner
    inner["properties"] = {name: closed(one) for name, one in node["properties"].items()}
    return inner if node.get(OPEN) else {"additionalProperties": False, **inner}
