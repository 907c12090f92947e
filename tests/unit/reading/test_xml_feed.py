"""XML feeds: entries in order, and nothing that an XML file could do beside that."""

from __future__ import annotations

import gzip
import resource
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile import hostile_names
from tests.unit.reading.test_delimited import read

FEED = '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>{}</channel></rss>'
ITEM = "<item><g:id>{}</g:id><title>T{}</title></item>"
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


def feed(*numbers: int) -> str:
    return FEED.format("".join(ITEM.format(number, number) for number in numbers))


def test_entries_are_rows_and_a_feed_s_own_title_is_none(tmp_path: Path) -> None:
    expected = [{"title": "T1", "id": "1"}, {"title": "T2", "id": "2"}]
    assert read(tmp_path / "a.xml", feed(1, 2).encode()) == (expected, [])
    packed = tmp_path / "b.xml.gz"
    assert read(packed, gzip.compress(feed(1, 2).encode())) == (expected, [])
    wide = f'<?xml version="1.0" encoding="UTF-16"?>{feed(1, 2)}'.encode("utf-16")
    assert read(tmp_path / "c.xml", wide) == (expected, [])


def test_what_stands_before_a_break_is_kept(tmp_path: Path) -> None:
    rows, faults = read(tmp_path / "a.xml", feed(*range(50)).encode()[:-200])
    assert len(rows) > 40
    assert [reason for reason, _ in faults] == ["unreadable_file"]
    assert [reason for reason, _ in read(tmp_path / "b.xml", b"")[1]] == ["unreadable_file"]
    assert [reason for reason, _ in read(tmp_path / "c.xml", b"<rss/>")[1]] == ["empty_file"]


def test_names_of_the_feed_win_and_repeated_ones_are_a_list(tmp_path: Path) -> None:
    item = "<item><title>plain</title><g:title>theirs</g:title><g:x>1</g:x><g:x>2</g:x><!-- no --></item>"
    assert read(tmp_path / "a.xml", FEED.format(item).encode()) == (
        [{"title": "theirs", "x": ["1", "2"]}],
        [],
    )


@pytest.mark.parametrize("name", hostile_names(9))
def test_no_address_in_a_document_type_is_opened(tmp_path: Path, name: str) -> None:
    """The guard of unit tests refuses every connection; what a path holds must not appear."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    for target in (name, secret.as_uri()):
        head = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{target}">]>'.replace("&", "&amp;")
        rows, faults = read(
            tmp_path / "a.xml", (head + FEED.format("<item><g:id>&x;</g:id></item>")).encode()
        )
        assert rows == []
        assert [reason for reason, _ in faults] == ["unreadable_file"]
        outer = f'<!DOCTYPE rss SYSTEM "{target}">'.replace("&", "&amp;")
        assert read(tmp_path / "b.xml", (outer + feed(1)).encode())[0] == []
    included = '<item xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{}" parse="text"/></item>'
    rows, faults = read(tmp_path / "c.xml", FEED.format(included.format(secret.as_uri())).encode())
    assert "the secret" not in str(rows)
    assert faults == []


@pytest.mark.parametrize(
    "content",
    [
        f'<!DOCTYPE rss [<!ENTITY a0 "ha">{LAUGHS}]>' + FEED.format("<item><g:id>&a11;</g:id></item>"),
        f'<!DOCTYPE rss [<!ENTITY a0 "ha">{LAUGHS}]><rss x="&a11;"><item/></rss>',
        "<rss>" + "<a>" * 100_000,
        "<rss><item>" + "<a/>" * 30_000 + "</item></rss>",
        "<rss><item><title>" + "x" * 11_000_000 + "</title></item></rss>",
    ],
    ids=["laughs in text", "laughs in an attribute", "deep", "many parts", "long text"],
)
def test_what_would_grow_is_refused_while_it_is_small(tmp_path: Path, content: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows, faults = read(tmp_path / "a.xml", content.encode())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert rows == []
    assert [reason for reason, _ in faults] == ["unreadable_file"]
    assert grown < (200 << 10) * (1024 if sys.platform == "darwin" else 1)


def test_an_entry_beyond_the_bound_costs_itself_alone(tmp_path: Path) -> None:
    long = "<item><g:id>long</g:id><description>" + "x" * 3_000 + "</description></item>"
    content = FEED.format(ITEM.format(1, 1) + long + ITEM.format(2, 2))
    rows, faults = read(tmp_path / "a.xml", content.encode(), max_record_bytes=2_000)
    assert [row["id"] for row in rows] == ["1", "2"]
    assert faults == [("record_too_long", 2)]


@given(content=st.binary(max_size=300) | st.text("<>/&;![]\"'xmlnsitem:g= ", max_size=200).map(str.encode))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_any_kind_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    rows, faults = read(tmp_path / "a.xml", content)
    assert rows or faults
