"""Ray Tune around a search: Optuna proposes, trials run beside each other, an experiment can be resumed."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import ray
from ray import tune
from ray.tune.logger import JsonLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from recsys.errors import ConfigError, RecsysError, SignatureError
from recsys.signing import trusted_keys
from recsys.tuning.result import Trial
from recsys.tuning.space import Between, Space, inside

METRIC = "ndcg@10"
FOLDER_NAME = re.compile(r"\w+?_[0-9a-f]{6,}_(?P<number>\d+)_")
"""As Ray Tune calls a trial's folder: name, id, number, settings."""
Report = Callable[[dict[str, float]], None]
Objective = Callable[[Any, dict[str, Any], Report], None]
"""Of what is shared, the trial's settings, and a callable that takes its figures."""
ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # What a kill can lose; by itself Ray Tune writes its state every ten seconds at the most often.
    "TUNE_GLOBAL_CHECKPOINT_S": "1",
}


@dataclass(frozen=True, eq=False)
class Search:
    """What is tried, for how long, and where the experiment lies."""

    space: Space
    today: Mapping[str, Any]
    """The first trial."""
    folder: Path
    """Its last part is the experiment's name."""
    num_trials: int
    minutes: float | None
    """When no further trial is begun and running ones are ended; None: never."""
    seed: int
    max_epochs: int | None = None
    """With it trials that fall behind are stopped early (ASHA, Li et al. 2020)."""


def run_search(
    search: Search,
    objective: Objective,
    shared: Any,
    *,
    resume: bool,
    on_trial: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Trial, ...]:
    """Run the trials on the Ray that is connected; they come back in the order of their beginning.

    `objective` is called in a process of the trial's own with `shared` from the object store. With
    `resume` the experiment in the folder goes on: trials that ended or failed stay, others are begun
    again. Raises `ConfigError` for a folder without an experiment to resume, or with one and no wish to,
    `SignatureError` for a wish to where keys are trusted, and the error of a trial where none came to a
    figure.
    """
    begun = tune.Tuner.can_restore(str(search.folder))
    if begun and not resume:
        raise ConfigError(
            "a search of this name was begun", expected="--resume or another --name", where=search.folder.name
        )
    if resume and trusted_keys():
        raise SignatureError(
            "where keys are trusted no search is resumed: Ray Tune's state is pickled, and pickles run code",
            expected="another --name, from the beginning",
            where=search.folder.name,
        )
    if resume and not begun:
        raise ConfigError("there is no search to resume", expected="its --name", where=search.folder.name)
    trainable = _trainable(objective, ray.put(shared))
    with _environment(), _heard(on_trial), warnings.catch_warnings():
        # A trial that is begun again tells Optuna some of its figures a second time.
        warnings.filterwarnings("ignore", "The reported value is ignored", UserWarning)
        tuner = _restored(search, trainable) if resume else _tuner(search, trainable)
        results = tuner.fit()
    trials = _trials(results)
    if not any(trial.value is not None for trial in trials):
        _raise(results)
    return trials


def _trainable(objective: Objective, shared: Any) -> Any:
    def trial(params: dict[str, Any]) -> None:
        best = -1.0

        def report(figures: dict[str, float]) -> None:
            nonlocal best
            best = max(best, figures[METRIC])
            tune.report({METRIC: figures[METRIC], "best": best, "epoch": int(figures.get("epoch", 0))})

        objective(ray.get(shared), params, report)

    use_gpu = bool(ray.cluster_resources().get("GPU"))  # type: ignore[no-untyped-call]  # Ray's own
    return tune.with_resources(trial, {"CPU": 1.0, "GPU": 1.0 if use_gpu else 0.0})


def _tuner(search: Search, trainable: Any) -> tune.Tuner:
    sampler = optuna.samplers.TPESampler(seed=search.seed)
    first = inside(search.space, dict(search.today))
    algorithm = OptunaSearch(metric="best", mode="max", sampler=sampler, points_to_evaluate=[first])
    logged = JsonLoggerCallback()  # type: ignore[no-untyped-call]  # Ray's own; results are read from its files
    scheduler = None
    if search.max_epochs is not None:
        scheduler = ASHAScheduler(
            time_attr="epoch", metric="best", mode="max", max_t=search.max_epochs + 1, grace_period=1
        )
    return tune.Tuner(
        trainable,
        param_space={name: _domain(own) for name, own in search.space.items()},
        tune_config=tune.TuneConfig(
            search_alg=algorithm,
            scheduler=scheduler,
            num_samples=search.num_trials,
            reuse_actors=True,
            time_budget_s=None if search.minutes is None else search.minutes * 60.0,
        ),
        run_config=tune.RunConfig(
            name=search.folder.name,
            storage_path=str(search.folder.parent),
            verbose=0,
            callbacks=[_Told(search.num_trials), logged],
        ),
    )


def _restored(search: Search, trainable: Any) -> tune.Tuner:
    return tune.Tuner.restore(str(search.folder), trainable, resume_unfinished=True)


def _domain(own: Any) -> Any:
    if isinstance(own, Between):
        return (tune.loguniform if own.log else tune.uniform)(own.low, own.high)
    return tune.choice(list(own.values))


class _Told(tune.Callback):
    """Says how many trials have ended; an experiment on disk keeps no bar of a terminal."""

    def __init__(self, total: int) -> None:
        self._total, self._ended = total, set[str]()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._tell(trials, trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._tell(trials, trial)

    def _tell(self, trials: list[Any], newest: Any) -> None:
        self._ended |= {one.trial_id for one in trials if one.status in ("TERMINATED", "ERROR")}
        self._ended.add(newest.trial_id)
        for listen in _LISTENING:
            listen(len(self._ended), self._total)


def _trials(results: tune.ResultGrid) -> tuple[Trial, ...]:
    found = []
    given: list[Any] = [results[place] for place in range(len(results))]
    for number, result in enumerate(sorted(given, key=_begun)):
        metrics = result.metrics or {}
        value = metrics.get("best")
        found.append(
            Trial(
                number=number,
                params=dict(metrics.get("config") or result.config or {}),
                value=None if value is None else float(value),
                seconds=float(metrics.get("time_total_s", 0.0)),
                epochs=metrics.get("epoch"),
                error=str(result.error or "").strip().splitlines()[-1][:200] if result.error else "",
            )
        )
    return tuple(found)


def _begun(result: Any) -> int:
    """The trial's number by its folder's name: an experiment that goes on gives another order."""
    told = FOLDER_NAME.match(Path(result.path or "").name)
    return int(told["number"]) if told else sys.maxsize


def _raise(results: tune.ResultGrid) -> None:
    for error in results.errors:
        cause = getattr(error, "cause", error)
        if isinstance(cause, RecsysError):
            raise cause
    said = str(results.errors[0]).strip().splitlines()[-1][:300] if results.errors else "the time was over"
    raise ConfigError("no trial came to a figure", expected="more --minutes", found=said)


_LISTENING: list[Callable[[int, int], None]] = []
"""Who hears of trials; kept apart from the experiment, which is pickled."""


@contextmanager
def _heard(on_trial: Callable[[int, int], None]) -> Iterator[None]:
    _LISTENING.append(on_trial)
    try:
        yield
    finally:
        _LISTENING.remove(on_trial)


@contextmanager
def _environment() -> Iterator[None]:
    """Ray Tune without loggers of its own for the length of a search."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
