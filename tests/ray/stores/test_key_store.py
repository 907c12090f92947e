"""Keys in a real database: what is kept, revoked, rotated."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.database import open_database
from cluster.key_store import KeyStore
from recsys.access import DailyQuota, RateLimit, Scope, secret_parts
from recsys.errors import ConfigError, NotFoundError


class Clock:
    """Microseconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


def test_a_key_is_kept_whole_without_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    store = KeyStore(open_database(f"sqlite:///{file}"))
    scopes = {Scope.RECOMMEND, Scope.EVENTS_WRITE}
    made = store.create("web shop", scopes, valid_s=60.0, rate=RateLimit(2.5, 7), quota=DailyQuota(9))
    assert store.all() == [made.key] == [store.get(made.key.key_id)]
    _, secret = secret_parts(made.text) or ("", "")
    kept = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"web shop" in kept
    assert secret.encode() not in kept


def test_a_revoked_key_stays_revoked_and_the_earlier_end_wins(tmp_path: Path) -> None:
    clock = Clock()
    store = KeyStore(open_database(f"sqlite:///{tmp_path}/keys.db"), clock)
    key_id = store.create("shop", {Scope.ADMIN}).key.key_id
    first = store.revoke(key_id)
    assert not first.in_force(clock.now_us)
    clock.now_us += 1_000
    assert store.revoke(key_id, in_s=5.0).revoked_at_us == first.revoked_at_us
    assert store.get(key_id) == first
    with pytest.raises(NotFoundError):
        store.revoke("000000000000")


def test_a_rotated_key_overlaps_with_the_new_one_and_then_ends(tmp_path: Path) -> None:
    clock = Clock()
    store = KeyStore(open_database(f"sqlite:///{tmp_path}/keys.db"), clock)
    old = store.create("shop", {Scope.ADMIN}, rate=RateLimit(3.0, 3), quota=DailyQuota(9)).key
    new = store.rotate(old.key_id, overlap_s=10.0).key
    assert (new.name, new.scopes, new.rate, new.quota) == (old.name, old.scopes, old.rate, old.quota)
    clock.now_us += 9_000_000
    assert store.get(old.key_id).in_force(clock.now_us)
    clock.now_us += 2_000_000
    assert not store.get(old.key_id).in_force(clock.now_us)
    assert store.get(new.key_id).in_force(clock.now_us)
    with pytest.raises(ConfigError, match="out of force"):
        store.rotate(old.key_id, overlap_s=1.0)
