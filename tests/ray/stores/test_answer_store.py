"""The log of answers and the board of replicas, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cluster.answer_store import AnswerStore
from cluster.answer_tables import METADATA
from cluster.replica_board import FORGOTTEN_AFTER_US, ReplicaBoard, ReplicaState, VersionCounts
from cluster.serving_database import open_serving_database
from recsys.answer_record import AnswerRecord, Explored


@pytest.fixture(params=["sqlite", "postgresql"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of serving's own."""
    url = f"sqlite:///{tmp_path}/serving.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = open_serving_database(url)
    yield opened
    METADATA.drop_all(opened)
    opened.dispose()


def answer(number: int) -> AnswerRecord:
    """An answer with everything in it."""
    explored = Explored(2, ("b", "c"), (0.25, 0.75), "c") if number % 2 else None
    head = (f"r{number}", 1_000 + number, "user:\u00e9", "home", "v1")
    return AnswerRecord(*head, ("a", "c"), {"exp": "B"}, {"a": "B"}, explored, ("fallback",))


def test_answers_are_read_back_as_they_were_given(serving: Engine) -> None:
    store, given = AnswerStore(serving), [answer(number) for number in range(5)]
    store.append(given)
    store.append([])
    store.append(given[:2])  # sent again after an error: once in the log
    assert list(store.scan()) == given
    assert store.get(["r1", "r4", "r9"]) == {"r1": given[1], "r4": given[4]}
    assert given[1].explored is not None
    assert given[1].explored.propensity == 0.75


def test_a_scan_keeps_to_its_times_and_old_answers_can_be_forgotten(serving: Engine) -> None:
    store = AnswerStore(serving)
    store.append([answer(number) for number in range(10)])
    assert [one.recommendation_id for one in store.scan(1_003, 1_006)] == ["r3", "r4", "r5"]
    assert (store.remove_before(1_008), store.count()) == (8, 2)


def test_a_scan_of_many_pages_is_whole(serving: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.answer_store.SCAN_ROWS", 3)
    monkeypatch.setattr("cluster.answer_store.IDS_PER_QUERY", 2)
    store, given = AnswerStore(serving), [answer(number) for number in range(7)]
    store.append(given)
    assert list(store.scan()) == given
    assert list(store.get([one.recommendation_id for one in given]).values()) == given


def test_the_board_adds_up_versions_and_forgets_who_left(serving: Engine) -> None:
    board = ReplicaBoard(serving)
    first = ReplicaState("a", 1, "v2", ("v1", "v2"), {"v0": "torn"}, {"v1": VersionCounts(10, 1, 2, 3)})
    second = ReplicaState("b", 7, "v1", ("v1",), {}, {"v1": VersionCounts(5), "v2": VersionCounts(1, 1)})
    board.report(ReplicaState("a", 0, "v1"), 5)
    board.report(first, 10)
    board.report(second, 11)
    assert board.states() == {"a": first, "b": second}
    assert board.counts() == {"v1": VersionCounts(15, 1, 2, 3), "v2": VersionCounts(1, 1)}
    board.leave("a")
    assert set(board.states()) == {"b"}
    board.report(first, 12 + FORGOTTEN_AFTER_US)
    assert set(board.states()) == {"a"}
