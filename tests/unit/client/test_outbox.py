"""The queue of events: any course of sending and failing settles each event once, in order."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recsys.client import Refusal, ServiceError
from recsys.client.outbox import Outbox, SenderConfig, UnsentEventsError
from recsys.payloads import EventsAck, Rejection
from tests.unit.serve_app.clock import Clock

ACTS = st.lists(st.sampled_from(["put", "take", "taken", "lost", "refused"]), max_size=80)


def ack(*rejected: int) -> EventsAck:
    rows = [Rejection(row=row, reason="bad", detail="-") for row in rejected]
    return EventsAck(appended=1, duplicates=0, erased=0, unknown_items=0, rejected=rows)


def failure(status: int | None) -> ServiceError:
    return ServiceError("no", Refusal("r", status))


@given(ACTS, st.integers(1, 5))
def test_each_event_is_settled_once_and_in_order(acts: list[str], batch: int) -> None:
    refused: list[str] = []
    box = Outbox(SenderConfig(max_batch=batch), Clock(), lambda row, why: refused.append(row["event_id"]))
    put: list[str] = []
    settled: list[str] = []
    under_way: list[dict[str, Any]] = []
    for act in acts:
        if act == "put":
            put.append(str(len(put)))
            box.put({"event_id": put[-1]})
        elif act == "take" and not under_way:
            under_way = box.take()
            assert len(under_way) <= batch
        elif under_way:
            if act == "taken":
                box.taken(ack())
                settled += [row["event_id"] for row in under_way]
            else:
                single = act == "refused" and len(under_way) == 1
                pause_s = box.failed(failure(422 if act == "refused" else 503))
                assert (pause_s == 0.0) == (act == "refused")
                settled += [row["event_id"] for row in under_way] if single else []
            under_way = []
        assert settled + [row["event_id"] for row in box.unsent] == put
    assert set(refused) <= set(settled)
    assert box.counts.taken + box.counts.rejected == len(settled)


def test_a_batch_is_due_by_size_by_age_and_when_it_is_wanted() -> None:
    clock = Clock()
    box = Outbox(SenderConfig(max_batch=3, max_age_s=2.0), clock)
    assert box.due_in_s() is None
    box.put({"event_id": "1"})
    clock.now += 0.5
    box.put({"event_id": "2"})
    assert box.due_in_s() == 1.5
    mark = box.want_all()
    assert box.due_in_s() == 0.0
    assert not box.reached(mark)
    box.take()
    box.taken(ack())
    assert box.reached(mark)
    box.put({"event_id": "3"})
    assert box.due_in_s() == 2.0
    clock.now += 2.0
    assert box.due_in_s() == 0.0


def test_the_row_that_is_to_blame_is_found_and_the_others_are_taken() -> None:
    refused: list[tuple[str, str]] = []
    box = Outbox(SenderConfig(max_batch=8), Clock(), lambda row, why: refused.append((row["event_id"], why)))
    for number in range(8):
        box.put({"event_id": str(number)})
    sent = 0
    while rows := box.take():
        sent += 1
        bad = any(row["event_id"] == "5" for row in rows)
        if bad:
            box.failed(failure(413))
        else:
            box.taken(ack())
    assert refused == [("5", "no")]
    assert (box.counts.taken, box.counts.rejected) == (7, 1)
    assert sent <= 12


def test_rows_that_the_service_names_are_rejected_alone() -> None:
    refused: list[tuple[str, str]] = []
    box = Outbox(SenderConfig(), Clock(), lambda row, why: refused.append((row["event_id"], why)))
    for number in range(3):
        box.put({"event_id": str(number)})
    box.take()
    box.taken(ack(1))
    assert refused == [("1", "bad: -")]
    assert (box.counts.taken, box.counts.rejected, box.unsent) == (2, 1, [])


def test_pauses_double_until_a_batch_is_taken() -> None:
    box = Outbox(SenderConfig(first_pause_s=1.0, most_pause_s=3.0), Clock())
    box.put({"event_id": "1"})
    pauses = []
    for _ in range(3):
        box.take()
        pauses.append(box.failed(failure(None)))
    assert pauses == [1.0, 2.0, 3.0]
    assert box.error is not None
    box.take()
    box.taken(ack())
    assert box.error is None


def test_unsent_events_cross_processes() -> None:
    error = UnsentEventsError([{"event_id": "1"}], failure(503))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.events, str(again), again.error.status) == (error.events, str(error), 503)


def test_what_is_under_way_takes_room() -> None:
    box = Outbox(SenderConfig(capacity=1), Clock())
    box.put({"event_id": "1"})
    box.take()
    assert box.is_full
    box.taken(ack())
    assert not box.is_full
