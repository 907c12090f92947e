from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from recsys.filters import parse_filter
from recsys.text import MAX_DESCRIPTION_CHARS, item_text
from recsys.words import names, scripts_of, words_of

ANALYZER = CountVectorizer().build_analyzer()


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_spaced_scripts_have_the_words_of_scikit_learn(text: str) -> None:
    assert words_of(text) == ANALYZER(text)


def test_unspaced_runs_are_pairs_and_the_rest_stays_whole() -> None:
    assert words_of("红色保温杯 500ml") == ["红色", "色保", "保温", "温杯", "500ml"]
    assert words_of("iPhone手机壳") == ["iphone", "手机", "机壳"]
    assert words_of("茶") == ["茶"]
    assert words_of("빨간 컵, Чашка") == ["빨간", "чашка"]


def test_a_name_inside_an_unspaced_title_is_named() -> None:
    assert names("华为手机 Pro", "华为")
    assert not names("手机", "华为")
    assert names("Blue Mug", "mug")
    assert item_text({"title": "华为无线耳机", "brand": "华为"}) == "华为无线耳机"


def test_a_long_unspaced_text_is_cut_where_it_is_full_not_at_its_first_space() -> None:
    text = item_text({"title": "茶", "description": "云南 " + "普洱茶叶" * 1_000})
    assert len(text) == MAX_DESCRIPTION_CHARS + len("茶. ")


def test_files_of_an_item_say_nothing_of_what_it_is() -> None:
    row = {
        "title": "Dawn",
        "attributes": {"video": "a.mp4", "subtitles": "a.srt", "frames": "a", "year": "1999"},
    }
    assert item_text(row) == "Dawn. year: 1999"


def test_scripts_are_told_by_their_letters() -> None:
    found = scripts_of(["红色保温杯 cup", "茶叶"])
    assert list(found) == ["han", "latin"]
    assert found["han"] == pytest.approx(7 / 10)
    assert scripts_of(["123", ""]) == {}
    assert list(scripts_of(["カップ"])) == ["kana"]


@pytest.mark.parametrize(
    ("field", "value", "passed"),
    [
        ("title", "保温", [True, False, False]),
        ("title", "ÉMAIL", [False, True, False]),
        ("title", "КРУЖКА", [False, False, True]),
        ("brand", "为", [True, False, False]),
        ("category", "厨房", [True, False, False]),
    ],
)
def test_a_filter_finds_a_piece_of_a_name_in_any_script(field: str, value: str, passed: list[bool]) -> None:
    items = pa.table(
        {
            "title": ["不锈钢保温杯", "Tasse émail", "Красная кружка"],
            "brand": ["华为", None, "x"],
            "category": ["家居/厨房", "maison", None],
        }
    )
    found = parse_filter({"field": field, "op": "contains", "value": value}).mask(items)
    assert (found == np.array(passed)).all()
    under = parse_filter({"field": "category", "op": "under", "value": "家居"}).mask(items)
    assert under.tolist() == [True, False, False]
