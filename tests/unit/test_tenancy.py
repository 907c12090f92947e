"""Several shops on one Ray share nothing, or the service does not start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recsys.errors import ConfigError
from recsys.tenancy import Tenant, read_tenants, require_apart, with_ports


def written(folder: Path, tenants: Any) -> Path:
    file = folder / "tenants.json"
    file.write_text(json.dumps(tenants))
    return file


def test_a_file_gives_the_tenants_and_their_ports(tmp_path: Path) -> None:
    rows = [{"name": "a", "workspace": "a"}, {"name": "b", "workspace": "b", "port": 9000}]
    placed = with_ports(read_tenants(written(tmp_path, rows)), 8000)
    assert [(tenant.name, tenant.port) for tenant in placed] == [("a", 8000), ("b", 9000)]


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({"name": "a", "workspace": "w2"}, "names"),
        ({"name": "b", "workspace": "w1"}, "workspaces"),
        ({"name": "b", "workspace": "./x/../w1"}, "workspaces"),
        ({"name": "b", "workspace": "w1/inner"}, "workspaces"),
        ({"name": "b", "workspace": "."}, "workspaces"),
        ({"name": "b", "workspace": "w2", "database_url": "postgresql://h/one"}, "databases"),
        ({"name": "b", "workspace": "w2", "port": 8000}, "ports"),
    ],
)
def test_tenants_that_share_anything_are_refused(other: dict[str, Any], shared: str) -> None:
    first = Tenant.model_validate(
        {"name": "a", "workspace": "w1", "database_url": "postgresql://h/one", "port": 8000}
    )
    with pytest.raises(ConfigError, match=shared):
        require_apart([first, Tenant.model_validate(other)])


def test_a_link_to_another_shops_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").symlink_to(tmp_path / "one")
    with pytest.raises(ConfigError, match="workspaces"):
        require_apart([Tenant(name=name, workspace=tmp_path / name) for name in ("one", "two")])


def test_a_port_that_the_next_tenant_would_get_is_seen() -> None:
    tenants = [Tenant(name="a", workspace=Path("a")), Tenant(name="b", workspace=Path("b"))]
    with pytest.raises(ConfigError, match="ports"):
        with_ports([tenants[0].model_copy(update={"port": 8001}), tenants[1]], 8000)


@pytest.mark.parametrize(
    "rows",
    [[], {}, [{"name": "A B", "workspace": "a"}], [{"name": "a"}], [{"name": "a", "workspace": "a", "x": 1}]],
)
def test_what_is_no_list_of_tenants_is_refused(tmp_path: Path, rows: Any) -> None:
    with pytest.raises(ConfigError, match="tenant"):
        read_tenants(written(tmp_path, rows))
