"""Routes that read the catalog."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query

from recsys.identifiers import MAX_ID_BYTES
from recsys.payloads import CatalogItem, CategoriesAnswer, ItemsAnswer
from serve_app.shop_catalog import ShopCatalog

MAX_ITEMS = 100
IdText = Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)]
IdsText = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=MAX_ID_BYTES)]],
    Query(min_length=1, max_length=MAX_ITEMS, description="Once for each item."),
]


def add_catalog(api: FastAPI, catalog: ShopCatalog) -> None:
    """Add the routes."""

    @api.get("/v1/items", tags=["catalog"])
    async def some_items(item_id: IdsText) -> ItemsAnswer:
        """Several items by id."""
        return ItemsAnswer(items=await catalog.some(item_id))

    @api.get("/v1/items/{item_id}", tags=["catalog"])
    async def one_item(item_id: IdText) -> CatalogItem:
        """One item, also one that is not available now."""
        return await catalog.item(item_id)

    @api.get("/v1/categories", tags=["catalog"])
    async def categories() -> CategoriesAnswer:
        """Every category with the number of its items, as it was a few seconds ago at most."""
        return CategoriesAnswer(categories=await catalog.categories())
