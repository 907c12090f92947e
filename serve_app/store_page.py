"""The store page: files that need no build and nothing from elsewhere, and whom to be in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from recsys.payloads import ShoppersAnswer
from serve_app.typical_shoppers import TypicalShoppers

FOLDER = Path(__file__).parent / "storefront"
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
"""Texts of the catalog come from outside; the page never makes markup of them, and could not run it."""


class StoreFiles(StaticFiles):
    """The page's files under its policy."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """One file, or that it has not changed."""
        response = super().file_response(*args, **options)
        response.headers.update(HEADERS)
        return response


def add_store(api: FastAPI, shoppers: TypicalShoppers) -> None:
    """Add the page at `/store/`, to which `/` leads."""

    @api.get("/store/shoppers.json", tags=["store"])
    async def typical_shoppers() -> ShoppersAnswer:
        """Shoppers with middling histories, for the store page's choice of whom to be."""
        return ShoppersAnswer(shoppers=await shoppers.shoppers())

    @api.get("/", include_in_schema=False)
    async def front_door(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/store/")

    api.mount("/store", GZipMiddleware(StoreFiles(directory=FOLDER, html=True)))
