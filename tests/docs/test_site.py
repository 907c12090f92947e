"""The site: it builds without a warning, leads nowhere that is not there, and shows what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html
from markdown_it import MarkdownIt

from tests.docs.pages import ROOT

FETCHED = (
    "script/@src",
    "img/@src",
    "link[@rel='stylesheet' or @rel='icon' or @rel='preconnect']/@href",
    "iframe/@src",
)
"""What a browser would load by itself."""
KNOWN = frozenset(
    re.findall(
        r"\w+",
        """
        a article aside b br button code dd del details div dl dt em form h1 h2 h3 h4 h5 h6 hr img input kbd
        label li nav ol p path pre section small span strong sub summary sup svg table tbody td th thead tr ul
        """,
    )
)
"""What the reference may consist of."""
COUNTED = ("table", "tr", "li", "pre", "img", "h2", "h3")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning of the build is a failure here."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@cache
def parsed(page: Path) -> Any:
    """The page's elements."""
    return html.parse(str(page)).getroot()


def pages(site: Path) -> list[Path]:
    """Every page but the one for what is not found, which has its links from the site's root."""
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


def links(page: Path) -> Iterator[str]:
    """Where the page points to or what it loads."""
    yield from parsed(page).xpath("//@href | //@src")


def test_every_link_and_picture_inside_is_there(site: Path) -> None:
    wrong = []
    for page in pages(site):
        for link in links(page):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                wrong.append(f"{page.name}: {link}: no such file")
            elif parts.fragment and target.suffix == ".html":
                ids = parsed(target).xpath("//@id")
                if unquote(parts.fragment) not in ids and parts.fragment != "__skip":
                    wrong.append(f"{page.name}: {link}: no such place")
    assert not wrong


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = {
        f"{page.name}: {address}"
        for page in pages(site)
        for kind in FETCHED
        for address in parsed(page).xpath(f"//{kind}")
        if urlsplit(address).netloc
    }
    assert not loaded
    # Material would fetch its renderer for these.
    assert not [page for page in pages(site) if parsed(page).xpath("//*[contains(@class, 'mermaid')]")]
    assert not [
        sheet for sheet in site.rglob("*.css") if "fonts.googleapis" in sheet.read_text(encoding="utf-8")
    ]


def test_pages_show_the_lists_tables_and_blocks_that_they_have_on_github(site: Path) -> None:
    reader = MarkdownIt("commonmark").enable("table")
    for source in sorted((ROOT / "docs").glob("*.md")):
        plain = html.fromstring(reader.render(source.read_text(encoding="utf-8")))
        (built,) = parsed(site / f"{source.stem}.html").xpath("//article")
        assert counts(built) == counts(plain), source.name


def counts(tree: Any) -> Counter[str]:
    return Counter({tag: len(tree.xpath(f".//{tag}")) for tag in COUNTED})


def test_no_placeholder_of_a_docstring_is_taken_for_markup(site: Path) -> None:
    for page in sorted((site / "reference").glob("*.html")):
        odd = {one.tag for one in parsed(page).xpath("//article//*") if isinstance(one.tag, str)} - KNOWN
        assert not odd, page.name


def test_the_reference_is_made_of_the_code(site: Path) -> None:
    words = {
        name: parsed(site / "reference" / f"{name}.html").text_content()
        for name in ("cli", "http", "settings")
    }
    assert "recsys signing-keys create" in words["cli"]
    assert "--max-bad-share" in words["cli"]
    assert "POST /v1/rules:preview" in words["http"]
    assert "Answer 503 rather than a list that some shard had no part in." in words["http"]
    assert "min_compressed_rows" in words["settings"]
    assert parsed(site / "reference" / "python.html").xpath("//*[@id='recsys.retrieval.merge_top_k']")
