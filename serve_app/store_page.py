"""The store page, and whom to be in it."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from recsys.payloads import ShoppersAnswer
from serve_app.page_files import add_page
from serve_app.typical_shoppers import TypicalShoppers

FOLDER = Path(__file__).parent / "storefront"


def add_store(api: FastAPI, shoppers: TypicalShoppers) -> None:
    """Add the page at `/store/`."""

    @api.get("/store/shoppers.json", tags=["store"])
    async def typical_shoppers() -> ShoppersAnswer:
        """Shoppers with middling histories, for the store page's choice of whom to be."""
        return ShoppersAnswer(shoppers=await shoppers.shoppers())

    add_page(api, "/store", FOLDER)
