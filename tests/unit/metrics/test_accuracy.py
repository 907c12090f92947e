"""Measures agree with trec_eval and scikit-learn, and keep their laws."""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from recsys.metrics import accuracy_at, auc

N = 40
LISTS = st.tuples(st.permutations(range(N)), st.sets(st.integers(0, N - 1), min_size=1, max_size=30))
TREC = {
    "ndcg@10": "ndcg_cut_10",
    "precision@10": "P_10",
    "recall@10": "recall_10",
    "map@10": "map_cut_10",
    "hr@10": "success_10",
    "ndcg@5": "ndcg_cut_5",
    "recall@20": "recall_20",
    "hr@1": "success_1",
}


def ours(order: list[int], wanted: set[int]) -> dict[str, float]:
    hits = np.array([[item in wanted for item in order[:20]]])
    found = accuracy_at(hits, np.array([len(wanted)]), np.array([N]))
    return {name: float(values[0]) for name, values in found.items()}


@settings(deadline=None, max_examples=100)
@given(LISTS)
def test_agrees_with_trec_eval(case: tuple[list[int], set[int]]) -> None:
    order, wanted = case
    run = {"q": {f"d{item:03d}": float(N - place) for place, item in enumerate(order)}}
    judged = {"q": {f"d{item:03d}": 1 for item in wanted}}
    measures = {"ndcg_cut.5,10", "P.10", "recall.10,20", "map_cut.10", "success.1,10", "recip_rank"}
    theirs = pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(run)["q"]
    mine = ours(order, wanted)
    for name, measure in TREC.items():
        assert mine[name] == pytest.approx(theirs[measure], abs=1e-9), name
    first = theirs["recip_rank"]
    assert mine["mrr@20"] == pytest.approx(first if first >= 1 / 20 - 1e-9 else 0.0, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(LISTS)
def test_f1_and_accuracy_agree_with_scikit_learn(case: tuple[list[int], set[int]]) -> None:
    order, wanted = case
    truth = [item in wanted for item in range(N)]
    called = [item in set(order[:10]) for item in range(N)]
    mine = ours(order, wanted)
    assert mine["f1@10"] == pytest.approx(f1_score(truth, called, zero_division=0.0), abs=1e-9)
    assert mine["accuracy@10"] == pytest.approx(accuracy_score(truth, called), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=40),
    st.data(),
)
def test_auc_agrees_with_scikit_learn_ties_included(values: list[int], data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1, max_size=len(values) - 1))
    truth = [place in places for place in range(len(values))]
    found = auc(np.array(values, np.float32), np.array(sorted(places)))
    assert found == pytest.approx(roc_auc_score(truth, values), abs=1e-9)


def test_nothing_but_targets_is_perfect() -> None:
    assert auc(np.array([1.0, 2.0]), np.array([0, 1])) == 1.0


def test_capped_recall_is_one_where_the_list_is_full_of_targets() -> None:
    hits = np.ones((1, 20), bool)
    found = accuracy_at(hits, np.array([30]), np.array([100]))
    assert found["recall_capped@10"][0] == 1.0
    assert found["recall@10"][0] == pytest.approx(10 / 30)
