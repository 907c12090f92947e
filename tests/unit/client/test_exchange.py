"""Attempts, pauses and the deadline against a clock that only the test moves."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.client import ClientConfig, errors
from recsys.client.call import Call
from recsys.client.exchange import Attempt, Pause, Received, Told, Unanswered, exchange
from recsys.client.routes import catalog, controls, events, listings, operations
from recsys.errors import AccessError, ConflictError, InputError, NotFoundError, OverloadedError
from tests.unit.serve_app.clock import Clock

OK = Received(200, {}, b'{"status": "ok"}')
LOST = Unanswered(ConnectionResetError("reset"), late=False, sent=True)
REFUSED = Unanswered(ConnectionRefusedError("refused"), late=False, sent=False)
TARDY = Unanswered(TimeoutError(), late=True, sent=True)


def status(number: int, **headers: str) -> Received:
    body = {"type": "StoreError", "message": "not now", "request_id": "theirs"}
    return Received(number, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode())


@dataclass
class Played:
    attempts: list[Attempt] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    answer: Any = None
    error: errors.ServiceError | None = None
    took_s: float = 0.0


def play(call: Call[Any], outcomes: list[Told], config: ClientConfig, attempt_s: float = 0.0) -> Played:
    """What the exchange does when attempts end like `outcomes`, the last one for ever."""
    clock, played = Clock(), Played()
    steps = exchange(call, config, {"accept": "x"}, clock, random.Random(7))
    told: Told = None
    try:
        while True:
            step = steps.send(told)
            if isinstance(step, Pause):
                played.pauses.append(step.seconds)
                clock.now += step.seconds
                told = None
            else:
                told = outcomes[min(len(played.attempts), len(outcomes) - 1)]
                played.attempts.append(step)
                clock.now += min(attempt_s, step.timeout_s)
    except StopIteration as end:
        played.answer = end.value
    except errors.ServiceError as error:
        played.error = error
    played.took_s = clock.now
    return played


OUTCOMES = st.sampled_from(
    [OK, LOST, REFUSED, TARDY, status(503), status(429, retry_after="2"), status(404), status(500)]
)
CALLS = [
    operations.healthy(),
    operations.ask_job("embed"),
    catalog.delete_item("a"),
    controls.put_decision("rules", "r", {}, revision=3),
]


@given(
    st.lists(OUTCOMES, min_size=1, max_size=8),
    st.sampled_from(CALLS),
    st.integers(1, 6),
    st.floats(0.01, 30.0),
    st.floats(0.0, 10.0),
)
def test_no_call_outlives_its_deadline_its_attempts_or_its_right_to_be_repeated(
    outcomes: list[Told], call: Call[Any], most: int, deadline_s: float, attempt_s: float
) -> None:
    call = replace(call, read=bytes.decode)
    config = ClientConfig(max_attempts=most, deadline_s=deadline_s, timeout_s=4.0)
    played = play(call, outcomes, config, attempt_s)
    assert len(played.attempts) <= most
    assert played.took_s <= deadline_s + 1e-3 * most + 1e-9
    assert len({one.headers["x-request-id"] for one in played.attempts}) == 1
    assert {one.call.body for one in played.attempts} == {call.body}
    if not call.repeatable:  # whatever may have arrived is not sent again
        assert all(outcomes[min(n, len(outcomes) - 1)] is REFUSED for n in range(len(played.attempts) - 1))
    assert (played.error is None) == (outcomes[min(len(played.attempts), len(outcomes)) - 1] is OK)


@pytest.mark.parametrize(
    "failure", [LOST, REFUSED, TARDY, status(503), status(429), status(502), status(504)]
)
def test_what_may_pass_is_tried_again(failure: Told) -> None:
    played = play(operations.healthy(), [failure, failure, OK], ClientConfig())
    assert played.answer is True
    assert len(played.attempts) == 3
    first, second = played.pauses
    assert 0.05 <= first <= 0.1 <= second <= 0.2


def test_the_pause_that_the_service_asks_for_is_kept() -> None:
    assert play(operations.healthy(), [status(503, retry_after="3"), OK], ClientConfig()).pauses[0] >= 3.0
    dated = status(503, retry_after="Fri, 31 Dec 1999 23:59:59 GMT")
    assert play(operations.healthy(), [dated, OK], ClientConfig()).pauses[0] < 0.1
    assert play(operations.healthy(), [status(503, retry_after="soon"), OK], ClientConfig()).answer is True


def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    played = play(operations.healthy(), [status(503, retry_after="60"), OK], ClientConfig(deadline_s=20))
    assert (played.pauses, played.took_s) == ([], 0.0)
    assert isinstance(played.error, errors.BusyError)
    assert played.error.refusal.retry_after_s == 60.0


@pytest.mark.parametrize(
    ("told", "kind", "also"),
    [
        (status(401), errors.KeyRefusedError, AccessError),
        (status(403), errors.KeyRefusedError, AccessError),
        (status(404), errors.MissingError, NotFoundError),
        (status(409), errors.ChangedError, ConflictError),
        (status(413), errors.RefusedError, InputError),
        (status(422), errors.RefusedError, InputError),
        (status(429), errors.BusyError, OverloadedError),
        (status(503), errors.BusyError, OverloadedError),
        (status(500), errors.BrokenAnswerError, errors.ServiceError),
        (status(302), errors.BrokenAnswerError, errors.ServiceError),
        (Received(200, {}, b"<html>"), errors.BrokenAnswerError, errors.ServiceError),
        (LOST, errors.UnreachableError, errors.ServiceError),
        (TARDY, errors.LateError, errors.UnreachableError),
    ],
)
def test_every_end_has_its_error(told: Told, kind: type[Exception], also: type[Exception]) -> None:
    played = play(operations.index(), [told], ClientConfig(max_attempts=1))
    assert type(played.error) is kind
    assert isinstance(played.error, also)
    again = pickle.loads(pickle.dumps(played.error))  # noqa: S301  # errors cross processes
    assert (type(again), str(again), again.refusal) == (kind, str(played.error), played.error.refusal)


def test_an_error_keeps_what_the_problem_body_says() -> None:
    body = {"type": "FilterError", "message": "no such field", "field": "filter", "request_id": "r-1"}
    told = Received(422, {}, json.dumps(body).encode())
    error = play(listings.search(text="x"), [told], ClientConfig()).error
    assert error is not None
    assert error.refusal == errors.Refusal("r-1", 422, "FilterError", "filter")
    assert str(error) == "no such field; found HTTP 422 FilterError; in /v1/search, request r-1"


def test_where_nobody_answers_the_clients_own_request_id_is_told() -> None:
    played = play(operations.index(), [LOST], ClientConfig(max_attempts=1))
    assert played.error is not None
    assert played.error.request_id == played.attempts[0].headers["x-request-id"]


def test_a_page_of_a_proxy_is_cut() -> None:
    error = play(operations.index(), [Received(500, {}, b"x" * 10_000)], ClientConfig()).error
    assert error is not None
    assert len(str(error)) < 400


def test_not_ready_is_an_answer() -> None:
    loading = Received(503, {}, b'{"status":"loading"}')
    assert play(operations.ready(), [loading], ClientConfig()).answer is False
    assert play(operations.ready(), [Received(200, {}, b'{"status":"ready"}')], ClientConfig()).answer is True


def test_events_are_given_ids_and_times_once() -> None:
    call = events.put_events([{"user_id": "u", "item_id": "i", "event_type": "view"}] * 2)
    rows = json.loads(call.body or b"")["events"]
    assert len({row["event_id"] for row in rows}) == 2
    assert all(row["occurred_at"] for row in rows)
    mine = {"event_id": "mine", "user_id": "u", "item_id": "i", "event_type": "view"}
    assert json.loads(events.put_events([mine]).body or b"")["events"][0]["event_id"] == "mine"


def test_what_is_no_request_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InputError, match=r"in n$"):
        listings.recommend(user_id="u", n=0)
    with pytest.raises(InputError, match="not_a_field"):
        events.put_events([{"not_a_field": 1}])
    with pytest.raises(InputError, match="event_type"):
        events.put_events([{"item_id": "i"}])
    with pytest.raises(InputError):
        events.put_events([])


def test_ids_cannot_leave_their_place_in_a_path() -> None:
    assert catalog.item("../a b/?é#").path == "/v1/items/..%2Fa%20b%2F%3F%C3%A9%23"
