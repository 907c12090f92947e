"""S6: Serve's controller, which starts and watches all replicas, is killed while requests come in."""

from __future__ import annotations

import time

from jobs.bench.processes import descendants, title_of
from jobs.bench.service import Service
from tests.chaos.event_ledger import require_ledger
from tests.chaos.figures import not_200, partial, reasons, statuses, three_p99
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, Loaded, kill, loaded, remote_service, shop_of

TITLE = "ray::ServeController"
KILLS = 3
BACK_S = 60.0
SETTLE_S = 5.0
RATE = 10.0


def run(place: Place, outcome: Outcome) -> None:
    """Kill it again and again; in the end a shard's replica, which nobody else would replace."""
    workspace = shop_of(place)
    with (
        remote_service(workspace, place.folder, "--shard-replicas", "2") as service,
        loaded(service, place.folder, RATE, events=True) as load,
    ):
        time.sleep(BEFORE_S)
        struck = time.monotonic()
        kills = place.times(KILLS, 1)
        back_s = [_kill_and_wait(service) for _ in range(kills)]
        whole = time.monotonic()
        replaced_s = _replaced_s(load)
        time.sleep(BEFORE_S)
        answers = load.stop()
    away = [seconds for seconds in back_s if seconds is None]
    outcome.figures |= {
        "kills": kills,
        "requests": len(answers),
        "statuses": statuses(answers),
        "partial": len(partial(answers)),
        "reasons": reasons(answers),
        "back after s": ", ".join(f"{seconds:.1f}" for seconds in back_s if seconds is not None),
        **three_p99(answers, struck, whole),
    }
    outcome.require_zero(not_200=not_200(answers), controllers_not_back=len(away))
    outcome.require(
        "afterwards a killed shard replica is replaced", "yes", replaced_s or "no", replaced_s > 0.0
    )
    require_ledger(outcome, workspace, answers)


def controller(service: Service) -> list[int]:
    """The controller's process, or none while it starts."""
    return [pid for pid in descendants(service.pid) if title_of(pid).startswith(TITLE)]


def _kill_and_wait(service: Service) -> float | None:
    """Seconds until another controller is there and has had time to look around; None where none came."""
    old = controller(service)
    struck = kill(old)
    while time.monotonic() - struck < BACK_S:
        time.sleep(0.2)
        if new := set(controller(service)) - set(old):
            seconds = time.monotonic() - struck
            time.sleep(SETTLE_S)
            return seconds if old and len(new) == 1 else None
    return None


def _replaced_s(load: Loaded) -> float:
    """Seconds until the new controller has replaced a replica; 0 where it does not."""
    old = load.replicas("shard-0")
    struck = kill(old[:1])
    while time.monotonic() - struck < BACK_S:
        time.sleep(0.2)
        if len(set(load.replicas("shard-0")) - {old[0]}) >= 2:
            return round(time.monotonic() - struck, 1)
    return 0.0
