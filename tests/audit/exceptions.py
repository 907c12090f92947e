"""Findings that a person has judged: with a reason, and a day on which they count again."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("exceptions.toml")
Said = Annotated[str, Field(min_length=10)]


class Judged(BaseModel):
    """What every exception has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reason: Said
    expires: date


class AdvisoryException(Judged):
    """An advisory that does not matter here."""

    package: str
    id: str


class SecretException(Judged):
    """Words of one kind in one file that are no secret."""

    file: str
    kind: str


class Exceptions(BaseModel):
    """All of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    advisory: tuple[AdvisoryException, ...] = ()
    secret: tuple[SecretException, ...] = ()

    def expired(self, today: date) -> list[str]:
        """Those that somebody has to judge anew, in words."""
        old = [one for one in (*self.advisory, *self.secret) if one.expires < today]
        return [f"an exception ended on {one.expires}: {one.reason}" for one in old]


def read_exceptions(file: Path = FILE) -> Exceptions:
    """The exceptions of a file; raises `ValueError` for one without a reason or a day."""
    return Exceptions.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
