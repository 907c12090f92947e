"""S9: the way between the ingress and one shard is cut, slow, or loses calls or answers."""

from __future__ import annotations

import time

from tests.chaos.figures import between, degraded_s, not_200, partial, percentile_ms, reasons, recovery_s
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, loaded, shop_of, slow_service
from tests.chaos.slow_shard import Orders

FAULT_S, HEAL_S = 15.0, 8.0
DEADLINE_MS = 1_200.0
"""A list asks shards up to three times in a row, each time for 0.3 s at the most, on a busy machine."""
FAULTS = {
    "cut off": Orders(0, lost_calls=1.0),
    "answers cut off": Orders(0, lost_answers=1.0),
    "500 ms late": Orders(0, delay_s=0.5),
    "5 % of calls lost": Orders(0, lost_calls=0.05),
}


def run(place: Place, outcome: Outcome) -> None:
    """Four faults one after the other, with time to heal between them."""
    workspace = shop_of(place)
    spans: dict[str, tuple[float, float]] = {}
    with slow_service(workspace, place.folder) as service, loaded(service, place.folder) as load:
        time.sleep(BEFORE_S)
        for name, orders in FAULTS.items():
            orders.give(workspace.root)
            begun = time.monotonic()
            time.sleep(FAULT_S)
            Orders().give(workspace.root)
            spans[name] = begun, time.monotonic()
            time.sleep(HEAL_S)
        answers = load.stop()
    first = min(begun for begun, _ in spans.values())
    outcome.figures["requests"] = len(answers)
    outcome.figures["p99_before_ms"] = percentile_ms(between(answers, 0.0, first), 99)
    hidden = slow = 0
    for name, (begun, ended) in spans.items():
        during = between(answers, begun, ended)
        hidden += sum(not one.degraded for one in partial(during))
        slow += sum(one.latency_ms > DEADLINE_MS for one in during)
        outcome.figures |= {
            f"{name}: partial %": round(100 * len(partial(during)) / len(during), 1),
            f"{name}: p99 ms": percentile_ms(during, 99),
        }
    last_end = spans["5 % of calls lost"][1]
    outcome.figures |= {
        "reasons": reasons(answers),
        "p99_during_ms": max(float(outcome.figures[f"{name}: p99 ms"]) for name in FAULTS),
        "p99_after_ms": percentile_ms(between(answers, last_end + 2.0, float("inf")), 99),
        "degraded_s": degraded_s(answers),
        "recovery_s": recovery_s(answers, last_end),
    }
    outcome.require_zero(not_200=not_200(answers), partial_without_a_reason=hidden, over_the_deadline=slow)
    for name in ("cut off", "answers cut off", "500 ms late"):
        found = float(outcome.figures[f"{name}: partial %"])
        outcome.require(f"{name}: partial answers", "nearly all", found, found > 90.0)
    healed = float(outcome.figures["recovery_s"])
    outcome.require("whole again", "within 5 s", healed, healed <= 5.0)
    outcome.notes.append(
        "Calls are delayed and lost at the shard's own edge, in its process: the kernel here has no network "
        "emulation, and a shard's gRPC port is not the service's to give to a proxy."
    )
