"""The comparison of shown and printed lines finds what differs, and passes over what every run has anew."""

from __future__ import annotations

import pytest

from tests.docs.printed import faults

TABLE = "┌──────┬───┐\n│ rows │ 3 │\n│ kept │ 2 │\n└──────┴───┘\n"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("served 12 lists in 3.5 ms\n", "served 9 lists in 14.25 ms\n"),
        ("version 20261127T080335910082-64ff329b3024\n", "version 20261128T090000000000-0123456789ab\n"),
        ("A kettle | Because you viewed B\n", "Tea pot | Because you bought C, twice\n"),
        ('{"a": 1, "b": [{"c": "x"}]}\n', '{"a": 2.5, "b": [{"c": "y"}, {"c": "z"}]}\n'),
        ('{"a": null, "b": []}\n', '{"a": "x", "b": [1]}\n'),
        (TABLE, TABLE.replace("3", "300").replace("2", "1,000")),
        ("first\n...\nlast\n", "first\nsecond\nthird\nlast\n"),
        ("first\n...\n", "first\nsecond\n"),
        ("...\nlast\n", "first\nlast\n"),
    ],
)
def test_what_every_run_has_anew_is_no_fault(shown: str, said: str) -> None:
    assert not list(faults(shown, said, frozenset({"A kettle", "Tea pot"})))


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("all well\n", "all ill\n"),
        ("first\nlast\n", "first\nsecond\nlast\n"),
        ("first\n", "first\nsecond\n"),
        ("first\nsecond\n", "first\n"),
        ("first\n...\nlast\n", "first\n"),
        ("second\nfirst\n", "first\nsecond\n"),
        ('{"a": 1}\n', '{"a": 1, "b": 2}\n'),
        ('{"a": 1}\n', '{"a": "1"}\n'),
        ('{"a": [{"b": 1}]}\n', '{"a": [{"c": 1}]}\n'),
        (TABLE, TABLE.replace("kept", "left")),
        (TABLE, "│ rows │ 3 │\n"),
        ("A kettle\n", "A spoon\n"),
    ],
)
def test_what_differs_is_found(shown: str, said: str) -> None:
    assert list(faults(shown, said, frozenset({"A kettle", "Tea pot"})))
