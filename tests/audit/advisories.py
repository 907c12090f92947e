"""Known advisories against the installed packages, by pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.audit.exceptions import Exceptions
from tests.audit.outcome import Outcome

PART = "advisories"
SERVICES = ("pypi", "osv")
OWN = "recsys-on-ray"
TIMEOUT_S = 300
Ask = Callable[[str], str]


def ask_pip_audit(service: str) -> str:
    """What pip-audit writes with one of the services that know advisories."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "-f", "json", "-s", service]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return done.stdout or json.dumps({"failed": last[:300]})


def audit_packages(exceptions: Exceptions, ask: Ask = ask_pip_audit) -> Outcome:
    """Advisories that no exception names; `skipped` says for how many packages nobody could be asked.

    A service that knows nothing of a package, as a mirror without advisories does, has not cleared it:
    pip-audit ends with 0 then.
    """
    why = ""
    for service in SERVICES:
        try:
            told = json.loads(ask(service))
        except (ValueError, OSError, subprocess.TimeoutExpired) as error:
            told = {"failed": type(error).__name__}
        packages = [one for one in told.get("dependencies", ()) if one["name"] != OWN]
        known = [one for one in packages if "vulns" in one]
        if known:
            return _judged(service, packages, known, exceptions)
        why = why or told.get("failed") or f"{service} knows none of {len(packages)} packages"
    return Outcome(PART, "no package", skipped=f"no advisory service could be reached ({why})")


def _judged(
    service: str, packages: list[dict[str, Any]], known: list[dict[str, Any]], exceptions: Exceptions
) -> Outcome:
    excepted = {(one.package, one.id) for one in exceptions.advisory}
    findings = tuple(
        f"{one['name']} {one['version']}: {found['id']}, mended in {found['fix_versions'] or 'no release'}"
        for one in known
        for found in one["vulns"]
        if not excepted & {(one["name"], name) for name in (found["id"], *found.get("aliases", ()))}
    )
    left = len(packages) - len(known)
    skipped = f"{left} packages that {service} does not know" if left else ""
    return Outcome(PART, f"{len(known)} packages by {service}", findings, skipped)
