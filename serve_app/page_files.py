"""Pages of the service's own: files that need no build and nothing from elsewhere, under one policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

PARTS = Path(__file__).parent / "page_parts"
PARTS_AT = "/page-parts"
POLICY = (
    "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Asked again each time, answered 304 while nothing changed: no page ever mixes two releases.
    "Cache-Control": "no-cache",
}
"""Texts of the catalog come from outside; no page makes markup of them, and none could run it."""


class PageFiles(StaticFiles):
    """A page's files under its policy."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """One file, or that it has not changed."""
        response = super().file_response(*args, **options)
        response.headers.update(HEADERS)
        return response


def add_page(api: FastAPI, at: str, folder: Path) -> None:
    """Add a page, and with the first one the parts that pages share."""
    if not any(getattr(route, "path", "") == PARTS_AT for route in api.routes):
        api.mount(PARTS_AT, GZipMiddleware(PageFiles(directory=PARTS)))
    api.mount(at, GZipMiddleware(PageFiles(directory=folder, html=True)))
