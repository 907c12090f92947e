"""Items without events borrow what speaks for their like: as sure as they are alike, where it helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.blend.blended import Blended
from recsys.blend.making import make_signals
from recsys.blend.settings import Blend, SignalSettings
from recsys.blend.soft_choice import choose_soft_links
from recsys.blend.soft_links import NEAREST, lent, soft_links
from recsys.config import FitConfig
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import COLD_SHARE, cold_items, leave_one_out
from tests.unit.blend.test_fit import cyclic_shop, quiet


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 20), st.floats(0.0, 1.0))
def test_a_row_is_as_sure_as_its_best_and_only_items_without_events_have_one(
    seed: int, num: int, least: float
) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((num, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    events = generator.integers(0, 3, num)
    categories = generator.choice(np.array(["a", "b", None], object), num).tolist()
    links = soft_links(vectors, categories, events, least).toarray()
    assert (links[events > 0] == 0.0).all()
    assert (links[:, events == 0] == 0.0).all()
    assert ((links > 0.0).sum(1) <= NEAREST).all()
    for place in np.flatnonzero(events == 0).tolist():
        sure = np.array([
            max(float(vectors[place] @ vectors[other]), 0.0)
            * (0.5 if {categories[place], categories[other]} == {"a", "b"} else 1.0)
            for other in range(num)
        ])[events > 0]  # fmt: skip
        best = float(sure.max(initial=0.0))
        if abs(best - least) > 1e-5:
            assert links[place].sum() == pytest.approx(best if best >= max(least, 1e-6) else 0.0, abs=1e-5)


def test_a_copy_of_a_known_item_has_what_speaks_for_it() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 1, 1]]
    links = soft_links(vectors, [None] * 3, np.array([2, 2, 0]), 0.5)
    behaviour = sp.csr_matrix(np.array([[0, 3, 0], [1, 0, 0], [0, 0, 0]], np.float32))
    found = lent(behaviour, links, 0.5).toarray()
    assert found[:, :2] == pytest.approx(behaviour.toarray()[:, :2])
    assert found[:, 2] == pytest.approx([1.5, 0.0, 0.0])
    assert lent(behaviour, links, 0.0) is behaviour


def test_the_tenth_that_chooses_is_not_the_tenth_that_is_asked_for() -> None:
    ids = [f"i{place}" for place in range(2_000)]
    first, second = cold_items(ids, COLD_SHARE), cold_items(ids, COLD_SHARE, COLD_SHARE)
    assert not (first & second).any()
    assert 100 < second.sum() < 300


def test_nothing_is_borrowed_where_texts_say_nothing() -> None:
    data = cyclic_shop(300, 40)
    split = leave_one_out(data.log, 2)
    config = FitConfig(split="leave-one-out", num_neighbours=20)
    given_ = SignalSettings(pull=0.0)
    signals = make_signals(replace(data, log=split.train), given_, config)
    chosen = choose_soft_links(data, split, split, signals, Blend(behaviour=1.0), config, quiet)
    assert chosen == given_


def test_items_are_borrowed_for_where_texts_tell_who_is_alike() -> None:
    data = cyclic_shop(400, 40)
    twins = np.repeat(data.vectors[:20], 2, axis=0)
    # Two items have one text, and chance decides which of them comes: whoever leads to one leads to both.
    chance = np.random.default_rng(0).integers(0, 2, len(data.log))
    log = replace(data.log, items=(data.log.items // 2 * 2 + chance).astype(np.int32))
    data = replace(data, log=log, vectors=twins)
    split = leave_one_out(data.log, 2)
    config = FitConfig(split="leave-one-out", num_neighbours=20)
    given_ = SignalSettings(whitening="raw", pull=0.0)
    before, blend = (
        make_signals(replace(data, log=split.train), given_, config),
        Blend(text=0.05, behaviour=1.0),
    )
    chosen = choose_soft_links(data, split, split, before, blend, config, quiet)
    assert chosen.soft_share > 0.0
    nobody_may_lose = config.model_copy(update={"cold_price": 0.0})
    kept = choose_soft_links(data, split, split, before, blend, nobody_may_lose, quiet)
    lists = [rank_split(Blended(made, blend), split, True, with_auc=False) for made in (
        before, make_signals(replace(data, log=split.train), kept, config))]  # fmt: skip
    assert lists[1].metrics["ndcg@10"].mean() >= lists[0].metrics["ndcg@10"].mean()
    signals = make_signals(replace(data, log=split.train), chosen, config)
    assert np.diff(signals.behaviour.tocsc().indptr).max() <= config.num_neighbours
