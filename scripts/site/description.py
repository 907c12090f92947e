"""The API's description without a service: calls on pages are checked against it, the site shows it."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest.mock import MagicMock


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document of a shop with keys and the store page; nothing is started."""
    from recsys.config import ServeConfig
    from serve_app.api import create_api
    from serve_app.api_description import describe_keys

    parts = MagicMock()  # routes hold the service's parts and ask nothing of them before a request
    parts.keys, parts.config = None, ServeConfig(store=True)
    api = create_api(parts)
    describe_keys(api)
    return api.openapi()
