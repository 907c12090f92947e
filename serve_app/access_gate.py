"""The gate in front of the routes: who calls, whether they may, and how often."""

from __future__ import annotations

import math
import re

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from recsys.access import ApiKey
from recsys.errors import AccessError, RecsysError, ScopeError, UnknownKeyError
from serve_app.key_limits import KeyLimits
from serve_app.key_watch import KeyWatch
from serve_app.problems import problem, status_of
from serve_app.response_header import with_headers
from serve_app.route_scopes import PERSONALIZE_PATHS, route_path, scopes_of

OPEN_PAGES = ("/docs", "/openapi.json", "/static-offline-docs", "/store/", "/console/", "/page-parts/")
"""Files that tell what is in the documentation anyway; what they show is asked for with a key."""
MAX_ACTOR_BYTES = 200
SIGNED = re.compile(rb"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")


class AccessGate:
    """ASGI middleware: 401 without a key in force, 403 without the route's scope, 429 beyond its limits.

    Every 401 has the same body, whatever was wrong: nobody learns which keys exist. It is decided before
    the body is read. A route that does not exist answers 404 to those who have any key.
    """

    def __init__(self, app: ASGIApp, keys: KeyWatch, limits: KeyLimits) -> None:
        self._app, self._keys, self._limits = app, keys, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            key = self._admitted(scope)
        except AccessError as error:
            await _refuse(error, scope, receive, send)
            return
        if key is None:
            await self._app(scope, receive, send)
            return
        verdict = self._limits.admit(key)
        headers = [(name.lower().encode(), value.encode()) for name, value in verdict.headers.items()]
        send = with_headers(send, headers)
        if verdict.refusal is not None:
            await _refuse(verdict.refusal, scope, receive, send, verdict.wait_s)
            return
        await self._app(scope, receive, send)

    def _admitted(self, scope: Scope) -> ApiKey | None:
        """The key with which the request goes on, None where none is needed; raises `AccessError`."""
        path = route_path(scope)
        methods = scopes_of(scope["app"]).at(path)
        wanted = methods.get(scope["method"])
        is_open = scope["method"] in methods and wanted is None
        is_page = not methods and (path == "/" or path.startswith(OPEN_PAGES))
        if is_open or is_page:
            return None
        key = self._keys.key_of(_text_of_key(scope, path in PERSONALIZE_PATHS and bool(methods)))
        if key is None:
            raise UnknownKeyError("this needs a key", expected="Authorization: Bearer with a key in force")
        if wanted is not None and wanted not in key.scopes:
            raise ScopeError("this key does not open this route", expected=f"the scope {wanted}")
        _name_actor(scope, key)
        return key


async def _refuse(
    error: RecsysError, scope: Scope, receive: Receive, send: Send, wait_s: float = 0.0
) -> None:
    answer = problem(HTTPConnection(scope), status_of(error), type(error).__name__, str(error))
    if isinstance(error, UnknownKeyError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if wait_s > 0.0:
        answer.headers["Retry-After"] = str(math.ceil(wait_s))
    await answer(scope, receive, send)


def _text_of_key(scope: Scope, signed: bool) -> str:
    """From `Authorization: Bearer` or `X-API-Key`; never from the URL, which ends up in logs.

    `signed`: also from an AWS signature, where the key stands as the access key's id. The signature itself
    proves nothing: what it is made with is not known here.
    """
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return str(value[7:].strip().decode("latin-1"))
        if signed and name == b"authorization" and (found := SIGNED.match(value)):
            return found[1].decode("latin-1")
        if name == b"x-api-key":
            return str(value.strip().decode("latin-1"))
    return ""


def _name_actor(scope: Scope, key: ApiKey) -> None:
    """Decisions are logged under the key's name; what the caller says of itself comes after it."""
    said = next((value for name, value in scope["headers"] if name == b"x-actor"), b"")
    if len(said) > MAX_ACTOR_BYTES:
        return  # the route refuses it
    named = key.name.encode() + (b": " + said if said else b"")
    kept = [(name, value) for name, value in scope["headers"] if name != b"x-actor"]
    scope["headers"] = [*kept, (b"x-actor", named[:MAX_ACTOR_BYTES])]
