"""What the API's description says of keys: which scope opens which route."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serve_app.route_scopes import ALL_SCOPES, OPEN

SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `rk_...`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe_keys(api: FastAPI) -> None:
    """Let `/openapi.json` name the scope of every route and how a key is sent."""
    plain = api.openapi

    def described() -> dict[str, Any]:
        if api.openapi_schema is not None:
            return api.openapi_schema
        schema = plain()
        schema.setdefault("components", {})["securitySchemes"] = SCHEMES
        for path, item in schema["paths"].items():
            for method, operation in item.items():
                _describe(operation, method.upper(), path)
        return schema

    api.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend the schema


def _describe(operation: dict[str, Any], method: str, path: str) -> None:
    if method in OPEN.get(path, ()):
        return
    scope = str(ALL_SCOPES[method, path])
    operation["security"] = [{"bearer": [scope]}, {"header": [scope]}]
    operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`.".strip()
