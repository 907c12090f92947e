"""Pseudonyms are the same everywhere, tell nothing without the secret, and never change unseen."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.errors import ConfigError
from recsys.interactions import clean_events
from recsys.privacy.names import PLAIN, Pseudonyms
from recsys.privacy.secret import VARIABLE, begin_pseudonyms, names_of
from recsys.workspace import Workspace

SECRET = b"0123456789abcdef0123456789abcdef"
NAMES = Pseudonyms(SECRET)
IDS = st.text(min_size=1, max_size=20)


@given(IDS, IDS, st.sampled_from(["user", "visitor", "session"]))
def test_one_id_has_one_pseudonym_of_each_kind(one: str, other: str, kind: str) -> None:
    expected = hmac.new(SECRET, f"{kind}\0{one}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()
    assert NAMES.of(kind, one) == f"p-{expected[:40]}"
    assert (NAMES.of(kind, one) == NAMES.of(kind, other)) == (one == other)
    assert NAMES.of("user", one) != NAMES.of("visitor", one)
    assert NAMES.of(kind, one) != Pseudonyms(SECRET[::-1]).of(kind, one)
    assert SECRET.decode() not in repr(NAMES) + str(NAMES) + NAMES.secret_id


def test_columns_keep_their_nulls_and_plain_names_stay() -> None:
    column = pa.array(["a", None, "b", "a"])
    assert NAMES.column("user", column).to_pylist() == [
        NAMES.of("user", "a"), None, NAMES.of("user", "b"), NAMES.of("user", "a"),
    ]  # fmt: skip
    assert PLAIN.column("user", column) is column


def test_no_column_of_an_event_is_made_of_the_plain_id() -> None:
    """Also not the digest of an event without an id: who has the log could try out ids on it."""
    row = {"user_id": "anna", "item_id": "i", "event_type": "view", "occurred_at": "2026-01-01T00:00:00Z"}

    def cleaned(names: Pseudonyms) -> dict[str, object]:
        found = clean_events(
            pa.Table.from_pylist([row]),
            known_types=frozenset({"view"}),
            received_at=datetime(2026, 1, 2, tzinfo=UTC),
            config=ImportConfig(),
            file="f",
            names=names,
        )
        return dict(found.good.to_pylist()[0])

    one, again, other = cleaned(NAMES), cleaned(NAMES), cleaned(Pseudonyms(SECRET[::-1]))
    assert one == again
    assert one["user_id"] == NAMES.of("user", "anna")
    assert one["event_id"] != other["event_id"]


def test_the_secret_is_made_once_and_guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    workspace, file = Workspace(tmp_path / "shop").create(), tmp_path / "keys" / "shop.secret"
    assert names_of(workspace) is PLAIN
    made = begin_pseudonyms(workspace, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert begin_pseudonyms(workspace, file) == made
    names = names_of(workspace)
    assert isinstance(names, Pseudonyms)
    secret = file.read_text().strip()
    assert secret not in workspace.privacy_settings.read_text()
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        names_of(workspace)
    file.unlink()
    with pytest.raises(ConfigError, match="missing"):
        names_of(workspace)
    monkeypatch.setenv(VARIABLE, secret)
    assert names_of(workspace).of("user", "anna") == names.of("user", "anna")
    monkeypatch.setenv(VARIABLE, "x" * 64)
    with pytest.raises(ConfigError, match="not the secret") as refused:
        names_of(workspace)
    assert "x" * 8 not in str(refused.value)
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ConfigError, match="too short"):
        names_of(workspace)


def test_without_a_secret_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    workspace = Workspace(tmp_path)
    with pytest.raises(ConfigError, match=VARIABLE):
        begin_pseudonyms(workspace, None)
    assert names_of(workspace) is PLAIN
