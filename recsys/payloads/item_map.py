"""The catalog's embedding space on a plane."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MapAnswer(BaseModel):
    """A page of points, in columns."""

    index_version: str
    items: int = Field(description="Items of the version; a large one is drawn from a sample.")
    points: int = Field(description="Points of the whole map.")
    agreement: float = Field(
        description="Share of an item's ten nearest here that are its ten nearest by all dimensions."
    )
    categories: list[str] = Field(description="Top categories; `category` counts into them.")
    item_id: list[str]
    x: list[float]
    y: list[float]
    category: list[int]
