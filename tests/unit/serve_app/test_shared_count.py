"""A day's count that replicas keep together: beside a plain number, and over processes."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from serve_app.shared_count import Counts, SharedCount

FEW = settings(max_examples=50, deadline=None)
STEPS = st.one_of(
    st.tuples(st.just("take"), st.none() | st.integers(1, 12)),
    st.tuples(st.just("written"), st.integers(0, 9)),
    st.tuples(st.just("others"), st.integers(0, 9)),
)


@FEW
@given(st.lists(st.tuples(st.integers(0, 2), STEPS), max_size=40))
def test_three_replicas_count_as_one_number_does(
    tmp_path_factory: object, steps: list[tuple[int, tuple[str, int | None]]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("usage")  # type: ignore[attr-defined]
    replicas = [SharedCount(folder / "key-1") for _ in range(3)]
    plain = replicas[0].read()
    for replica, (what, value) in steps:
        count, own = replicas[replica], plain.own
        if what == "take":
            room = value is None or plain.own + plain.others < value
            own += room
            assert count.take(value) == (own + plain.others if room else None)
        else:
            count.note(**{what: value or 0})
        others = max(plain.others, (value or 0) if what == "others" else 0)
        written = max(plain.written, (value or 0) if what == "written" else 0)
        plain = Counts(plain.counter, own, written, others)
        assert [one.read() for one in replicas] == [plain] * 3
    for one in replicas:
        one.close()


def test_counters_of_two_machines_differ_and_one_machines_outlives_its_service(tmp_path: Path) -> None:
    first, other = SharedCount(tmp_path / "a" / "key-1"), SharedCount(tmp_path / "b" / "key-1")
    first.take(None)
    left = first.read()
    assert (left.own, left.counter != other.read().counter) == (1, True)
    first.close()
    assert SharedCount(tmp_path / "a" / "key-1").read() == left


MANY, QUOTA = 4_000, 15_000


def _take(file: Path) -> int:
    """As the others do, when all are there: processes take longer to start than to count."""
    count, ready = SharedCount(file), file.parent / "ready"
    ready.mkdir(exist_ok=True)
    (ready / str(os.getpid())).touch()
    while len(list(ready.iterdir())) < 4:
        os.sched_yield()
    return sum(count.take(QUOTA) is not None for _ in range(MANY))


def test_processes_that_count_at_once_lose_nothing_and_pass_no_quota(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        taken = [pool.apply_async(_take, (tmp_path / "key-1",)) for _ in range(4)]
        assert sum(one.get() for one in taken) == QUOTA
    assert SharedCount(tmp_path / "key-1").read().own == QUOTA
