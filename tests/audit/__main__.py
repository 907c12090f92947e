"""`python -m tests.audit [--strict]`: prints what was found, what was not looked at and why."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from tests.audit.advisories import audit_packages
from tests.audit.exceptions import read_exceptions
from tests.audit.outcome import Outcome, exit_code
from tests.audit.secrets import scan_secrets


def main() -> int:
    """Both parts and the exceptions' days; see `exit_code`."""
    exceptions = read_exceptions()
    count = len(exceptions.advisory) + len(exceptions.secret)
    outcomes = [
        Outcome("exceptions", f"{count} exceptions", tuple(exceptions.expired(datetime.now(UTC).date()))),
        audit_packages(exceptions),
        scan_secrets(exceptions),
    ]
    for one in outcomes:
        print(*one.lines(), sep="\n")
    return exit_code(outcomes, "--strict" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
