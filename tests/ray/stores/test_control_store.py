"""Decisions of people: durable, with revisions, every change in the audit log, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine

from cluster.control_store import ControlStore
from recsys.errors import ConflictError, InputError, NotFoundError


def test_documents_are_kept_by_kind_and_name(engine: Engine) -> None:
    store = ControlStore(engine)
    store.put("rule", "b", {"x": 1}, "ann")
    store.put("rule", "a", {"x": 2}, "ann")
    store.put("scenario", "a", {"x": 3}, "ann")
    assert [(one.name, one.body, one.revision) for one in store.all_of("rule")] == [
        ("a", {"x": 2}, 1),
        ("b", {"x": 1}, 1),
    ]
    assert store.get("scenario", "a").body == {"x": 3}
    with pytest.raises(NotFoundError):
        store.get("rule", "c")
    with pytest.raises(NotFoundError):
        store.delete("rule", "c", "ann")


def test_a_change_counts_up_and_no_change_does_not(engine: Engine) -> None:
    store = ControlStore(engine)
    seen = [store.last_seq()]
    for body in ({"x": 1}, {"x": 1}, {"x": 2}):
        store.put("rule", "a", body, "ann")
        seen.append(store.last_seq())
    assert [later - earlier for earlier, later in pairwise(seen)] == [1, 0, 1]
    store.delete("rule", "a", "bob", note="over")
    assert store.all_of("rule") == []
    assert store.put("rule", "a", {"x": 3}, "ann").revision == 4  # a revision never comes twice


def test_every_change_is_in_the_audit_log_with_what_it_was(engine: Engine) -> None:
    times = iter(range(10, 20))
    store = ControlStore(engine, lambda: next(times))
    store.put("rule", "a", {"x": 1}, "ann", note="first")
    store.put("rule", "a", {"x": 2}, "bob", action="approve")
    store.delete("rule", "a", "cay")
    log = store.audit()
    assert [(one.actor, one.action, one.before, one.after, one.note) for one in log] == [
        ("cay", "delete", {"x": 2}, None, ""),
        ("bob", "approve", {"x": 1}, {"x": 2}, ""),
        ("ann", "put", None, {"x": 1}, "first"),
    ]
    assert [one.at_us for one in log] == [12, 11, 10]
    assert [one.seq for one in store.audit(1, before_seq=log[0].seq)] == [log[1].seq]


def test_who_read_an_older_revision_does_not_overwrite(engine: Engine) -> None:
    store = ControlStore(engine)
    store.put("rule", "a", {"x": 1}, "ann", revision=0)
    with pytest.raises(ConflictError):
        store.put("rule", "a", {"x": 2}, "bob", revision=0)
    store.put("rule", "a", {"x": 2}, "bob", revision=1)
    with pytest.raises(ConflictError, match="found 2"):
        store.put("rule", "a", {"x": 3}, "ann", revision=1)


def test_of_many_at_once_one_wins_and_the_rest_are_told(engine: Engine) -> None:
    store = ControlStore(engine)
    store.put("rule", "a", {"x": -1}, "ann")

    def change(number: int) -> bool:
        try:
            store.put("rule", "a", {"x": number}, f"p{number}", revision=1)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(change, range(16))) == 1
    assert (store.get("rule", "a").revision, len(store.audit())) == (2, 2)


@pytest.mark.parametrize(
    ("name", "body", "actor"),
    [
        ("a\0b", {}, "ann"),
        ("a\ud800", {}, "ann"),
        ("a", {}, "ann\0"),
        ("a", {"x": float("nan")}, "ann"),
        ("a", {"x": object()}, "ann"),
    ],
)
def test_what_a_database_cannot_keep_is_the_callers_fault_and_leaves_no_trace(
    engine: Engine, name: str, body: dict[str, Any], actor: str
) -> None:
    store = ControlStore(engine)
    with pytest.raises(InputError):
        store.put("rule", name, body, actor)
    assert (store.all_of("rule"), store.audit(), store.last_seq()) == ([], [], 0)


def test_any_text_of_a_body_comes_back_as_it_was(engine: Engine) -> None:
    body = {"t": "\0 \ud800 \u00e9 \U0001f600", "n": [1, 2.5, None, True], "deep": {"b": 1, "a": 2}}
    ControlStore(engine).put("rule", "caf\u00e9/\U0001f600", body, "ann")
    assert ControlStore(engine).get("rule", "caf\u00e9/\U0001f600").body == body


def test_a_change_and_its_audit_row_are_there_both_or_not_at_all(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ControlStore(engine)
    store.put("rule", "a", {"x": 1}, "ann")

    def breaks(*_: object) -> None:
        raise RuntimeError("between the two")

    monkeypatch.setattr("cluster.control_store._audit", breaks)
    with pytest.raises(RuntimeError):
        store.put("rule", "a", {"x": 2}, "bob")
    with pytest.raises(RuntimeError):
        store.delete("rule", "a", "bob")
    assert (store.get("rule", "a").body, store.last_seq(), len(store.audit())) == ({"x": 1}, 1, 1)
