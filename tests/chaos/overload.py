"""S11: three times as many requests as the service can answer, for a minute."""

from __future__ import annotations

import threading
import time

from jobs.bench.processes import descendants, memory_of
from jobs.bench.service import Service
from recsys.errors import ConfigError
from tests.chaos.figures import between, not_200, percentile_ms, statuses
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import inline_service, loaded, shop_of

CALM_RATE = 10.0
STEP_S, OVER_S, AFTER_S = 6.0, 60.0, 30.0
RATES = (40.0, 60.0, 90.0, 130.0, 190.0, 280.0, 400.0, 600.0)
KEPT = 0.9
"""Share of requests answered up to which a rate counts as bearable."""
GOODPUT_SHARE, MOST_GROWTH = 0.9, 1.5
IN_TIME_MS = 2_000.0


def run(place: Place, outcome: Outcome) -> None:
    """Find what the service can answer, send three times that, then go back to a calm rate."""
    workspace = shop_of(place)
    with inline_service(workspace, place.folder, "--recommenders", "1") as service:
        with loaded(service, place.folder / "calm", CALM_RATE) as calm:
            time.sleep(STEP_S)
            before = calm.stop()
        capacity = _capacity(service, place)
        memory = _Memory(service)
        with loaded(service, place.folder / "over", 3 * capacity, warm=False) as load:
            begun = time.monotonic()
            time.sleep(place.times(int(OVER_S), 15))
            ended = time.monotonic()
            over = load.stop()
        peak = memory.stop()
        with loaded(service, place.folder / "after", CALM_RATE, warm=False) as load:
            back = time.monotonic()
            time.sleep(AFTER_S)
            after = load.stop()
    _tell(outcome, capacity, between(over, begun + 2.0, ended), ended - begun - 2.0)
    normal_s = _normal_after(after, percentile_ms(before, 99)) - back
    growth = round(peak / memory.first, 2)
    outcome.figures |= {
        "p99_before_ms": percentile_ms(before, 99),
        "p99_during_ms": percentile_ms([one for one in over if one.status == 200], 99),
        "p99_after_ms": percentile_ms(between(after, back + normal_s + 1.0, float("inf")), 99),
        "recovery_s": round(max(0.0, normal_s), 1),
        "memory at its peak / before": growth,
    }
    outcome.require("memory", f"at most {MOST_GROWTH:g} × before", growth, growth <= MOST_GROWTH)
    outcome.require("normal again", "within 30 s", round(normal_s, 1), normal_s <= AFTER_S)
    outcome.require_zero(without_a_200_after=not_200(after))


def _capacity(service: Service, place: Place) -> float:
    """The highest goodput of rising rates."""
    best = 0.0
    for rate in RATES:
        with loaded(service, place.folder / f"rate-{rate:g}", rate, warm=False) as load:
            begun = time.monotonic()
            time.sleep(STEP_S)
            ended = time.monotonic()
            answers = between(load.stop(), begun, ended)
        goodput = _good(answers) / (ended - begun)
        place.say(f"{rate:g}/s asked, {goodput:.0f}/s answered in time, {statuses(answers)}")
        best = max(best, goodput)
        if goodput < KEPT * rate:
            return best
    return best


def _good(answers: list[Answer]) -> int:
    return sum(one.status == 200 and one.latency_ms <= IN_TIME_MS for one in answers)


def _tell(outcome: Outcome, capacity: float, over: list[Answer], seconds: float) -> None:
    goodput = _good(over) / seconds
    shed = [one for one in over if one.status in (429, 503)]
    outcome.figures |= {
        "capacity 1/s": round(capacity, 1),
        "asked 1/s": round(len(over) / seconds, 1),
        "goodput 1/s": round(goodput, 1),
        "statuses": statuses(over),
        "shed": len(shed),
    }
    share = round(goodput / capacity, 2)
    outcome.require("goodput", f"at least {GOODPUT_SHARE:g} × capacity", share, share >= GOODPUT_SHARE)
    outcome.require("requests shed", "some", len(shed), bool(shed))
    outcome.require_zero(
        shed_without_retry_after=sum(not one.retry_after for one in shed),
        other_failures=sum(one.status not in (200, 429, 503) for one in over),
    )


def _normal_after(after: list[Answer], normal_ms: float) -> float:
    """When the last answer came that was no 200 or slower than twice the calm p99."""
    slow = [one.at_s for one in after if one.status != 200 or one.latency_ms > 2 * normal_ms]
    return slow[-1] if slow else after[0].at_s


class _Memory:
    """Own pages of all processes of a service, looked at twice a second."""

    def __init__(self, service: Service) -> None:
        self._service, self._stop = service, threading.Event()
        self.first = self._peak = self._now()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The highest sum seen, bytes."""
        self._stop.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self._peak = max(self._peak, self._now())

    def _now(self) -> int:
        return sum(_own(pid) for pid in [self._service.pid, *descendants(self._service.pid)])


def _own(pid: int) -> int:
    try:
        return memory_of(pid).own
    except (ConfigError, ProcessLookupError, KeyError, IndexError):
        return 0
