"""Links between files lead somewhere where a page is read as a file, as on a code host."""

from __future__ import annotations

import re
from urllib.parse import unquote

from tests.docs.pages import LINKED, ROOT, prose

LINK = re.compile(r"\]\((?![a-z]+:|#)(?P<path>[^)#\s]+)")


def test_every_link_to_a_file_leads_to_one() -> None:
    made = ROOT / "docs" / "reference"  # its neighbours are made when the site is built
    missing = [
        f"{page.relative_to(ROOT)}: {found['path']}"
        for page in LINKED
        if made not in page.parents
        for found in LINK.finditer(prose(page))
        if not (page.parent / unquote(found["path"])).exists()
    ]
    assert not missing
