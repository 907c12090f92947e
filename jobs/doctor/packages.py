"""Versions of Python and of packages whose older releases can be attacked."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from jobs.doctor.finding import Finding, failed, ok

PYTHON_FLOOR = "3.11"


@dataclass(frozen=True)
class Floor:
    """The oldest release of a package that is safe, and what is wrong with those before it."""

    package: str
    oldest: str
    advisory: str


FLOORS = (
    Floor("ray", "2.55", "CVE-2026-41486: metadata of a Parquet file runs code"),
    Floor("torch", "2.10", "CVE-2026-24747: loading weights runs code"),
    Floor("transformers", "5.3", "CVE-2026-4372: config.json of an encoder runs code"),
    Floor("pyarrow", "14.0.1", "CVE-2023-47248: reading a file runs code"),
)


def examine_packages(installed: Callable[[str], str] = version) -> Iterator[Finding]:
    """Python, then each package of `FLOORS`; `installed` gives a package's version."""
    running = platform.python_version()
    if Version(running) < Version(PYTHON_FLOOR):
        yield failed("python", running, f"install Python {PYTHON_FLOOR} or newer")
    else:
        yield ok("python", running)
    for floor in FLOORS:
        yield _examined(floor, installed)


def _examined(floor: Floor, installed: Callable[[str], str]) -> Finding:
    wanted = f"{floor.package}>={floor.oldest}"
    try:
        found = installed(floor.package)
    except PackageNotFoundError:
        return failed(floor.package, "not installed", f"pip install '{wanted}'")
    if Version(found) < Version(floor.oldest):
        return failed(floor.package, f"{found} ({floor.advisory})", f"pip install '{wanted}'")
    return ok(floor.package, found)
