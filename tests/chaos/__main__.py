"""Run fault cases one after the other and write the page: `python -m tests.chaos --only D1,S1`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.bench.processes import descendants, start
from tests.chaos.case_process import ROW
from tests.chaos.cases import CASES, Case
from tests.chaos.page import write_page

ROOT = Path("workspace-chaos")
LOG = "case.log"


def main() -> int:
    """Every wanted case; 0 when all of them held."""
    options = _options()
    chosen = [case for case in CASES if options.only is None or case.name in options.only.split(",")]
    results, shared = ROOT / "results", ROOT / "shared"
    results.mkdir(parents=True, exist_ok=True)
    held = True
    for case in chosen:
        row = _run(case, ROOT / case.name, shared, options)
        held &= row["held"]
        (results / f"{case.name}.json").write_text(json.dumps(row, indent=1))
        print(f"{case.name:4} {_told(row)}", flush=True)
    if options.page is not None:
        write_page(options.page, results)
    return 0 if held else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--only", help="cases by name, joined by commas; all when absent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repetitions, for a look")
    parser.add_argument("--page", type=Path, help="page to write from the rows of all runs so far")
    return parser.parse_args()


def _run(case: Case, folder: Path, shared: Path, options: argparse.Namespace) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    arguments = [case.name, str(folder), str(shared), str(options.seed), str(int(options.quick))]
    begun = time.monotonic()
    process = start([sys.executable, "-m", "tests.chaos.case_process", *arguments], folder / LOG)
    try:
        process.wait(case.limit_s)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end_all(process)
    if (folder / ROW).is_file():
        row: dict[str, Any] = json.loads((folder / ROW).read_text())
        return row
    seconds = round(time.monotonic() - begun, 1)
    return _broken(case, options, seconds, f"did not end within {case.limit_s:g} s, or died; see {LOG}")


def _broken(case: Case, options: argparse.Namespace, seconds: float, why: str) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    empty = {"figures": {}, "checks": [], "notes": [], "held": False, "host": ""}
    return empty | {
        "case": case.name,
        "seed": options.seed,
        "quick": options.quick,
        "seconds": seconds,
        "at": at,
        "broke": why,
    }


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """Nothing that a case started outlives it."""
    for pid in [*descendants(process.pid), process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _told(row: dict[str, Any]) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in row["figures"].items())
    failed = "; ".join(
        f"{check['what']}: wanted {check['wanted']}, found {check['found']}"
        for check in row["checks"]
        if not check["held"]
    )
    verdict = "held" if row["held"] else f"FAILED {row['broke'] or failed}"
    return f"{verdict} ({row['seconds']} s): {figures}"


if __name__ == "__main__":
    sys.exit(main())
