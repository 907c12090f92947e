"""Keys: what a secret opens, for how long, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.access import RateLimit, Scope, issue_key, secret_parts
from recsys.errors import ConfigError

NOW = 1_800_000_000_000_000


def test_a_new_key_admits_its_own_secret_and_no_other() -> None:
    made, other = (issue_key("shop", frozenset({Scope.RECOMMEND}), NOW) for _ in range(2))
    key_id, secret = secret_parts(made.text) or ("", "")
    assert key_id == made.key.key_id
    assert made.key.admits(secret, NOW)
    assert not other.key.admits(secret, NOW)
    assert made.key.key_id != other.key.key_id


def test_nothing_that_is_kept_or_printed_gives_the_secret() -> None:
    made = issue_key("shop", frozenset({Scope.ADMIN}), NOW)
    _, secret = secret_parts(made.text) or ("", "")
    for shown in (repr(made), repr(made.key), str(made.key.digest)):
        assert secret not in shown


@given(st.text(max_size=80))
def test_a_changed_secret_is_never_admitted(text: str) -> None:
    made = issue_key("shop", frozenset({Scope.ERASE}), NOW)
    _, secret = secret_parts(made.text) or ("", "")
    assert made.key.admits(text, NOW) == (text == secret)


@given(st.text(max_size=80) | st.from_regex(r"rk_[0-9a-f]{12}_[A-Za-z0-9_-]{42,44}"))
def test_only_whole_keys_have_parts(text: str) -> None:
    parts = secret_parts(text)
    if parts is not None:
        assert text == f"rk_{parts[0]}_{parts[1]}"
        assert (len(parts[0]), len(parts[1])) == (12, 43)


@given(st.integers(-5, 5), st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3))
def test_a_key_ends_at_the_earlier_of_expiry_and_revocation(
    now: int, expires: int | None, revoked: int | None
) -> None:
    key = replace(
        issue_key("shop", frozenset({Scope.METRICS}), NOW).key, expires_at_us=expires, revoked_at_us=revoked
    )
    ends = min([at for at in (expires, revoked) if at is not None], default=100)
    assert key.in_force(now) == (now < ends)


@pytest.mark.parametrize("name", ["", " shop", "a" * 81, "shop\n", "Läden", "-x"])
def test_names_that_would_not_fit_into_a_header_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        issue_key(name, frozenset({Scope.ADMIN}), NOW)


def test_keys_that_could_open_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="opens nothing"):
        issue_key("shop", frozenset(), NOW)
    with pytest.raises(ConfigError, match="expired"):
        issue_key("shop", frozenset({Scope.ADMIN}), NOW, expires_at_us=NOW)
    for per_s, burst in ((0.0, 1), (-1.0, 1), (float("nan"), 1), (1.0, 0)):
        with pytest.raises(ConfigError, match="rate"):
            RateLimit(per_s, burst)
