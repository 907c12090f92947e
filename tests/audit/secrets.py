"""Keys and passwords in the files that are under version control, by detect-secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.audit.exceptions import Exceptions
from tests.audit.outcome import Outcome

PART = "secrets"
ROOT = Path(__file__).parents[2]
MADE_UP = ("tests/", "docs/")
"""Where passwords and digests are examples; keys of known services count there as well."""
GUESSES = frozenset(
    ("Secret Keyword", "Basic Auth Credentials", "Hex High Entropy String", "Base64 High Entropy String")
)
PICTURES = (".svg", ".png", ".parquet", ".gz")
BATCH = 200


def tracked_files(root: Path = ROOT) -> list[str]:
    """Files under version control, or to be, without pictures and tables."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(
        name for name in listed.stdout.splitlines() if not name.endswith(PICTURES) and (root / name).is_file()
    )


def scan_secrets(exceptions: Exceptions, root: Path = ROOT, files: Iterable[str] | None = None) -> Outcome:
    """What looks like a secret and is in no exception; never the words themselves."""
    names = tracked_files(root) if files is None else list(files)
    excepted = {(one.file, one.kind) for one in exceptions.secret}
    findings = []
    for start in range(0, len(names), BATCH):
        for file, found in _scanned(names[start : start + BATCH], root).items():
            for one in found:
                guess = one["type"] in GUESSES and file.startswith(MADE_UP)
                if not guess and (file, one["type"]) not in excepted:
                    findings.append(f"{file}:{one['line_number']}: {one['type']}")
    return Outcome(PART, f"{len(names)} files", tuple(findings))


def _scanned(names: list[str], root: Path) -> dict[str, list[dict[str, str]]]:
    # No verification: a found key is not tried out against its service.
    command = [sys.executable, "-m", "detect_secrets", "scan", "--no-verify", *names]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    results: dict[str, list[dict[str, str]]] = json.loads(done.stdout)["results"]
    return results
