"""Files in the encodings that shops export: read right where it can be told, as asked where it cannot."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.reading import Fault, read_file
from recsys.reading.encodings import encoding_of

CHINESE = [
    ("红色不锈钢保温杯500毫升", "家居/厨房"),
    ("男士纯棉长袖衬衫", "服装/男装"),
    ("无线蓝牙耳机", "数码/音频"),
    ("儿童益智拼图玩具", "玩具/益智"),
    ("新鲜云南普洱茶叶", "食品/茶叶"),
]
RUSSIAN = "Красная кружка из стали;Мужская рубашка;Беспроводные наушники;Детская игрушка;Чай\n"
KOREAN = "빨간색 스테인리스 텀블러,남성용 면 셔츠,무선 블루투스 이어폰,어린이 퍼즐 장난감\n"
GREEK = "Κόκκινη κούπα από ατσάλι;Ανδρικό πουκάμισο;Ασύρματα ακουστικά\n"


def table(rows: list[tuple[str, str]]) -> str:
    return "item_id,title,category\n" + "".join(
        f"p{n},{title},{path}\n" for n, (title, path) in enumerate(rows)
    )


def read(path: Path, encoding: str = "auto") -> list[tuple[str, str]]:
    config = ImportConfig.model_validate({"encoding": encoding})
    batches = list(read_file(path, config))
    assert not [part for part in batches if isinstance(part, Fault)]
    rows = [row for part in batches if not isinstance(part, Fault) for row in part.table.to_pylist()]
    return [(row["title"], row["category"]) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk", "gb2312"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_chinese_table_is_read_whatever_wrote_it(tmp_path: Path, encoding: str, packed: bool) -> None:
    content = table(CHINESE).encode(encoding)
    path = tmp_path / ("items.csv.gz" if packed else "items.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read(path) == CHINESE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "big5", "gb18030", "utf-16"])
def test_what_is_asked_for_is_done(tmp_path: Path, encoding: str) -> None:
    rows = [("紅色不鏽鋼保溫杯", "家居")] if encoding == "big5" else CHINESE
    asked = "utf-16" if encoding.startswith("utf-16") else encoding
    if encoding in ("utf-16-le", "utf-16-be"):
        (tmp_path / "x.csv").write_bytes(("\ufeff" + table(rows)).encode(encoding))
    else:
        (tmp_path / "x.csv").write_bytes(table(rows).encode(encoding))
    assert read(tmp_path / "x.csv", asked) == rows


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
def test_json_is_read_alike(tmp_path: Path, lines: bool, encoding: str) -> None:
    rows = [{"item_id": str(n), "title": title, "category": path} for n, (title, path) in enumerate(CHINESE)]
    texts = [json.dumps(row, ensure_ascii=False) for row in rows]
    path = tmp_path / ("x.jsonl" if lines else "x.json")
    path.write_bytes(("\n".join(texts) if lines else f"[{','.join(texts)}]").encode(encoding))
    assert read(path) == CHINESE


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (KOREAN, "euc-kr"), (GREEK, "cp1253"),
     ("Crème brûlée à l'orange, pêche\n" * 9, "cp1252"), ("größer; ÄÖÜäöüß; Straße\n" * 9, "cp1252")],
)  # fmt: skip
def test_other_alphabets_are_not_taken_for_chinese(text: str, encoding: str) -> None:
    assert encoding_of(text.encode(encoding), "auto") == "mixed"


def test_utf16_without_its_mark_is_told_by_its_zeros() -> None:
    assert encoding_of("item_id,title\n1,Mug\n".encode("utf-16-le"), "auto") == "utf-16-le"
    assert encoding_of("item_id,title\n1,Mug\n".encode("utf-16-be"), "auto") == "utf-16-be"
    assert encoding_of(b"a,b\n1,2\n", "auto") == "mixed"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["auto", "utf-16", "gb18030", "big5", "koi8_r"]))
def test_any_bytes_are_read_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    config = ImportConfig.model_validate({"encoding": encoding})
    for part in read_file(path, config):
        assert isinstance(part, Fault) or part.table.num_rows > 0
