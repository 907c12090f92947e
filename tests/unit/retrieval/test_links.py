"""Links of a shard: what some sources say is what all say, restricted to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recsys.query import EVERYBODY
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
