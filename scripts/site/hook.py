"""What MkDocs asks while it builds the site: pages made of the code, and of files that lie outside docs/.

README.md is the first page, DESIGN.md and CHANGELOG.md are pages; none of them is copied. Commands come from
Typer's own description of `recsys`, the HTTP API from its OpenAPI document.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the site describes this working tree, not whatever is installed

from scripts.site.command_page import command_page  # noqa: E402
from scripts.site.description import description  # noqa: E402
from scripts.site.http_page import http_page  # noqa: E402

OUTSIDE = {"index.md": "README.md", "architecture.md": "DESIGN.md", "changelog.md": "CHANGELOG.md"}
PLACES = {source: page for page, source in OUTSIDE.items()}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are no files of docs/."""
    made = {page: from_root((ROOT / source).read_text(encoding="utf-8")) for page, source in OUTSIDE.items()}
    made |= {"reference/cli.md": command_page(), "reference/http.md": http_page(description())}
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of docs/ lead to the pages made of those files.

    A block's second word (`json rule`) is for tests; it goes, or MkDocs would not see the block.
    """
    for source, page in PLACES.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}")
    return re.sub(r"^(```\w+) +[\w-]+$", r"\1", markdown, flags=re.M)


def from_root(text: str) -> str:
    """The links of a file of the root as they are from docs/."""

    def moved(found: re.Match[str]) -> str:
        path, anchor = found["path"], found["anchor"] or ""
        return f"]({PLACES.get(path, path.removeprefix('docs/'))}{anchor})"

    return re.sub(r"\]\((?P<path>(?!\w+:)[^)#\s]+)(?P<anchor>#[^)]*)?\)", moved, text)
