"""The loop over real stores, with a runner that a test holds: leases, failures, requests, rollback, actor."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import ray

from cluster.database import open_database
from cluster.feedback_loop import FeedbackLoop
from cluster.job_runner import JobResult, ProcessRunner, last_row
from cluster.loop_actor import LoopActor, open_loop
from cluster.replica_board import ReplicaState, VersionCounts
from cluster.retention import Retention
from cluster.serving_database import open_serving_database
from recsys.config import RuntimeConfig
from recsys.errors import CapacityError
from recsys.feedback import Kind, KindConfig, LoopConfig, RunState, Trigger, VerdictConfig
from recsys.index import current_version, rollback
from recsys.index.manifest import MANIFEST
from recsys.index.seal import sealed
from tests.serve.conftest import SmallShop, make_small_shop

CONFIG = LoopConfig(
    period_s=1.0,
    poll_s=0.1,
    lease_s=1.0,
    fit=KindConfig(min_gap_s=0.0, min_events=10),
    verdict=VerdictConfig(min_requests=50),
)


class Runner:
    """Notes what it is asked to run and answers what it is told to."""

    def __init__(self, answer: Callable[[Sequence[str]], JobResult] | None = None) -> None:
        self.asked: list[str] = []
        self._answer = answer or (lambda arguments: JobResult(0, {"index_version": "v"}))

    def run(self, arguments: Sequence[str], log: Path, timeout_s: float) -> JobResult:
        self.asked.append(arguments[0])
        return self._answer(arguments)


@pytest.fixture
def shop(tmp_path: Path, tiny_bert: Path) -> SmallShop:
    return make_small_shop(tmp_path, tiny_bert, None)


def loop_of(shop: SmallShop, runner: Runner, **more: Any) -> FeedbackLoop:
    """A loop over the shop."""
    found = open_loop(RuntimeConfig(workspace=shop.workspace.root), CONFIG, runner)
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_events_make_the_loop_embed_and_fit_once_and_write_down_why(shop: SmallShop) -> None:
    runner = Runner()
    loop = loop_of(shop, runner)
    (ended,) = loop.step()
    assert runner.asked == ["embed", "fit", "map"]
    assert (ended.kind, ended.state, ended.trigger) == (Kind.FIT, RunState.SUCCEEDED, Trigger.POLICY)
    assert "has not learned from events" in ended.reasons[-1]
    assert ended.inputs["events_seq"] == shop.events.last_seq()
    time.sleep(1.1)
    assert loop.step() == []  # the same events are not learned from twice
    assert [run.state for run in loop.store.runs.newest(5)] == [RunState.SUCCEEDED]


@pytest.mark.parametrize("fails", ["exit", "no room"])
def test_a_map_that_is_not_drawn_is_told_and_the_run_has_succeeded(shop: SmallShop, fails: str) -> None:
    def answer(arguments: Sequence[str]) -> JobResult:
        if arguments[0] != "map":
            return JobResult(0, {"index_version": "new"})
        if fails == "exit":
            return JobResult(1, {}, "MemoryError: no room")
        raise CapacityError("Ray took no job", found="no room")

    (ended,) = loop_of(shop, Runner(answer)).step()
    assert (ended.state, ended.result["index_version"]) == (RunState.SUCCEEDED, "new")
    assert ended.result["map"].startswith("not drawn: ")
    assert "no room" in ended.result["map"]


def test_a_drawn_map_is_told_and_none_is_drawn_where_nothing_was_published(shop: SmallShop) -> None:
    published = current_version(shop.workspace)
    versions = iter([published, "new"])

    def answer(arguments: Sequence[str]) -> JobResult:
        if arguments[0] == "map":
            return JobResult(0, {"index_version": arguments[1], "points": 200, "agreement": 0.6})
        return JobResult(0, {"index_version": next(versions)} if arguments[0] == "index" else {})

    runner = Runner(answer)
    loop = loop_of(shop, runner)
    assert loop._has_lease()
    found = [loop.run(Kind.EMBED, Trigger.MANUAL, ("test",)).result for _ in range(2)]
    assert runner.asked == ["embed", "index", "embed", "index", "map"]
    assert [result["index_version"] for result in found] == [published, "new"]
    assert "map" not in found[0]
    assert found[1]["map"] == {"points": 200, "agreement": 0.6}


def test_a_refusal_a_failure_and_a_crash_are_told_apart(shop: SmallShop) -> None:
    answers = iter(
        [
            JobResult(3, {}, "GateError: the version is refused"),
            JobResult(1, {}, "Traceback: no space left"),
            JobResult(-9, {}, ""),
        ]
    )
    runner = Runner(lambda arguments: next(answers))
    loop = loop_of(shop, runner)
    assert loop._has_lease()
    states = [loop.run(Kind.EVALUATE, Trigger.MANUAL, ("test",)).state for _ in range(3)]
    assert states == [RunState.REFUSED, RunState.FAILED, RunState.FAILED]
    found = loop.store.runs.newest(3)
    assert "no space left" in found[1].result["error"]
    assert found[0].retry_at_s is not None


def test_events_of_a_fit_by_hand_are_known_unless_they_are_of_another_log(shop: SmallShop) -> None:
    observer = loop_of(shop, Runner()).observer
    manifest = observer.manifest()
    assert manifest is not None
    path, last = shop.workspace.index_version(manifest.index_version) / MANIFEST, observer.events.last_seq()
    for told, known in ((None, 0), (last - 1, last - 1), (last, last), (last + 1, 0)):
        path.write_bytes(sealed(manifest.model_copy(update={"events_seq": told}))[1])
        assert observer.observe(0.0, 0, None).fit_events_seq == known


def test_of_two_loops_one_works_and_the_other_takes_over_when_it_dies(shop: SmallShop) -> None:
    now = [0.0]
    first_runner, second_runner = Runner(), Runner()
    first = loop_of(shop, first_runner, monotonic=lambda: now[0])
    second = loop_of(shop, second_runner, monotonic=lambda: now[0])
    assert len(first.step()) == 1
    for _ in range(5):
        now[0] += 0.5
        first.step()
        assert second.step() == []
    unfinished = first._begun(Kind.FIT, Trigger.POLICY, ("dies",), 1)
    now[0] += 0.6
    second.step()  # sees the lease stand still
    now[0] += 1.5
    second.step()
    closed = second.store.runs.get(unfinished.run_id)
    assert (closed.state, closed.result["error"]) == (RunState.FAILED, "abandoned by its loop")
    assert first.step() == []


def test_people_are_answered_also_while_it_is_paused(shop: SmallShop) -> None:
    runner = Runner()
    loop = loop_of(shop, runner)
    loop.store.set_state("paused", True)
    assert loop.step() == []
    number = loop.store.requests.ask(Kind.EVALUATE, 1)
    (ended,) = loop.step()
    assert (ended.kind, ended.trigger) == (Kind.EVALUATE, Trigger.MANUAL)
    answered = loop.store.requests.get(number)
    assert answered is not None
    assert answered.answer["runs"] == [ended.run_id]


def test_a_version_that_fails_in_service_is_rolled_back_by_itself(shop: SmallShop) -> None:
    old = current_version(shop.workspace)
    shop.items.delete(["item-00003"])
    new = shop.index()
    runner = Runner(lambda arguments: JobResult(0, {"index_version": rollback(shop.workspace)}))
    loop = loop_of(shop, runner)
    loop.config = CONFIG.model_copy(update={"fit": KindConfig(on=False), "embed": KindConfig(on=False)})
    counts = {old: VersionCounts(1_000), new: VersionCounts(100, failures=60)}
    loop.board.report(ReplicaState("a", 1, new, (), {}, counts), 1)
    (ended,) = loop.step()
    assert (ended.kind, ended.state) == (Kind.ROLLBACK, RunState.SUCCEEDED)
    assert "60.0% of 100 requests failed" in ended.reasons[0]
    assert current_version(shop.workspace) == old
    assert loop.step() == []


def test_a_real_child_is_run_to_its_end_and_killed_at_its_limit(tmp_path: Path) -> None:
    steps = ("import sys, time", "sys.stderr.write('working\\n')", "print('{\"done\": 1}')")
    code = "; ".join([*steps, "time.sleep(float(sys.argv[1]))"])
    runner = ProcessRunner(RuntimeConfig(workspace=tmp_path), command=[sys.executable, "-c", code])
    good = runner.run(["0"], tmp_path / "loop" / "a.log", 60.0)
    assert (good.exit_code, good.row, good.tail) == (0, {"done": 1}, "working")
    assert "working" in (tmp_path / "loop" / "a.log").read_text()
    slow = runner.run(["600"], tmp_path / "loop" / "b.log", 1.0)
    assert slow.exit_code == -9
    assert last_row('noise\n{"a": 1}\n[2]\n') == {"a": 1}
    assert last_row(json.dumps([1])) == {}


def test_the_actor_turns_on_ray_and_stops(shop: SmallShop, ray_cluster: None) -> None:
    quiet = CONFIG.model_copy(update={"fit": KindConfig(on=False), "embed": KindConfig(on=False)})
    kind: Any = ray.remote(LoopActor)
    actor: Any = kind.remote(RuntimeConfig(workspace=shop.workspace.root), quiet)
    watched = loop_of(shop, Runner())
    for _ in range(300):
        if watched.store.leases.look("feedback-loop").holder:
            break
        time.sleep(0.1)
    assert ray.get(actor.alive.remote())
    ray.get(actor.stop.remote())
    assert watched.store.leases.look("feedback-loop").holder is None
    ray.kill(actor)


def test_the_loop_keeps_the_windows_of_peoples_data_once_a_day(shop: SmallShop) -> None:
    loop = loop_of(shop, Runner())
    assert loop.retention is not None
    engine = open_database(shop.workspace.database_url)
    serving = open_serving_database(f"sqlite:///{shop.workspace.serving_database}")
    before = shop.events.count()
    loop.store.set_state("paused", True)  # a pause is for learning; windows hold all the same
    loop.step()
    assert shop.events.count() == before > 0  # no window, no removal
    shop.workspace.privacy_settings.write_text('{"retention": {"event_days": 400}}')
    calls: list[int] = []
    loop.retention = Retention(shop.workspace, engine, serving, lambda: calls.append(1) or 2**52)  # type: ignore[func-returns-value]
    loop.step()
    assert shop.events.count() == 0
    asked = len(calls)
    loop.step()
    assert len(calls) == asked > 0
