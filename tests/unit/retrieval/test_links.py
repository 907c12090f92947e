"""Links of a shard: what some sources say is what all say, restricted to them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.query import EVERYBODY, Query
from recsys.retrieval.links import Links, links_table

SOURCES = [EVERYBODY, *(f"s{number}" for number in range(6))]
ROWS = {f"t{number}": number for number in range(8)}
Table = dict[str, dict[str, dict[str, float]]]
tables = st.dictionaries(
    st.sampled_from(sorted(ROWS)),
    st.dictionaries(
        st.sampled_from(["behaviour", "repeat"]),
        st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 9).map(float), min_size=1),
    ),
)


@settings(deadline=None)
@given(
    table=tables,
    sources=st.sets(st.sampled_from([*SOURCES, "unknown"])),
    asked=st.sets(st.sampled_from(sorted(ROWS))),
)
def test_links_from_some_sources_are_those_of_all(table: Table, sources: set[str], asked: set[str]) -> None:
    links = Links.from_table(links_table(table, ROWS), len(ROWS))
    rows = {target: ROWS[target] for target in asked}
    for chosen in (None, sources):
        expected: Table = {target: {} for target in asked}
        for target in asked:
            for signal, values in table.get(target, {}).items():
                kept = {s: v for s, v in values.items() if chosen is None or s in chosen}
                if kept:
                    expected[target][signal] = kept
        assert links.into(rows, chosen) == expected


@settings(deadline=None)
@given(
    table=tables,
    weights=st.dictionaries(
        st.sampled_from(["behaviour", "repeat", "unknown"]),
        st.dictionaries(st.sampled_from([*SOURCES, "unknown"]), st.integers(-3, 3).map(float)),
    ),
)
def test_added_is_the_sum_over_the_querys_sources(table: Table, weights: dict[str, dict[str, float]]) -> None:
    links = Links.from_table(links_table(table, ROWS), len(ROWS))
    expected = {
        ROWS[target]: sum(
            weights.get(signal, {}).get(source, 0.0) * value
            for signal, sources in signals.items()
            for source, value in sources.items()
        )
        for target, signals in table.items()
    }
    added = links.added(Query(np.zeros(2, np.float32), weights))
    found = dict(zip(added.rows.tolist(), added.values.tolist(), strict=True))
    assert found == {row: value for row, value in expected.items() if value}
    assert added.rows.tolist() == sorted(found)
