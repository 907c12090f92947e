from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.catalog.text_cleaning import TAG, clean_text, cut_at_word


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>a</p><p>b</p>", "a b"),
        ("a<b>b</b>c", "abc"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;amp; more", "bold & more"),
        ("x<script>alert(1)</script>y<style>p{}</style>z", "xyz"),
        ("a<!-- hidden -->b", "ab"),
        ("caf\u00c3\u00a9", "café"),
        ("a\x00b\x07 \t\r\n c", "a b c"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("&nbsp; &eacute;", "é"),
        ("“quoted”", "“quoted”"),
        ("<br/>", ""),
        ("<p>a&#1;b</p><p>c&#xfffe;</p>", "a b c"),
    ],
)
def test_text_becomes_plain(raw: str, expected: str) -> None:
    assert clean_text(raw, 100) == expected


def test_escaping_without_end_ends_and_leaves_no_tag() -> None:
    raw = "<b>x</b>"
    for _ in range(12):
        raw = raw.replace("&", "&amp;").replace("<", "&lt;")
    assert TAG.search(clean_text(raw, 1_000)) is None


def test_text_of_megabytes_is_cut_at_a_word() -> None:
    text = clean_text("<p>word and more</p>" * 250_000, 100)
    assert text == ("word and more " * 8)[:100].rsplit(" ", 1)[0].strip()


def test_a_word_longer_than_the_bound_is_cut_inside() -> None:
    assert cut_at_word("x" * 50, 10) == "x" * 10
    assert cut_at_word("ab cd", 5) == "ab cd"


PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<script>",
        "</script>",
        "<br",
        ">",
        "<",
        "&lt;",
        "&amp;",
        "lt;",
        "&#60;",
        "&",
        "a",
        "é",
        " ",
    ]
)
MESSY = st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join)


@settings(max_examples=400, deadline=None)
@given(raw=MESSY, bound=st.integers(1, 40))
def test_clean_text_has_no_tags_no_control_characters_and_fits(raw: str, bound: int) -> None:
    text = clean_text(raw, bound)
    assert TAG.search(text) is None
    assert not any(unicodedata.category(character) == "Cc" for character in text)
    assert len(text) <= bound
    assert text == " ".join(text.split())


@settings(max_examples=400, deadline=None)
@given(raw=MESSY, bound=st.integers(1, 40))
def test_cleaning_what_is_clean_changes_nothing(raw: str, bound: int) -> None:
    once = clean_text(raw, bound)
    assert clean_text(once, bound) == once
