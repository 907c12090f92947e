"""Ranges on the command line."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from jobs.options import Range, parse_range


@given(least=st.integers(1, 999), more=st.none() | st.integers(0, 999))
def test_what_is_written_is_read(least: int, more: int | None) -> None:
    found = Range(least, None if more is None else least + more)
    assert parse_range(str(found)) == parse_range(found) == found


@pytest.mark.parametrize("text", ["", "0", "-1", "3-", "-3", "2-1", "0-4", "1-2-3", "1.5", "two", "1 - 2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected"):
        parse_range(text)
