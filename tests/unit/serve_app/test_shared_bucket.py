"""A rate that several replicas keep together: beside a plain token bucket, and over processes."""

from __future__ import annotations

import multiprocessing
import struct
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.access import RateLimit
from serve_app.shared_bucket import SharedBucket

FEW = settings(max_examples=50, deadline=None)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@FEW
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 8.0]), st.integers(0, 2)), max_size=60),
)
def test_three_replicas_admit_what_one_token_bucket_admits(
    tmp_path_factory: object, burst: int, asked: list[tuple[float, int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("rates")  # type: ignore[attr-defined]
    clock, rate = Clock(), RateLimit(2.0, burst)
    replicas = [SharedBucket(folder / "key.rate", rate, clock) for _ in range(3)]
    tokens = float(burst)
    for pause, replica in asked:
        clock.now += pause
        tokens = min(float(burst), tokens + 2.0 * pause)
        wait = replicas[replica].take()
        assert (wait == 0.0) == (tokens >= 1.0)
        if wait == 0.0:
            tokens -= 1.0
        else:
            assert abs(wait - (1.0 - tokens) / 2.0) < 1e-6
    for bucket in replicas:
        bucket.close()


def test_a_file_of_another_life_of_the_machine_does_not_lock_out(tmp_path: Path) -> None:
    for left in (1e12, -1e12, float("nan"), float("inf")):
        file = tmp_path / "key.rate"
        file.write_bytes(struct.pack("<d", left))
        bucket = SharedBucket(file, RateLimit(1.0, 2), Clock())
        assert [bucket.take() == 0.0 for _ in range(3)] == [True, True, False]
        bucket.close()
        file.unlink()


def _take(file: Path, times: int) -> int:
    bucket = SharedBucket(file, RateLimit(0.001, 100))
    return sum(bucket.take() == 0.0 for _ in range(times))


def test_processes_that_take_at_once_get_no_more_than_the_burst(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        taken = pool.starmap(_take, [(tmp_path / "key.rate", 60)] * 4)
    assert sum(taken) == 100
