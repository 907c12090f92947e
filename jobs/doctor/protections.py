"""Settings of the environment that switch a protection off."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from cluster.local_ray import AUTH_MODE
from jobs.doctor.finding import Finding, ok, warning

NAME = "protections"
UNPICKLING = "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA"


def examine_protections(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Ray's token, which whoever reaches Ray would otherwise not need, and Ray Data's old pickles."""
    faults = []
    if (mode := environment.get(AUTH_MODE, "token")).lower() != "token":
        faults.append((f"{AUTH_MODE}={mode}: whoever reaches Ray runs code", f"unset {AUTH_MODE}"))
    if environment.get(UNPICKLING, "0") == "1":
        faults.append((f"{UNPICKLING}=1: Parquet files may run code", f"unset {UNPICKLING}"))
    for found, advice in faults:
        yield warning(NAME, found, advice)
    if not faults:
        yield ok(NAME, "Ray asks for a token, and no setting lets files run code")
