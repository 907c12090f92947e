"""The catalog as a shop's pages read it, and the shoppers that the store page offers."""

from __future__ import annotations

from pydantic import BaseModel, Field


class CatalogItem(BaseModel):
    """One item of the catalog."""

    item_id: str
    title: str
    description: str | None = None
    category: str | None = Field(default=None, description="A path such as `Kitchen/Coffee`.")
    brand: str | None = None
    price_minor: int | None = Field(default=None, description="In the currency's smallest unit.")
    currency: str | None = Field(default=None, description="ISO 4217.")
    image_url: str | None = None
    available: bool
    attributes: dict[str, str] = Field(description="What the catalog says beside the fields above.")


class ItemsAnswer(BaseModel):
    """Items by id."""

    items: list[CatalogItem] = Field(description="In the order asked; unknown and deleted ones are left out.")


class CategoryBody(BaseModel):
    """A category, or one that contains others."""

    category: str = Field(description="Its path; filters find what lies in it with `under`.")
    name: str = Field(description="The last part of the path.")
    parent: str | None = Field(description="Path of the category that contains it.")
    items: int = Field(description="Available items in it and in all that it contains.")


class CategoriesAnswer(BaseModel):
    """Every category that has available items, in the order of paths: parents before what they contain."""

    categories: list[CategoryBody]


class ShopperBody(BaseModel):
    """A shopper with a history."""

    user_id: str
    interests: list[str] = Field(description="Names of the categories that weigh most, at most three.")


class ShoppersAnswer(BaseModel):
    """Shoppers with middling histories, to look at the shop as one of them."""

    shoppers: list[ShopperBody]
