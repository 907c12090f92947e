"""The event tag in a page that ends before its events are sent: a real Chromium before the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from jobs.bench.service import free_port
from recsys.config import ServeConfig
from tests.e2e.browsing import CHROMIUM, PATIENCE_MS, listening
from tests.serve.conftest import SmallShop, assemble_inline, make_small_shop

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: sh scripts/system-packages.sh"),
]
ITEM = "item-00042"
SHOP_PAGE = """<!doctype html>
<title>A shop</title>
<script type="module">
  import { createTag } from "/store/tag.js";

  const visitorId = new URLSearchParams(location.search).get("visitor");
  window.tag = createTag({ endpoint: location.origin, visitorId });
  window.atFirst = { waiting: tag.waiting, sentBy: localStorage.getItem("sent by") };
  tag.addEventListener("sent", ({ detail }) => (window.answer = detail.answer));
</script>"""
NOTE_SENDING = """
const [send, ask] = [navigator.sendBeacon.bind(navigator), window.fetch];
const note = (what) => localStorage.setItem("sent by", what);
navigator.sendBeacon = (...given) => (note("beacon"), send(...given));
window.fetch = (url, options) => (note(`keepalive ${options?.keepalive}`), ask(url, options));
"""
"""What a page that has ended cannot say any more: how it sent last."""
WITHOUT_KEEPALIVE = "delete Request.prototype.keepalive;"
TRACK = f"""
window.setTimeout = () => 0; // so that nothing but the page's end sends
tag.track("click", "{ITEM}");
"""


@dataclass(frozen=True)
class Scene:
    """A service, and pages of a browser before it."""

    url: str
    shop: SmallShop

    def open(self, context: BrowserContext, visitor: str) -> Page:
        """A shop's page with the tag in it."""
        page = context.new_page()
        page.route("**/shop.html?*", lambda route: route.fulfill(body=SHOP_PAGE, content_type="text/html"))
        page.goto(f"{self.url}/shop.html?visitor={visitor}")
        page.wait_for_function("window.tag")
        return page

    def clicks(self, visitor: str) -> int:
        """How many clicks the log holds."""
        return sum(
            (one.event_type, one.item_id) == ("click", ITEM)
            for one in self.shop.events.events_of(f"visitor:{visitor}", 100)
        )

    def wait_for_click(self, visitor: str) -> None:
        """Until the service has written one."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.clicks(visitor):
            assert time.monotonic() < deadline, "the event was lost with its page"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Iterator[Scene]:
    """One service for all pages."""
    shop = make_small_shop(tmp_path_factory.mktemp("shop"), tiny_bert, None)
    config = ServeConfig(store=True, shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
    with listening(assemble_inline(shop, config), free_port()) as url:
        yield Scene(url, shop)


def navigate(page: Page) -> None:
    """On to another page of the tab."""
    page.goto("about:blank")


ENDS: dict[str, Callable[[Page], None]] = {"closed": Page.close, "navigated": navigate}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("browser_has", "sent_by"),
    [("", "keepalive true"), (WITHOUT_KEEPALIVE, "beacon")],
    ids=["fetch", "beacon"],
)
def test_what_is_tracked_as_a_page_ends_arrives_and_its_repetition_counts_once(
    context: BrowserContext, scene: Scene, end: str, browser_has: str, sent_by: str
) -> None:
    visitor = f"{end}-{sent_by.split()[0]}"
    context.add_init_script(NOTE_SENDING + browser_has)
    page = scene.open(context, visitor)
    page.evaluate(TRACK)
    ENDS[end](page)
    scene.wait_for_click(visitor)
    # The page was gone before it knew, so the next one begins by sending the same event again.
    following = scene.open(context, visitor)
    assert following.evaluate("window.atFirst") == {"waiting": 1, "sentBy": sent_by}
    following.wait_for_function("window.answer && tag.waiting === 0")
    assert following.evaluate("[answer.appended, answer.duplicates]") == [0, 1]
    assert scene.clicks(visitor) == 1
