"""Several shops on one Ray, apart from end to end: each has a workspace, a database and keys of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from recsys.config import Config
from recsys.errors import ConfigError

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Tenant(Config):
    """One shop of a service that has several."""

    name: Name
    """Part of names of processes and, behind a proxy, of URLs."""
    workspace: Path
    """Folder of this shop's data; no other shop may have it or lie in it."""
    database_url: str | None = None
    """Database of this shop; SQLite in the workspace when absent."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Where this shop's replicas listen themselves; by default the service's port and those after it."""


TENANTS = TypeAdapter(list[Tenant])


def read_tenants(file: Path) -> list[Tenant]:
    """The shops of a JSON file, a list of objects; raises `ConfigError` for what is none or overlaps."""
    try:
        tenants = TENANTS.validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([file.name, *map(str, first["loc"])])
        raise ConfigError("a tenant is refused", expected=first["msg"], where=where) from error
    if not tenants:
        raise ConfigError("there is no tenant", expected="at least one", where=file.name)
    require_apart(tenants)
    return tenants


def require_apart(tenants: Sequence[Tenant]) -> None:
    """Return when no two shops share anything; raises `ConfigError` that names both."""
    for one, other in combinations(tenants, 2):
        shared = _shared(one, other)
        if shared:
            raise ConfigError(
                "two tenants are not apart",
                expected=f"different {shared}",
                found=f"{one.name} and {other.name}",
            )


def with_ports(tenants: Sequence[Tenant], first: int) -> list[Tenant]:
    """The tenants, those without a port at `first` and on; raises `ConfigError` for a port of two."""
    placed = [
        tenant if tenant.port else tenant.model_copy(update={"port": first + number})
        for number, tenant in enumerate(tenants)
    ]
    require_apart(placed)
    return placed


def _shared(one: Tenant, other: Tenant) -> str:
    """What both have; empty when they are apart."""
    mine, theirs = one.workspace.resolve(), other.workspace.resolve()
    if one.name == other.name:
        return "names"
    if mine == theirs or mine in theirs.parents or theirs in mine.parents:
        return "workspaces, none inside the other"
    if one.database_url is not None and one.database_url == other.database_url:
        return "databases"
    return "ports" if one.port is not None and one.port == other.port else ""
