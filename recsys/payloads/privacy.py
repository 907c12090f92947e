"""Answers to what a person may ask of a shop: be forgotten, see everything."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class ErasureAnswer(BaseModel):
    """What was taken away; the answer does not repeat who it was."""

    people: int = Field(description="Keys: the user, and the visitors who turned out to be this user.")
    events: int
    links: int
    answers: int
    refused_rows: int = Field(description="Rows of imports that had been refused and set aside.")
    mentions: int = Field(description="Lines and cells of logs, reports and runs with the name overwritten.")
    clean: bool = Field(description="Whether no leftover byte was found in the database files.")
    rebuilt: bool = Field(description="Whether a database file was written anew for that.")


class ExportAnswer(BaseModel):
    """Every record of one person, and of nobody else."""

    user_id: str
    kind: Literal["user", "visitor"]
    exported_at: str
    events: list[dict[str, Any]] = Field(description="All columns, impressions and reviews included.")
    links: list[dict[str, str]] = Field(description="Visitors who turned out to be this user.")
    answers: list[dict[str, Any]] = Field(description="Lists that were shown.")
    exposures: list[dict[str, str]] = Field(description="Arms of experiments behind these lists.")
    refused_rows: list[dict[str, Any]] = Field(description="Rows of imports that were set aside.")
    profile: list[dict[str, Any]] = Field(description="What is believed, from which items.")
