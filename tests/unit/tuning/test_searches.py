"""What a search tries and what it says of the best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.blend.fit import fit_blend
from recsys.blend.settings import SignalSettings
from recsys.config import EncoderConfig, Objective, TrainConfig, TrainMode
from recsys.encoder import TextEncoder
from recsys.evaluation.result import IntervalBody
from recsys.evaluation.splits import leave_one_out
from recsys.tuning.encoder import EncoderSearch
from recsys.tuning.report import to_markdown, to_page
from recsys.tuning.result import Gain, Trial, TuningResult, gains_of
from recsys.tuning.signals import SignalsSearch
from recsys.tuning.space import Between, OneOf, Space, inside
from tests.unit.blend.test_fit import CONFIG, cyclic_shop, quiet
from tests.unit.training.test_tower import TEXTS, data_of

QUICK = CONFIG.model_copy(update={"num_trials": 4})


def result_of(*gains: Gain) -> TuningResult:
    trials = (
        Trial(number=0, params={"x": 1.0}, value=0.2, seconds=1.0),
        Trial(number=1, params={"x": 2.0}, value=0.3, seconds=1.0, epochs=4),
        Trial(number=2, params={"x": 3.0}, value=None, seconds=0.0, error="a <b> | broke"),
    )
    return TuningResult(
        kind="signals", label="<shop>", command="recsys tune signals", created_at="", seconds=3.0,
        today={"x": 1.0}, best={"x": 2.0}, best_number=1, trials=trials, gains=gains, use="recsys fit",
    )  # fmt: skip


def gain(question: str, low: float, high: float) -> Gain:
    gap = IntervalBody(mean=(low + high) / 2.0, low=low, high=high)
    return Gain(question=question, users=9, today=0.1, best=0.2, difference=gap)


def test_only_the_untouched_test_says_that_something_is_better() -> None:
    assert not result_of(gain("validation, new items", 0.1, 0.2)).is_surely_better
    assert not result_of(gain("test, new items", -0.1, 0.2)).is_surely_better
    assert result_of(gain("test, new items", 0.1, 0.2)).is_surely_better
    lost = gain("test, repeats allowed", -0.2, -0.1)
    assert not result_of(gain("test, new items", 0.1, 0.2), lost).is_surely_better


def test_reports_name_the_best_and_escape_what_they_quote() -> None:
    result = result_of(gain("test, new items", 0.1, 0.2))
    text, page = to_markdown(result), to_page(result)
    rows = [line for line in text.splitlines() if line.startswith(("| 0", "| 1", "| 2"))]
    assert [row.split(" | ")[0] for row in rows] == ["| 1 (best)", "| 0 (today)", "| 2"]
    assert all(row.count("|") == rows[0].count("|") for row in rows)
    assert "<shop>" not in page
    assert "<b>" not in page
    assert TuningResult.model_validate_json(result.model_dump_json()) == result


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_the_same_answers_gain_exactly_nothing(values: list[float]) -> None:
    one = {"test, new items": np.array(values)}
    found = gains_of(one, one, 0)[0].difference
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_point_is_moved_into_the_space() -> None:
    space: Space = {"a": Between(0.2, 1.0), "b": OneOf((1, 2)), "c": OneOf((None, 3.0))}
    assert inside(space, {"a": 0.0, "b": 7, "c": None, "d": 1}) == {"a": 0.2, "c": None}


def test_settings_that_are_given_are_kept_and_their_weights_found() -> None:
    data = cyclic_shop(60, 20)
    split = leave_one_out(data.log, 2)
    chosen = fit_blend(split, data, QUICK, quiet)
    assert fit_blend(split, data, QUICK, quiet, chosen.settings).discover == chosen.discover
    other = SignalSettings(whitening="raw", order_share=0.0, behaviour_decay=1.0)
    found = fit_blend(split, data, QUICK, quiet, other)
    assert found.settings == other
    assert found.validation["discover ndcg@10"] <= chosen.validation["discover ndcg@10"]


def test_a_trial_of_signals_is_judged_in_its_mixture() -> None:
    searched = SignalsSearch.of(cyclic_shop(60, 20), QUICK, quiet)
    today = {name: getattr(searched.today.settings, name) for name in searched.space}
    poor = {**today, "order_share": 0.0, "pull": 0.95, "transition_decay": 0.2, "transition_window": 5}
    assert searched.value(today) >= searched.value(poor)
    answers = searched.answers(searched.today)
    assert set(answers) >= {"validation, new items", "test, new items"}
    assert answers["test, new items"].mean() > 0.9
    assert searched.blend_of(poor).settings.pull == 0.95


class StoppedError(RuntimeError):
    """A trial that has fallen behind."""


def test_a_trial_that_was_stopped_goes_on_to_the_end_of_one_that_was_not(
    tmp_path: Path, tiny_bert: Path
) -> None:
    encoder = EncoderConfig(source=str(tiny_bert), max_tokens=32)
    config = TrainConfig(
        mode=TrainMode.HEAD,
        objective=Objective.CONTRASTIVE,
        batch_pairs=16,
        epochs=4,
        patience=9,
        checkpoint_every_steps=2,
    )
    vectors, data = TextEncoder.load(encoder).encode(TEXTS), data_of()

    def searched(name: str) -> EncoderSearch:
        return EncoderSearch(encoder, config, TEXTS, vectors, data, data.question, tmp_path / name)

    def stop(figures: dict[str, float]) -> None:
        if figures["epoch"] == 2.0:
            raise StoppedError

    params = {name: searched("whole").today[name] for name in searched("whole").space}
    assert set(params) == {"learning_rate", "temperature", "hard_negatives"}
    whole, curve = searched("whole").run(params, lambda figures: None)
    with pytest.raises(StoppedError):
        searched("cut").run(params, stop)
    seen: list[float] = []
    again, _ = searched("cut").run(params, lambda figures: seen.append(figures["epoch"]))
    assert seen in ([2.0, 3.0, 4.0], [3.0, 4.0])
    assert again.embed(len(TEXTS)) == pytest.approx(whole.embed(len(TEXTS)), abs=1e-5)
    assert [row["epoch"] for row in curve] == [0.0, 1.0, 2.0, 3.0, 4.0]
    answers = searched("whole").answers(whole.embed(len(TEXTS)))
    assert set(answers) <= {"validation, new items", "test, new items"}
