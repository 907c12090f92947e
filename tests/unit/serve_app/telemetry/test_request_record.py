"""Which request ids are taken over, and that what is told of a request belongs to it alone."""

from __future__ import annotations

import asyncio
import traceback
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import InputError, StoreError
from serve_app.telemetry import RequestRecord, carried, continued, current_request, request_in_hand
from serve_app.telemetry.request_record import request_id_of

NOT_MACHINES = ("", "anna@example.org", "anna-example", "+49 170 1234567", "4111-1111-1111-1111", "a" * 65)


@given(st.uuids())
def test_ids_that_machines_draw_are_taken_over(drawn: uuid.UUID) -> None:
    assert request_id_of(str(drawn)) == str(drawn)
    assert request_id_of(drawn.hex) == drawn.hex


@pytest.mark.parametrize("given_id", NOT_MACHINES)
def test_what_may_be_a_persons_is_replaced(given_id: str) -> None:
    assert request_id_of(given_id) != given_id


@given(st.text() | st.none())
def test_an_id_never_breaks_a_header_or_a_line(given_id: str | None) -> None:
    made = request_id_of(given_id)
    assert 20 <= len(made) <= 64
    assert made.isascii()
    assert made.replace("-", "").isalnum()


def test_requests_at_the_same_time_keep_their_own_records() -> None:
    async def worked_on(number: int) -> tuple[str, str]:
        with request_in_hand(RequestRecord(f"id-{number}")):
            await asyncio.sleep(0)
            inside = await asyncio.create_task(seen())
            await asyncio.to_thread(lambda: None)
            return inside, await seen()

    async def seen() -> str:
        record = current_request()
        assert record is not None
        return record.request_id

    async def run() -> list[tuple[str, str]]:
        return await asyncio.gather(*(worked_on(number) for number in range(20)))

    assert asyncio.run(run()) == [(f"id-{number}",) * 2 for number in range(20)]
    assert current_request() is None


def test_a_record_keeps_the_worst_of_its_lists() -> None:
    record = RequestRecord("id")
    record.note_list("v1", 1.0, ())
    record.note_list("v1", 0.5, ("shard_down",))
    record.note_list("v1", 0.75, ("timeout", "shard_down"))
    assert (record.coverage, record.degraded) == (0.5, {"shard_down", "timeout"})


def test_a_called_method_works_under_the_callers_id_and_takes_no_argument_more() -> None:
    class Server:
        @continued("server.ask")
        async def ask(self, number: int) -> tuple[int, str | None]:
            record = current_request()
            return number, record.request_id if record else None

    async def run() -> list[tuple[int, str | None]]:
        with request_in_hand(RequestRecord("id-7")):
            sent = carried()
        return [await Server().ask(1), await Server().ask(2, carried=sent), await Server().ask(3)]

    assert asyncio.run(run()) == [(1, None), (2, "id-7"), (3, None)]
    assert carried() == {}


def test_what_a_called_method_fails_with_is_passed_on_without_what_it_quotes() -> None:
    async def fail(error: Exception) -> None:
        @continued("server.ask")
        async def ask() -> None:
            raise error

        await ask()

    for passed in (InputError("bad"), StoreError("away"), TimeoutError("late")):
        with pytest.raises(type(passed), match=str(passed)):
            asyncio.run(fail(passed))
    person = "-".join(("user", "anna"))  # the whole name is in no line of code that a traceback shows
    with pytest.raises(RuntimeError, match=r"^server.ask failed: KeyError$") as caught:
        asyncio.run(fail(KeyError(person)))
    assert person not in "".join(traceback.format_exception(caught.value))
