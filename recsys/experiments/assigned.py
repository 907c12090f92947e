"""All experiments of one request together: what they change, and which of them collide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recsys.experiments.assignment import arm_of
from recsys.experiments.experiment import INTERLEAVED, Experiment


@dataclass(frozen=True)
class Assigned:
    """What experiments decide about one request."""

    arms: Mapping[str, str] = field(default_factory=dict)
    """Experiment -> arm, of those that hold; `INTERLEAVED` for the one that mixes both."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the scenario with the arms' values, together."""
    interleaved: Experiment | None = None
    """The experiment whose two arms are to be mixed in this list."""
    conflicts: tuple[str, ...] = ()
    """Experiments that the shopper was left out of, and why."""


def assignments(experiments: Iterable[Experiment], scenario: str, unit: str, now_us: int) -> Assigned:
    """The arms that hold for a request of `unit` (a shopper's key; nobody is in an experiment without one).

    Experiments come in the order of their ids. One that touches a field which an earlier one of this shopper
    touches as well, in whatever arm, leaves the shopper out and is named in `conflicts`. Since shoppers
    are left out whatever their arm would be, the later experiment stays a fair one with fewer shoppers.
    Only one experiment can interleave a list.
    """
    arms: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    held: list[Experiment] = []
    interleaved: Experiment | None = None
    conflicts: list[str] = []
    for experiment in _holding(experiments, scenario, now_us):
        arm = arm_of(experiment, unit) if unit else None
        if arm is None:
            continue
        if (why := next((why for other in held if (why := _clash(other, experiment))), None)) is not None:
            conflicts.append(why)
            continue
        held.append(experiment)
        if experiment.mode == "interleave":
            interleaved = experiment
            arms[experiment.experiment_id] = INTERLEAVED
        else:
            arms[experiment.experiment_id] = arm.name
            overrides |= arm.overrides
    return Assigned(arms, overrides, interleaved, tuple(conflicts))


def collisions(experiments: Sequence[Experiment], scenario: str, now_us: int) -> tuple[str, ...]:
    """What `assignments` could name for some shopper: each pair of experiments that shares a field."""
    holding = list(_holding(experiments, scenario, now_us))
    pairs = ((first, second) for place, second in enumerate(holding) for first in holding[:place])
    return tuple(why for first, second in pairs if (why := _clash(first, second)))


def _holding(experiments: Iterable[Experiment], scenario: str, now_us: int) -> Iterator[Experiment]:
    holding = [experiment for experiment in experiments if experiment.holds(scenario, now_us)]
    return iter(sorted(holding, key=lambda experiment: experiment.experiment_id))


def _clash(first: Experiment, second: Experiment) -> str | None:
    if first.mode == second.mode == "interleave":
        return f"{second.experiment_id}: {first.experiment_id} interleaves the same lists"
    theirs = sorted(_fields(first))
    for name in sorted(_fields(second)):
        other = next((other for other in theirs if _overlap(name, other)), None)
        if other is not None:
            return f"{second.experiment_id}: {first.experiment_id} overrides {other} as well"
    return None


def _fields(experiment: Experiment) -> set[str]:
    return {name for arm in experiment.arms for name in arm.overrides}


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")
