"""Pages of the catalog and of what imports refused."""

from __future__ import annotations

from pydantic import BaseModel, Field

from recsys.payloads.catalog import CatalogItem


class CatalogPage(BaseModel):
    """Items in the order of their ids."""

    items: list[CatalogItem]
    total: int = Field(description="Items of the whole catalog.")
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")


class QuarantineFileBody(BaseModel):
    """What one import refused."""

    name: str
    kind: str = Field(description="items or events")
    refused_at: str
    rows: int
    reasons: dict[str, int] = Field(description="How many rows for each reason, the most first.")


class QuarantineAnswer(BaseModel):
    """Files of refused rows, the newest first."""

    files: list[QuarantineFileBody]
    total: int


class QuarantinedRow(BaseModel):
    """One refused row."""

    file: str = Field(description="Name of the imported file.")
    row: int | None = Field(description="Its place in the file, from 1; null: the whole file.")
    reason: str
    detail: str
    raw: str | None


class QuarantinedRows(BaseModel):
    """A page of one file of refused rows."""

    name: str
    total: int
    rows: list[QuarantinedRow]
