"""S1 to S4: shards that are killed or hang while lists are asked for."""

from __future__ import annotations

import os
import signal
import time
from statistics import median

import psutil

from tests.chaos.figures import (
    between,
    degraded_s,
    faults_p99,
    not_200,
    partial,
    percentile_ms,
    reasons,
    recovery_s,
    statuses,
    three_p99,
)
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, NUM_SHARDS, Loaded, kill, loaded, remote_service, shop_of

WATCH_S = 30.0
HANG_S = 90.0
DEADLINE_MS = 1_000.0
"""A list waits for shards up to three times: for the search, for items named, for what is said of them."""
FALLBACK_MS = 300.0
HEALED_S = 15.0
LOADED_S = 3.0
"""After its process is there, a replica loads its shard."""
HALF_RATE = 10.0
"""Lists a second that leave half of two cores free; a machine without room has none for a new replica."""


def run_s1(place: Place, outcome: Outcome) -> None:
    """SIGKILL the only replica of one shard."""
    with remote_service(shop_of(place), place.folder) as service, loaded(service, place.folder) as load:
        time.sleep(BEFORE_S)
        struck = kill(load.replicas("shard-0"))
        time.sleep(WATCH_S)
        answers = load.stop()
    _tell(outcome, answers, struck, kills=1)
    below = partial(answers)
    wrong = [one for one in below if not {"shard_down", "timeout"} & set(one.degraded)]
    shares = sorted({round(one.ratio, 3) for one in below})
    outcome.require_zero(not_200=not_200(answers), partial_without_a_reason=len(wrong))
    fair = bool(shares) and all(0.6 < share < 0.9 for share in shares)
    outcome.require("coverage of partial answers", f"about {1 - 1 / NUM_SHARDS:.2f}", str(shares), fair)
    _require_healed(outcome, answers)


def run_s2(place: Place, outcome: Outcome) -> None:
    """SIGKILL one of two replicas of one shard, again and again: one fault has too few answers for a p99."""
    kills = 10 if not place.quick else 2
    with (
        remote_service(shop_of(place), place.folder, "--shard-replicas", "2") as service,
        loaded(service, place.folder, HALF_RATE) as load,
    ):
        busy = _busy()
        time.sleep(WATCH_S)
        busy_percent = 100 * (_busy() - busy) / WATCH_S / (os.cpu_count() or 1)
        killed = [_kill_one_of_two(load) for _ in range(kills)]
        time.sleep(BEFORE_S)
        answers = load.stop()
    faults = [(struck, whole) for struck, whole, _ in killed]
    _tell(outcome, answers, faults[0][0], kills=kills)
    lacking = sum(replaced is None for _, _, replaced in killed)
    outcome.figures |= {
        "busy_before_%": round(busy_percent),
        "answers_during": sum(len(between(answers, *fault)) for fault in faults),
        "replaced_s": round(median(replaced or HANG_S for _, _, replaced in killed), 1),
        **faults_p99(answers, faults),
    }
    outcome.require_zero(
        not_200=not_200(answers), partial_answers=len(partial(answers)), never_replaced=lacking
    )
    before, during = (outcome.figures[f"p99_{name}_ms"] for name in ("before", "during"))
    assert isinstance(before, float)
    assert isinstance(during, float)
    outcome.require("p99 during the fault", f"at most 2 × {before} ms", during, during <= 2 * before)


def run_s3(place: Place, outcome: Outcome) -> None:
    """SIGSTOP one of two replicas of one shard, which then hangs for good."""
    hang_s = HANG_S if not place.quick else 30.0
    with (
        remote_service(shop_of(place), place.folder, "--shard-replicas", "2") as service,
        loaded(service, place.folder) as load,
    ):
        time.sleep(BEFORE_S)
        old = load.replicas("shard-0")
        struck = kill(old[:1], signal.SIGSTOP)
        replaced_s = 0.0
        while time.monotonic() - struck < hang_s:
            time.sleep(0.5)
            if not replaced_s and len(set(load.replicas("shard-0")) - {old[0]}) >= 2:
                replaced_s = round(time.monotonic() - struck, 1)
        answers = load.stop()
        kill(old[:1], signal.SIGKILL)
    _tell(outcome, answers, struck, kills=0)
    shown = between(answers, struck, float("inf"))
    slow = sum(one.latency_ms > DEADLINE_MS for one in shown)
    outcome.figures |= {
        "partial answers %": round(100 * len(partial(shown)) / len(shown), 2),
        "replaced after s": replaced_s,
        "slowest_ms": max(one.latency_ms for one in shown),
    }
    outcome.require_zero(not_200=not_200(answers), answers_over_the_deadline=slow)
    outcome.require("the replica is replaced", "yes", replaced_s or "no", replaced_s > 0)
    _require_healed(outcome, answers)


def run_s4(place: Place, outcome: Outcome) -> None:
    """SIGKILL every shard."""
    with remote_service(shop_of(place), place.folder) as service, loaded(service, place.folder) as load:
        time.sleep(BEFORE_S)
        pids = [pid for number in range(NUM_SHARDS) for pid in load.replicas(f"shard-{number}")]
        struck = kill(pids)
        time.sleep(WATCH_S)
        answers = load.stop()
    _tell(outcome, answers, struck, kills=len(pids))
    dark = [one for one in between(answers, struck, float("inf")) if one.ratio == 0.0 and one.status == 200]
    outcome.figures |= {
        "answers without any shard": len(dark),
        "of them empty": sum(one.num_items == 0 for one in dark),
        "their p50 ms": percentile_ms(dark, 50),
        "their p99 ms": percentile_ms(dark, 99),
    }
    p50 = percentile_ms(dark, 50)
    outcome.require(
        "a fallback list's p50", f"at most {FALLBACK_MS:g} ms", p50, bool(dark) and p50 <= FALLBACK_MS
    )
    _require_healed(outcome, answers)


def _kill_one_of_two(load: Loaded) -> tuple[float, float, float | None]:
    """When one replica was killed, when all was as before, and after how many seconds another was there.

    None where no other came. Then the load goes on for long.

    The process is there before its shard is loaded: killing the old one then would leave none.
    """
    old = load.replicas("shard-0")
    struck = kill(old[:1])
    replaced: float | None = None
    while replaced is None and time.monotonic() - struck < HANG_S:
        time.sleep(0.2)
        if len(set(load.replicas("shard-0")) - {old[0]}) >= 2:
            replaced = time.monotonic() - struck
    time.sleep(LOADED_S)
    whole = time.monotonic()
    time.sleep(BEFORE_S)
    return struck, whole, replaced


def _busy() -> float:
    """Seconds that the machine's cores have worked since it started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _tell(outcome: Outcome, answers: list[Answer], struck: float, kills: int) -> None:
    recovery = recovery_s(answers, struck)
    outcome.figures |= {
        "kills": kills,
        "requests": len(answers),
        "success %": round(100 - 100 * not_200(answers) / len(answers), 3),
        "statuses": statuses(answers),
        "partial": len(partial(answers)),
        "reasons": reasons(answers),
        "degraded_s": degraded_s(answers),
        "recovery_s": recovery,
        **three_p99(answers, struck, struck + max(recovery, 5.0)),
    }


def _require_healed(outcome: Outcome, answers: list[Answer]) -> None:
    last = answers[-40:]
    whole = not not_200(last) and not partial(last)
    outcome.require("the last 40 answers are whole", "yes", "yes" if whole else "no", whole)
    recovery = outcome.figures["recovery_s"]
    assert isinstance(recovery, float)
    outcome.require("recovery", f"at most {HEALED_S:g} s", recovery, recovery <= HEALED_S)
