"""Which scope opens which route: one table, complete by construction."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import compile_path
from starlette.types import Scope as AsgiScope

from recsys.access import Scope
from recsys.errors import ConfigError

OPEN: Mapping[str, frozenset[str]] = {"/healthz": frozenset({"GET"}), "/readyz": frozenset({"GET"})}
"""What those who start and watch processes must reach without a key; it tells nothing of the shop."""
DECISIONS = ("scenarios", "rules", "experiments", "blocks")
SCOPES: Mapping[tuple[str, str], Scope] = {
    **{
        ("POST", f"/v1/{call}"): Scope.RECOMMEND
        for call in ("recommend", "similar", "lists", "rank", "embed")
    },
    ("POST", "/v1/search"): Scope.RECOMMEND,
    **{("GET", path): Scope.RECOMMEND for path in ("/v1/items", "/v1/items/{item_id}", "/v1/categories")},
    # Ids of people who have a history: only there when the store page is on.
    ("GET", "/store/shoppers.json"): Scope.ADMIN,
    ("POST", "/v1/events:batch"): Scope.EVENTS_WRITE,
    ("POST", "/v1/items:batch"): Scope.ADMIN,
    ("DELETE", "/v1/items/{item_id}"): Scope.ADMIN,
    ("GET", "/v1/users/{user_id}/profile"): Scope.ADMIN,
    ("DELETE", "/v1/users/{user_id}"): Scope.ERASE,
    ("GET", "/v1/users/{user_id}/export"): Scope.ERASE,
    ("GET", "/v1/index"): Scope.ADMIN,
    **{("GET", f"/v1/{plural}"): Scope.ADMIN for plural in DECISIONS},
    **{
        (method, f"/v1/{plural}/{{name}}"): Scope.ADMIN
        for plural in DECISIONS
        for method in ("GET", "PUT", "DELETE")
    },
    ("POST", "/v1/rules:preview"): Scope.ADMIN,
    ("GET", "/v1/reviews"): Scope.ADMIN,
    ("POST", "/v1/reviews/{item_id}"): Scope.ADMIN,
    ("GET", "/v1/audit"): Scope.ADMIN,
    ("GET", "/v1/experiments/{name}/results"): Scope.ADMIN,
    ("POST", "/v1/off-policy"): Scope.ADMIN,
    ("GET", "/v1/loop"): Scope.ADMIN,
    ("POST", "/v1/loop/pause"): Scope.ADMIN,
    ("POST", "/v1/loop/resume"): Scope.ADMIN,
    ("POST", "/v1/jobs/{name}"): Scope.ADMIN,
    ("GET", "/v1/jobs/{name}"): Scope.ADMIN,
    ("GET", "/v1/jobs"): Scope.ADMIN,
    **{
        ("GET", f"/v1/{path}"): Scope.ADMIN
        for path in (
            "health",
            "index/versions",
            "index/map",
            "quality",
            "catalog",
            "quarantine",
            "quarantine/{name}",
        )
    },
    **{("POST", f"/v1/{path}"): Scope.ADMIN for path in ("index/publish", "index/rollback", "explain")},
    ("GET", "/metrics"): Scope.METRICS,
}
PERSONALIZE_PATHS = ("/recommendations", "/personalize-ranking", "/events")
GORSE_PATHS = ("/api",)
COMPAT_SCOPES: Mapping[tuple[str, str], Scope] = {
    ("POST", "/recommendations"): Scope.RECOMMEND,
    ("POST", "/personalize-ranking"): Scope.RECOMMEND,
    ("POST", "/events"): Scope.EVENTS_WRITE,
    ("POST", "/api/feedback"): Scope.EVENTS_WRITE,
    ("PUT", "/api/feedback"): Scope.EVENTS_WRITE,
    **{
        ("GET", f"/api/{path}"): Scope.RECOMMEND
        for path in (
            "recommend/{user_id}",
            "recommend/{user_id}/{category}",
            "item/{item_id}/neighbors",
            "item/{item_id}/neighbors/",
            "item/{item_id}/neighbors/{category}",
            "item-to-item/{name}/{item_id}",
            "non-personalized/{name}",
            "popular",
            "popular/{category}",
            "latest",
            "latest/{category}",
        )
    },
}
"""Routes of other products' interfaces, which are only there when asked for."""
ALL_SCOPES: Mapping[tuple[str, str], Scope] = {**SCOPES, **COMPAT_SCOPES}


class RouteScopes:
    """The scope of a request by method and path, before anything of its body is read."""

    def __init__(self, api: FastAPI) -> None:
        """Raises `ConfigError` when a route has no place in the table: it would be open to any key."""
        known = [r for r in api.routes if isinstance(r, APIRoute) and r.include_in_schema]
        routes = [(m, r.path) for r in known for m in sorted(r.methods or ())]
        nameless = [f"{m} {p}" for m, p in routes if (m, p) not in ALL_SCOPES and m not in OPEN.get(p, ())]
        if nameless:
            raise ConfigError(
                "a route has no scope", expected="each in ALL_SCOPES or OPEN", found=", ".join(nameless)
            )
        self._exact: dict[str, dict[str, Scope | None]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Scope | None]]] = []
        by_path: dict[str, dict[str, Scope | None]] = {}
        for method, path in routes:
            by_path.setdefault(path, {})[method] = ALL_SCOPES.get((method, path))
        for path, scopes in by_path.items():
            if "{" in path:
                self._patterns.append((compile_path(path)[0], scopes))
            else:
                self._exact[path] = scopes

    def at(self, path: str) -> Mapping[str, Scope | None]:
        """Methods of a path with their scopes, None for an open one; empty where there is no route."""
        if (found := self._exact.get(path)) is not None:
            return found
        return next((scopes for pattern, scopes in self._patterns if pattern.match(path)), {})


def route_path(scope: AsgiScope) -> str:
    """The path of a request as routes know it: without the prefix under which the application hangs."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def scopes_of(api: FastAPI) -> RouteScopes:
    """The table of an application, made at the first call: its routes must be complete by then."""
    if not hasattr(api.state, "route_scopes"):
        api.state.route_scopes = RouteScopes(api)
    found: RouteScopes = api.state.route_scopes
    return found
