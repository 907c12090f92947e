"""Quotas: what is left of them, and which there are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.access import DailyQuota
from recsys.errors import ConfigError


@given(st.integers(1, 10**12), st.integers(0, 10**13))
def test_what_is_left_and_what_was_used_make_the_quota_until_it_is_used_up(requests: int, used: int) -> None:
    left = DailyQuota(requests).left(used)
    assert left == (requests - used if used <= requests else 0)


@pytest.mark.parametrize("requests", [0, -1, 10**12 + 1])
def test_a_quota_that_is_none_is_refused(requests: int) -> None:
    with pytest.raises(ConfigError, match=f"quota is not usable.*1,000,000,000,000.*{requests:,}"):
        DailyQuota(requests)
