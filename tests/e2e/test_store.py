"""The store page as shoppers use it: a real Chromium before the real service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from cluster.database import open_database
from cluster.key_store import KeyStore
from jobs.bench.service import free_port
from jobs.import_data import import_relations
from jobs.make_shop import write_shop
from recsys.access import Scope
from recsys.config import ImportConfig, RuntimeConfig, ServeConfig
from recsys.relations import Relations
from recsys.relations.file import read_relations
from serve_app import app
from serve_app.key_watch import KeyWatch
from tests.e2e.browsing import CHROMIUM, PATIENCE_MS, examine, listening, tab_to
from tests.serve.conftest import NOW, SmallShop, assemble_inline, make_small_shop

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: sh scripts/system-packages.sh"),
]
FIRST_VIEW_BYTES = 100_000
"""Budget of the first view: page, scripts, styles and answers of the API, as they travel."""
GOES_WITH = re.compile("^(Goes with (it|your cart)|You may also like)$")
"""The list beside an item or a cart."""
PAGE = Path(__file__).resolve().parents[2] / "docs" / "store.md"


@dataclass(frozen=True)
class Store:
    """The service, and what lies behind it."""

    url: str
    shop: SmallShop
    client: httpx.Client
    foreign_port: int
    """Where pages of an origin of their own may call from."""

    def done_by(self, user_id: str) -> list[tuple[str, str]]:
        """What the log holds of a user but for impressions: type and item, in order."""
        events = self.shop.events.events_of(f"user:{user_id}", 1_000)
        return [(one.event_type, one.item_id) for one in events if one.event_type != "impression"]

    def listed(self, path: str, body: dict[str, Any]) -> list[str]:
        """Ids of an answer's list."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return [item["item_id"] for item in answer.json()["items"]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, ray_cluster: None) -> Iterator[Store]:
    """One service for all scenes; pages of one other origin may call it."""
    shop = make_small_shop(tmp_path_factory.mktemp("shop"), tiny_bert, None)
    state_relations(shop, tmp_path_factory.mktemp("stated"))
    foreign_port = free_port()
    config = ServeConfig(
        port=free_port(),
        store=True,
        cors_origins=(f"http://localhost:{foreign_port}",),
        shard_timeout_s=30,
        profile_timeout_s=30,
        encode_timeout_s=30,
    )
    url = app.start(RuntimeConfig(workspace=shop.workspace.root), config)
    with httpx.Client(base_url=url, timeout=30.0) as client:
        yield Store(url, shop, client, foreign_port)
    app.stop()


def state_relations(shop: SmallShop, folder: Path) -> None:
    """What the built-in shop states of its items, as the demo imports it, in the published version."""
    file = write_shop(folder, num_items=200, num_shoppers=50, now=NOW) / "relations.csv"
    report = import_relations([file], item_store=shop.items, workspace=shop.workspace, config=ImportConfig())
    assert report.accepted == report.rows > 0
    shop.index()


@pytest.fixture
def page(context: BrowserContext, store: Store) -> Iterator[Page]:
    """The start page; whatever goes wrong inside it, or leaves the origin, fails the scene."""
    found, wrong = context.new_page(), list[str]()
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on(
        "console",
        lambda said: wrong.append(said.text) if said.type == "error" and "net::" not in said.text else None,
    )
    found.on(
        "request",
        lambda asked: None if asked.url.startswith((store.url, "data:")) else wrong.append(asked.url),
    )
    found.goto(f"{store.url}/store/")
    expect(cards(found)).to_have_count(12)
    yield found
    assert [text for text in wrong if "404" not in text] == []


def cards(page: Page) -> Any:
    """Cards of the shopper's own list."""
    return page.get_by_role("list", name="For you", exact=True).locator(".card")


def shown(page: Page, name: str | re.Pattern[str]) -> list[str]:
    """Ids of the items in a list of cards."""
    links = page.get_by_role("list", name=name, exact=True).locator(".card-link")
    expect(links.first).to_be_visible()
    return [str(link.get_attribute("href")).removeprefix("#/item/") for link in links.all()]


def wait_until_sent(page: Page) -> None:
    """Until the service has acknowledged every event; asked from here, the page's policy forbids `eval`."""
    for _ in range(PATIENCE_MS // 50):
        if not page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('recsys.event:'))"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("events are still waiting")


def be(page: Page, place: int = 0) -> str:
    """Go on as one of the offered shoppers; who it is."""
    person = page.locator(".offered .person").nth(place)
    user_id = person.locator("strong").inner_text()
    person.click()
    expect(page.locator("#shopper-name")).to_have_text(user_id)
    expect(cards(page).locator(".reason", has_text="Because you").first).to_be_visible()
    return user_id


def test_a_newcomer_sees_what_is_popular_within_the_budget(
    context: BrowserContext, store: Store, page: Page
) -> None:
    other = context.new_page()
    sent, network = list[float](), context.new_cdp_session(other)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    other.goto(f"{store.url}/store/", wait_until="networkidle")
    expect(cards(other)).to_have_count(12)
    assert len(sent) > 20
    assert sum(sent) < FIRST_VIEW_BYTES
    assert all(cards(other).locator(".reason").all_inner_texts())
    expect(other.get_by_role("heading", name="Categories")).to_be_visible()
    expect(other.get_by_role("list", name="Popular", exact=True).locator(".card")).to_have_count(6)
    assert not set(shown(other, "Popular")) & set(shown(other, "For you"))


def test_a_click_changes_the_list_and_the_change_is_seen_and_said(store: Store, page: Page) -> None:
    user_id = be(page)
    before = shown(page, "For you")
    assert before == store.listed("/v1/recommend", {"user_id": user_id, "scenario": "home", "n": 12})
    expect(page.locator(".badge")).to_have_count(0)
    cards(page).nth(0).get_by_role("button", name="Like").click()
    expect(page.locator(".moved")).to_contain_text("Since your last click: ")
    expect(page.locator("#voice")).to_contain_text("Your list has changed.")
    after = shown(page, "For you")
    assert before[0] not in after
    new = [item for item in after if item not in before]
    fresh = page.locator(".grid li", has=page.locator(".badge.new")).locator(".card-link")
    assert [str(one.get_attribute("href")).removeprefix("#/item/") for one in fresh.all()] == new
    assert store.done_by(user_id)[-1] == ("like", before[0])
    expect(cards(page).nth(0).locator(":focus")).to_have_count(1)  # whoever tabs goes on from there


def test_search_answers_while_one_types_and_can_follow_taste(store: Store, page: Page) -> None:
    user_id = be(page)
    page.get_by_role("searchbox").press_sequentially("steel kettle")
    expect(page.get_by_role("heading", level=1)).to_have_text("Results for “steel kettle”")
    expect(page.get_by_role("searchbox")).to_be_focused()
    found = store.listed("/v1/search", {"text": "steel kettle", "n": 24})
    assert shown(page, "Results") == found
    expect(page.locator("#voice")).to_have_text("24 results for steel kettle")
    page.get_by_label("Order").select_option("mine")
    mine = store.listed("/v1/rank", {"user_id": user_id, "item_ids": found})
    expect(page.locator(".card-link").first).to_have_attribute("href", f"#/item/{mine[0]}")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")


def test_a_category_is_in_the_shoppers_order(store: Store, page: Page) -> None:
    user_id = be(page)
    page.get_by_role("region", name="Categories").get_by_role("link", name="Kitchen", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    where = {"field": "category", "op": "under", "value": "Kitchen"}
    body = {"user_id": user_id, "category": "Kitchen", "filter": where, "n": 24, "include_seen": True}
    assert shown(page, "Kitchen") == store.listed("/v1/recommend", body)


def test_an_item_is_opened_rated_bought_and_its_neighbours_are_shown(store: Store, page: Page) -> None:
    user_id = be(page, 1)
    done = len(store.done_by(user_id))
    opened = shown(page, "For you")[2]
    cards(page).nth(2).locator(".card-link").click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert shown(page, "Similar items") == store.listed("/v1/similar", {"item_id": opened, "n": 6})
    assert len(shown(page, GOES_WITH)) == 6
    page.locator(".stars label").nth(3).click()
    expect(page.get_by_role("radio", name="4 of 5 stars")).to_be_checked()
    page.get_by_role("main").get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Cart, 1 item").click()
    expect(page.locator(".line")).to_have_count(1)
    page.get_by_role("button", name="One more of").click()
    expect(page.locator(".count span")).to_have_text("2")
    assert opened not in shown(page, GOES_WITH)
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text("Nothing in it yet.")).to_be_visible()
    expect(page.locator("#voice")).to_contain_text("Your list")
    kinds = [kind for kind, item in store.done_by(user_id)[done:] if item == opened]
    assert kinds == ["click", "view", "rating", "add_to_cart", "purchase"]


def test_what_is_stated_to_go_with_an_item_comes_first_with_its_sentence(store: Store, page: Page) -> None:
    stated = Relations.from_table(read_relations(store.shop.workspace.relations))
    rows = {row["item_id"]: row for part in store.shop.items.scan() for row in part.to_pylist()}
    item = max(sorted(stated.complements), key=lambda one: len(stated.complements[one]))

    def is_first(place: str) -> None:
        first = page.get_by_role("list", name=place, exact=True).locator(".card").nth(0)
        expect(first.locator(".reason")).to_have_text(f"Goes with {rows[item]['title']}")
        assert shown(page, place)[0] in stated.complements[item]

    page.goto(f"{store.url}/store/#/item/{item}")
    is_first("Goes with it")
    page.get_by_role("main").get_by_role("button", name="Add to cart").click()
    page.locator("#cart-link").click()
    is_first("Goes with your cart")
    body = {"user_id": "nobody", "cart": [item], "scenario": "cart", "n": 6}
    answer = store.client.post("/v1/recommend", json=body).json()["items"]
    together = [one["item_id"] for one in answer if one["sources"] == ["complements"]]
    assert shown(page, "Goes with your cart")[: len(together)] == together


def test_where_nothing_goes_with_an_item_the_list_does_not_say_so(store: Store, page: Page) -> None:
    stated = Relations.from_table(read_relations(store.shop.workspace.relations))
    rows = [row for part in store.shop.items.scan() for row in part.to_pylist() if row["available"]]
    alone = [row for row in rows if row["item_id"] not in stated.complements and not stated.told_by(row)]
    page.goto(f"{store.url}/store/#/item/{alone[0]['item_id']}")
    assert len(shown(page, "You may also like")) == 6
    page.get_by_role("main").get_by_role("button", name="Add to cart").click()
    page.locator("#cart-link").click()
    expect(page.locator(".line")).to_have_count(1)
    expect(page.get_by_role("heading", name="You may also like")).to_be_visible()
    expect(page.get_by_role("heading", name="Goes with")).to_have_count(0)


def test_a_shopper_is_made_and_stays_apart_from_the_one_before(store: Store, page: Page) -> None:
    first = be(page, 2)
    cards(page).nth(1).get_by_role("button", name="Like").click()
    expect(page.locator(".moved")).to_contain_text("Since")
    known = store.done_by(first)
    page.get_by_role("button", name="Change the shopper").click()
    page.get_by_label("Be a new shopper").fill("Zoë 1")
    page.keyboard.press("Enter")
    expect(page.locator("#shopper-name")).to_have_text("Zoë 1")
    expect(page.locator(".lead").first).to_contain_text("until we know you")
    cards(page).nth(0).get_by_role("button", name="Not for me").click()
    cards(page).nth(1).get_by_role("button", name="Like").click()
    expect(cards(page).locator(".reason", has_text="Because you liked").first).to_be_visible()
    page.get_by_role("button", name="How it works").click()
    panel = page.get_by_role("complementary", name="How this works")
    expect(panel.locator(".beliefs li")).to_have_count(2)
    expect(panel).to_contain_text("100.0 % of")
    assert [kind for kind, _ in store.done_by("Zoë 1")] == ["dismiss", "like"]
    assert store.done_by(first) == known


def test_what_was_clicked_offline_is_sent_once_when_the_network_is_back(store: Store, page: Page) -> None:
    user_id = be(page, 3)
    done = len(store.done_by(user_id))
    chosen = shown(page, "For you")[:3]
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    for place in range(3):
        cards(page).nth(place).get_by_role("button", name="Like").click()
    expect(page.locator("#offline")).to_contain_text(re.compile(r"[3-9] of your clicks wait"))
    assert [item for kind, item in store.done_by(user_id)[done:] if kind == "like"] == []
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator(".moved")).to_contain_text("Since your last click")
    assert [item for kind, item in store.done_by(user_id)[done:] if kind == "like"] == chosen


def test_an_answer_that_is_lost_on_its_way_does_not_count_twice(store: Store, page: Page) -> None:
    user_id = be(page, 0)
    done = len(store.done_by(user_id))
    lost = list[str]()

    def lose(route: Route) -> None:
        if not lost:
            lost.append(route.fetch().text())  # the service has written the events
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/events:batch", lose)
    cards(page).nth(0).get_by_role("button", name="Like").click()
    wait_until_sent(page)
    assert len(lost) == 1
    assert [kind for kind, _ in store.done_by(user_id)[done:] if kind == "like"] == ["like"]


def test_everything_to_a_full_cart_goes_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to(page, ".card-link")
    page.keyboard.press("Enter")
    expect(page.locator(".item h1")).to_be_focused()
    tab_to(page, ".about .button.primary")
    page.keyboard.press("Enter")
    expect(page.locator("#cart-count")).to_have_text("1")
    expect(page.locator("#note")).to_contain_text("in your cart")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_view_has_a_serious_finding_or_is_wider_than_the_screen(
    browser: Browser, store: Store, width: int
) -> None:
    # Its own policy would keep the examiner out.
    context = browser.new_context(
        viewport={"width": width, "height": 844}, bypass_csp=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{store.url}/store/")
    expect(cards(page)).to_have_count(12)
    be(page, 1)
    cards(page).nth(0).get_by_role("button", name="Like").click()
    expect(page.locator(".badge").first).to_be_visible()
    examine(page, "home")
    page.get_by_role("button", name="Change the shopper").click()
    examine(page, "shoppers")
    page.keyboard.press("Escape")
    cards(page).nth(0).get_by_role("button", name="Add").click()
    cards(page).nth(1).locator(".card-link").click()
    expect(page.locator(".item")).to_be_visible()
    page.get_by_role("button", name="How it works").click()
    expect(page.locator(".beliefs")).to_be_visible()
    examine(page, "item with the panel")
    page.get_by_role("button", name="How it works").press("Enter")
    page.locator("#cart-link").press("Enter")
    expect(page.locator(".line")).to_be_visible()
    examine(page, "cart")
    context.close()


def test_a_key_is_asked_for_once_and_kept_in_the_tab(context: BrowserContext, store: Store) -> None:
    config = ServeConfig(store=True, keys=True, shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
    service = assemble_inline(store.shop, config)
    keys = KeyStore(open_database(store.shop.workspace.database_url))
    service.keys = KeyWatch(keys, 0.05)
    key = keys.create("page", (Scope.RECOMMEND, Scope.EVENTS_WRITE)).text
    with listening(service, free_port()) as url:
        page = context.new_page()
        page.goto(f"{url}/store/")
        for given in ("rk_wrong", key):
            page.get_by_label("API key").fill(given)
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_role("dialog")).to_have_count(int(given != key))
        expect(cards(page)).to_have_count(12)
        cards(page).nth(0).get_by_role("button", name="Like").click()
        expect(page.locator(".moved")).to_contain_text("Since your last click")
        page.get_by_role("button", name="How it works").click()
        expect(page.get_by_text("lacks the scope `admin`")).to_be_visible()
        page.reload()
        expect(cards(page)).to_have_count(12)
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert page.evaluate("Object.values(localStorage).join()").count(key) == 0
        page.close()


@contextmanager
def files_of(folder: Path, port: int) -> Iterator[None]:
    """A shop's own web server."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_tag_works_in_a_page_of_another_origin_as_documented(
    context: BrowserContext, store: Store, tmp_path: Path
) -> None:
    example = re.findall(r"```html\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]
    (tmp_path / "shop.html").write_text(example.replace("https://recommender.example", store.url))
    page = context.new_page()
    with files_of(tmp_path, store.foreign_port):
        page.goto(f"http://localhost:{store.foreign_port}/shop.html")
        page.get_by_role("button", name="Add to cart").click()
        wait_until_sent(page)
    visitor = page.evaluate("localStorage['recsys.visitor']")
    done = store.shop.events.events_of(f"visitor:{visitor}", 10)
    assert ("add_to_cart", "item-00042") in [(one.event_type, one.item_id) for one in done]
