"""The catalog's embedding space on a plane."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MapAnswer(BaseModel):
    """A page of points, in columns."""

    index_version: str
    items: int = Field(description="Items of the version; a large one is drawn from a sample.")
    points: int = Field(description="Points of the whole map.")
    explained: list[float] = Field(description="Share of the variance along each axis.")
    categories: list[str] = Field(description="Top categories; `category` counts into them.")
    item_id: list[str]
    x: list[float]
    y: list[float]
    category: list[int]
