"""Who was erased is told from others without being known; names go from text and nothing else does."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.quarantined_rows import is_about, withhold
from recsys.erasure_ledger import ErasureLedger, gathered
from recsys.errors import InputError
from recsys.redaction import redacted
from recsys.schemas import QUARANTINE
from recsys.tombstones import NamedPeople, Tombstone, Tombstones, mentions_one, person_hash

SECRET, OTHER = b"s" * 32, b"o" * 32
IDS = st.text(
    st.characters(
        min_codepoint=33, max_codepoint=0x2FF, exclude_characters='"\\', exclude_categories=["Cc", "Zs"]
    ),
    min_size=1,
    max_size=12,
)


def buried(*keys: str, until_us: int = 100, secret: bytes = SECRET) -> Tombstones:
    return gathered([secret], [Tombstone(person_hash(secret, key), 50, until_us) for key in keys])


@given(IDS, IDS, st.integers(0, 200))
def test_only_the_erased_are_covered_and_only_up_to_their_time(erased: str, other: str, at_us: int) -> None:
    gone = buried(f"user:{erased}")
    assert gone.cover(f"user:{erased}", at_us) == (at_us <= 100)
    assert f"visitor:{erased}" not in gone
    assert (f"user:{other}" in gone) == (other == erased)


def test_the_latest_erasure_counts_and_secrets_live_side_by_side() -> None:
    late = gathered([OTHER], [Tombstone(person_hash(OTHER, "user:b"), 60, 10)], buried("user:a", until_us=7))
    both = Tombstones((SECRET, OTHER), late.until_us, late.newest_at_us)
    assert (both.erased_until("user:a"), both.erased_until("user:b"), both.newest_at_us) == (7, 10, 60)
    again = gathered([SECRET], [Tombstone(person_hash(SECRET, "user:a"), 70, 5)], both)
    assert again.erased_until("user:a") == 7


def test_a_ledger_holds_no_id_and_is_the_owners_alone(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path / "privacy")
    made = Tombstone(person_hash(ledger.secret(), "user:somebody@example.org"), 5, 6)
    ledger.append([made])
    assert ledger.read() == [made]
    assert "user:somebody@example.org" in ledger.tombstones()
    for file in ledger.folder.iterdir():
        assert b"somebody" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(ledger.secrets()) == 1 == len(ErasureLedger(ledger.folder).secrets())


def test_a_line_that_a_crash_cut_is_passed_over_and_the_next_stands_by_itself(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path)
    first, second = Tombstone("a:1", 1, 1), Tombstone("a:2", 2, 2)
    ledger.append([first])
    whole = ledger.file.read_bytes()
    for cut in range(1, len(whole)):
        ledger.file.write_bytes(whole + whole[:cut].replace(b"a:1", b"a:9"))
        ledger.append([second])
        assert ledger.read()[0] == first
        assert ledger.read()[-1] == second


def test_ledgers_come_together_and_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    ours, theirs = ErasureLedger(tmp_path / "ours"), ErasureLedger(tmp_path / "theirs")
    for ledger, key in ((ours, "user:a"), (theirs, "user:b")):
        ledger.append([Tombstone(person_hash(ledger.secret(), key), 1, 1)])
    assert (ours.merge(theirs.folder), ours.merge(theirs.folder)) == (1, 0)
    assert {"user:a", "user:b"} == {key for key in ("user:a", "user:b", "user:c") if key in ours.tombstones()}
    with pytest.raises(InputError, match="no ledger"):
        ours.merge(tmp_path)


@given(st.lists(IDS, min_size=1, max_size=8, unique=True), st.booleans())
def test_redaction_takes_the_erased_keys_alone_and_moves_no_byte(ids: list[str], by_hash: bool) -> None:
    erased, *others = ids
    line = json.dumps({"first_users": {f"user:{one}": ["flood"] for one in ids}}).encode()
    people = buried(f"user:{erased}") if by_hash else NamedPeople(frozenset({f"user:{erased}"}))
    clean = redacted(line, people)
    assert len(clean) == len(line)
    left = [key for key in json.loads(clean)["first_users"] if not set(key) <= {"x"}]
    assert left == [f"user:{one}" for one in others]


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("found user:ann@x.org; expected", "found xxxxxxxxxxxxxx; expected"),
        ("ann@x.org.", "xxxxxxxxx."),
        ('{"error": "no ann@x.org here"}', '{"error": "no xxxxxxxxx here"}'),
        ("joann@x.org, ann@x.organic", "joann@x.org, ann@x.organic"),
    ],
)
def test_a_name_is_a_whole_word(said: str, clean: str) -> None:
    named = NamedPeople(frozenset({"user:ann@x.org"}))
    assert redacted(said.encode(), named).decode() == clean
    assert redacted(said.encode(), buried("user:ann@x.org")).decode() == clean


def test_short_ids_are_no_numbers_and_ids_with_spaces_are_found() -> None:
    seven = NamedPeople(frozenset({"user:7"}))
    assert redacted(b'7 items of user:7 and user:77, "7"', seven) == b'7 items of xxxxxx and user:77, "x"'
    assert redacted(b"Ann Lee came", NamedPeople(frozenset({"user:Ann Lee"}))) == b"xxxxxxx came"
    umlaut = NamedPeople(frozenset({"visitor:Jürgen"}))
    assert b"rgen" not in redacted(json.dumps({"visitor:Jürgen": 1}).encode(), umlaut)


@pytest.mark.parametrize(
    ("raw", "about"),
    [
        ('{"user_id": "ann", "item_id": "i"}', True),
        ('{"uid": "ann"}', True),
        ('{"user_id": "bob", "review_text": "ann", "item_id": "ann"}', False),
        ('{"visitor_id": "dev-1", "user_id": null}', True),
        ('{"who": "ann"}', True),
        ('{"who": "anna"}', False),
        ('{"user_id": "ann", "review_text": "cut he', True),
        ("e1,ann,item,view,2026-01-01", True),
        ("e1,anna,item", False),
        (None, False),
    ],
)
def test_a_refused_row_is_about_those_whom_its_columns_name(raw: str | None, about: bool) -> None:
    keys = ("user:ann", "visitor:dev-1")
    assert is_about(NamedPeople(frozenset(keys)), raw) == about
    assert is_about(buried(*keys), raw) == about


def test_numbers_are_ids_as_cleaning_reads_them() -> None:
    assert is_about(buried("user:17"), '{"user_id": 17.0}')
    assert not is_about(buried("user:17"), '{"user_id": 170, "value": 17}')
    assert mentions_one(buried("user:a b"), "x;a b;y")


def test_what_is_withheld_keeps_its_place_and_reason() -> None:
    rows = [
        {"file": "f", "row": n, "reason": "bad_value", "detail": who, "raw": json.dumps({"user_id": who})}
        for n, who in enumerate(("ann", "bob"))
    ]
    kept = withhold(pa.Table.from_pylist(rows, schema=QUARANTINE), buried("user:ann")).to_pylist()
    assert kept[1] == rows[1]
    assert (kept[0]["row"], kept[0]["reason"], kept[0]["raw"]) == (0, "bad_value", None)
    assert "ann" not in json.dumps(kept[0])
