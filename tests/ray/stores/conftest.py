"""Each test of this folder runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cluster.database import METADATA, open_database
from tests.postgres import private_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One server for the whole run."""
    with private_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path}/shop.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = open_database(url)
    yield opened
    METADATA.drop_all(opened)
    opened.dispose()
