"""One case in a process of its own: NAME FOLDER SHARED SEED QUICK; its row goes to FOLDER/row.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.cases import CASES
from tests.chaos.outcome import Outcome, Place

ROW = "row.json"
SERVICE_ENVIRONMENT = {"RAY_worker_niceness": "0"}
"""Ray's workers step behind every other process; the client that asks them shares their cores."""


def main(name: str, folder: Path, shared: Path, seed: int, quick: bool) -> None:
    """Run the case and write its row, also when it breaks."""
    case = next(one for one in CASES if one.name == name)
    os.environ.update(SERVICE_ENVIRONMENT)
    own = str(Path(__file__).resolve().parents[2])  # actors have to find this package as well
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *filter(None, [os.environ.get("PYTHONPATH")])])
    outcome, begun, broke = Outcome(), time.monotonic(), ""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    try:
        case.load()(Place(scratch, shared, seed, quick, lambda text: print(text, flush=True)), outcome)
    except Exception as error:  # noqa: BLE001  # whatever broke is the row's own outcome
        traceback.print_exc()
        broke = f"{type(error).__name__}: {error}"[:300]
    row = asdict(outcome) | {
        "case": name,
        "seed": seed,
        "quick": quick,
        "seconds": round(time.monotonic() - begun, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.machine(),
        "broke": broke,
        "held": outcome.held and not broke,
    }
    (folder / ROW).write_text(json.dumps(row, indent=1))


if __name__ == "__main__":
    folder, shared = (Path(one).absolute() for one in sys.argv[2:4])  # Ray workers run elsewhere
    main(sys.argv[1], folder, shared, int(sys.argv[4]), sys.argv[5] == "1")
