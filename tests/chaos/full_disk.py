"""D6: the workspace's volume is full for a while; lists go on, writes are refused and then resume."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys.workspace import Workspace
from tests.chaos.event_ledger import require_ledger
from tests.chaos.figures import between, not_200, statuses, three_p99
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, inline_service, loaded, shop_of

VOLUME_MIB = 24
FULL_S, AFTER_S = 20.0, 15.0
SETTLED_S = 1.0
RESUME_S = 10.0
CHUNK = 64 * 1024


def run(place: Place, outcome: Outcome) -> None:
    """Fill a small volume to its last byte under load, then give the space back."""
    with _volume(place.folder / "volume") as volume:
        workspace = Workspace(Path(shutil.move(shop_of(place).root, volume / "shop")))
        with (
            inline_service(workspace, place.folder, "--recommenders", "1") as service,
            loaded(service, place.folder, events=True) as load,
        ):
            time.sleep(BEFORE_S)
            struck = time.monotonic()
            _fill(volume / "filler")
            full = time.monotonic()
            time.sleep(place.times(int(FULL_S), 8))
            _fill(volume / "filler")  # what checkpoints gave back in the meantime
            (volume / "filler").unlink()
            freed = time.monotonic()
            time.sleep(AFTER_S)
            answers = load.stop()
        _judge(outcome, answers, struck, full, freed)
        require_ledger(outcome, workspace, answers)


def _judge(outcome: Outcome, answers: list[Answer], struck: float, full: float, freed: float) -> None:
    lists = [one for one in answers if not one.sent]
    posts = [one for one in answers if one.sent]
    during = between(posts, full + SETTLED_S, freed)
    refused = [one for one in during if one.status in (503, 507)]
    resumed = [one.at_s for one in between(posts, freed, float("inf")) if one.status != 200]
    resume_s = round(resumed[-1] - freed, 2) if resumed else 0.0
    outcome.figures |= {
        "posts while it was full": statuses(during),
        "lists while it was full": statuses(between(lists, full, freed)),
        "recovery_s": resume_s,
        **three_p99(lists, struck, freed),
    }
    outcome.require("writes refused while it was full", "some", len(refused), bool(refused))
    outcome.require_zero(
        lists_without_a_200=not_200(lists),
        posts_other_than_200_503_507=sum(one.status not in (200, 503, 507) for one in posts),
        without_retry_after=sum(not one.retry_after for one in refused),
    )
    outcome.require("writes resume by themselves", f"within {RESUME_S:g} s", resume_s, resume_s <= RESUME_S)


def _fill(path: Path) -> None:
    """Take what is left of the volume, to the byte."""
    with path.open("ab", buffering=0) as file:
        for size in (CHUNK, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@contextmanager
def _volume(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory; needs the right to mount."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={VOLUME_MIB}m", "tmpfs", str(folder)]
    subprocess.run(["mount", *options], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
