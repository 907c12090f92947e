"""The console as operators use it: a real Chromium before the real API, without a second Ray."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

import cluster.confirmed_publish
import serve_app.replica_report
from cluster.database import open_database
from cluster.key_store import KeyStore
from cluster.loop_store import LoopStore
from jobs.bench.service import free_port
from jobs.item_map import run_map
from recsys.access import Scope
from recsys.config import RuntimeConfig, ServeConfig
from recsys.feedback import Kind, Run, RunState, Trigger
from recsys.index import current_version, list_versions
from recsys.schemas import QUARANTINE
from serve_app.console_page import FOLDER
from serve_app.key_watch import KeyWatch
from serve_app.page_files import PARTS
from tests.e2e.browsing import CHROMIUM, examine, listening, serious, tab_to
from tests.serve.conftest import SmallShop, assemble_inline, make_small_shop
from tests.serve.test_api import active_user

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: sh scripts/system-packages.sh"),
]
FIRST_VIEW_BYTES = 40_000
"""Budget of the first view: page, scripts, styles and answers of the API, as they travel."""
BEAT_S = 0.2
VIEWS = {
    "": "Health",
    "versions": "Index versions",
    "jobs": "Jobs and decisions",
    "why": "Why this item",
    "rules": "Rules",
    "scenarios": "Scenarios",
    "experiments": "Experiments",
    "quality": "Quality over time",
    "catalog": "Catalog",
    "quarantine": "Quarantine",
    "moderation": "Moderation",
    "map": "Map of the catalog",
    "audit": "Audit",
}
HELD = ("item-00003", "item-00004")
VISITOR = "known-to-the-tag-alone"


@dataclass(frozen=True)
class Console:
    """The service, and what lies behind it."""

    url: str
    shop: SmallShop
    client: httpx.Client
    user: str

    @property
    def loop(self) -> LoopStore:
        return LoopStore(open_database(self.shop.workspace.database_url))

    def listed(self, body: dict[str, Any]) -> list[str]:
        """Ids of a shopper's list."""
        answer = self.client.post("/v1/recommend", json=body)
        return [item["item_id"] for item in answer.json()["items"]]


def furnish(shop: SmallShop) -> None:
    """Something for every view: two versions, runs, an evaluation, refused rows, reviews, a map."""
    renamed = shop.shop.items.slice(0, 1).set_column(1, "title", [["Quite another title"]])
    shop.items.upsert(renamed)
    shop.index()
    runs = LoopStore(open_database(shop.workspace.database_url)).runs
    result = {"index_version": "gone", "validation": {"discover ndcg@10": 0.21, "again ndcg@10": 0.33}}
    times = {"started_at_us": 10**15, "ended_at_us": 10**15 + 60_000_000}
    more: dict[str, Any] = {"reasons": ("1,200 new events",), "result": result, **times}
    runs.add(Run("fit-1", Kind.FIT, Trigger.DRY_RUN, RunState.SUCCEEDED, 1, 1, **more), None)
    kind, state = Kind.FINE_TUNE, RunState.RUNNING
    runs.add(Run("tune-1", kind, Trigger.DRY_RUN, state, 1, 1, started_at_us=10**15 + 90_000_000), None)
    (shop.workspace.root / "loop").mkdir()
    (shop.workspace.root / "loop" / "tune-1.log").write_text("$ recsys train --json\nepoch 1\n")
    evaluated(shop.workspace.reports)
    refused = [
        {"file": "items.csv", "row": n, "reason": "bad_price", "detail": f"found <b>{n}</b>", "raw": "{}"}
        for n in range(60)
    ]
    shop.workspace.quarantine.mkdir()
    pq.write_table(
        pa.Table.from_pylist(refused, schema=QUARANTINE), shop.workspace.quarantine / "items-0a.parquet"
    )
    for place, item in enumerate(HELD):
        review = {"text_hash": "0", "state": "held", "label": "weapons", "score": 0.9 - place / 10}
        shop.controls.put("review", item, review, "classifier")
    run_map(RuntimeConfig(workspace=shop.workspace.root), None)


def evaluated(reports: Path) -> None:
    """Two evaluations with intervals."""
    for day, mean in ((1, 0.20), (2, 0.24)):
        ndcg = {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}
        method = {"name": "ours", "params": {}, "num_trials": 1, "validation": mean, "metrics": {}}
        speed = {"ndcg": ndcg, "fit_s": 1.0, "users_per_s": 1.0}
        table = {"title": "New items", "mask_seen": True, "num_users": 9, "num_without_target": 0}
        counts = dict.fromkeys(("num_items", "num_users", "num_events", "num_train_events", "seed"), 9)
        report = {"label": "shop", "split": "temporal", "holdout_days": 1.0, "command": "c", "seconds": 1.0}
        more = {
            "created_at": f"2026-11-0{day}T00:00:00+00:00",
            "tables": [{**table, "methods": [method | speed]}],
        }
        folder = reports / f"evaluation-2026110{day}T000000"
        folder.mkdir(parents=True)
        (folder / "evaluation.json").write_text(json.dumps(report | counts | more))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Iterator[Console]:
    """One service for all scenes; its replica reports often, so that publishing takes no seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve_app.replica_report, "BEAT_S", BEAT_S)
        patch.setattr(cluster.confirmed_publish, "WATCHED_S", 2.5 * BEAT_S)
        shop = make_small_shop(tmp_path_factory.mktemp("shop"), tiny_bert, None)
        furnish(shop)
        config = ServeConfig(console=True, shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
        service = assemble_inline(shop, config)
        with listening(service, free_port()) as url, httpx.Client(base_url=url, timeout=30.0) as client:
            yield Console(url, shop, client, active_user(shop))


@pytest.fixture
def page(context: BrowserContext, console: Console) -> Iterator[Page]:
    """The console; whatever goes wrong inside it, or leaves the origin, fails the scene."""
    found, wrong = context.new_page(), list[str]()
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on(
        "console",
        lambda said: (
            wrong.append(said.text) if said.type == "error" and "status of" not in said.text else None
        ),
    )
    found.on("request", lambda asked: None if asked.url.startswith(console.url) else wrong.append(asked.url))
    found.goto(f"{console.url}/console/")
    expect(found.get_by_role("heading", level=1)).to_have_text("Health")
    yield found
    assert wrong == []


def open_view(page: Page, path: str, title: str) -> None:
    """Go to an address of the console, as a link from elsewhere does."""
    page.evaluate("path => { location.hash = path }", f"/{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("main[aria-busy]")).to_have_count(0)


def rows(page: Page, name: str) -> Locator:
    """Rows of a table but its head."""
    return page.get_by_role("region", name=name, exact=True).locator("tbody tr")


def agree(page: Page, does: str) -> None:
    """Say yes to the question in front of the page."""
    page.get_by_role("dialog").get_by_role("button", name=does, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def as_visitor(page: Page, label: str) -> None:
    """Name the visitor by keyboard alone: the id, and beside it what it is."""
    page.get_by_label(label).fill(VISITOR)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Known as")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Known as")).to_have_value("visitor")


def answering(body: Any, status: int = 200) -> Callable[[Route], None]:
    """Answers every request with the same."""
    return lambda route: route.fulfill(status=status, json=body)


def test_health_is_live_within_the_budget_and_says_what_is_wrong(
    context: BrowserContext, console: Console
) -> None:
    page, sent = context.new_page(), list[float]()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    page.goto(f"{console.url}/console/")
    expect(page.locator(".tile", has_text="Coverage")).to_contain_text("100.0 %")
    expect(page.locator(".tile", has_text="Shards")).to_contain_text("2 of 2")
    assert sum(sent) < FIRST_VIEW_BYTES, sum(sent)
    console.listed({"user_id": console.user})
    expect(rows(page, "Time by stage").filter(has_text="retrieve")).to_have_count(1)
    expect(rows(page, "Replicas").get_by_text("reports")).to_have_count(1)

    def change(route: Route) -> None:
        answer = route.fetch().json()
        answer["coverage"]["ratio"] = 0.5
        route.fulfill(json=answer)

    page.route("**/v1/health", change)
    expect(page.locator(".warnings")).to_have_text("Only 50.0 % of the items are searched.")
    expect(page.locator("#voice")).to_have_text("Only 50.0 % of the items are searched.")
    page.unroute("**/v1/health")
    page.route("**/v1/health", answering({"message": "no board"}, 503))
    expect(page.get_by_text(re.compile("These figures are of .*no board"))).to_be_visible()
    page.close()


def test_a_version_is_rolled_back_and_published_again_and_the_audit_knows(
    console: Console, page: Page
) -> None:
    workspace = console.shop.workspace
    first, second = list_versions(workspace)
    open_view(page, "versions", "Index versions")
    expect(rows(page, "Index versions").nth(0)).to_contain_text("answers")
    expect(rows(page, "Index versions")).to_contain_text(["nothing against it"] * 2)
    page.get_by_role("link", name=second).click()
    page.get_by_role("button", name="Roll back").click()
    agree(page, "Leave it")
    assert current_version(workspace) == second
    page.get_by_role("button", name="Roll back").click()
    agree(page, "Roll back")
    expect(page.locator("#note")).to_have_text(f"{first} answers now.")
    assert current_version(workspace) == first
    page.get_by_role("button", name="Publish").click()
    agree(page, "Publish")
    expect(page.get_by_role("button", name="Roll back")).to_be_visible()
    assert current_version(workspace) == second
    open_view(page, "audit", "Audit")
    expect(rows(page, "Changes").nth(0)).to_contain_text("publish")
    expect(rows(page, "Changes").nth(1)).to_contain_text("rollback")


def test_jobs_show_why_and_how_far_and_are_asked_for(console: Console, page: Page) -> None:
    open_view(page, "jobs", "Jobs and decisions")
    expect(rows(page, "Decisions of the loop").filter(has_text="fit-1")).to_contain_text("1,200 new events")
    page.get_by_role("button", name="Pause the loop").click()
    expect(page.get_by_role("button", name="Let the loop decide")).to_be_visible()
    assert console.loop.paused
    page.get_by_role("button", name="Let the loop decide").click()
    expect(page.get_by_role("button", name="Pause the loop")).to_be_visible()
    page.get_by_label("Run", exact=True).select_option("fit")
    page.get_by_role("button", name="Ask for a run").click()
    agree(page, "Ask")
    expect(page.locator("#note")).to_contain_text("asked for")
    assert [one.kind for one in console.loop.requests.open()] == [Kind.FIT]
    page.get_by_role("link", name="tune-1").first.click()
    expect(page.get_by_text("step 1 of 4")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("epoch 1")


def test_a_list_is_explained_with_its_parts_and_what_lost_its_place(console: Console, page: Page) -> None:
    liked = console.listed({"user_id": console.user, "n": 6})[0]
    event = {"user_id": console.user, "item_id": liked, "event_type": "like"}
    console.client.post("/v1/events:batch", json={"events": [event]})
    open_view(page, "why", "Why this item")
    expect(page.locator(".empty")).to_be_visible()
    page.get_by_label("Shopper").fill(console.user)
    page.get_by_label("Items").fill("6")
    page.get_by_role("button", name="Explain").click()
    listed = console.listed({"user_id": console.user, "n": 6})
    shown = rows(page, "The list with its contributions").locator(".item-cell .small")
    expect(shown).to_have_text(listed)
    assert page.locator(".parts .bar").count() >= 6
    lost = rows(page, "Items that the score alone would have listed")
    expect(lost.filter(has_text=liked)).to_contain_text("the shopper has acted on it")
    lost.filter(has_text=liked).get_by_role("link").click()
    expect(page.locator(".fate")).to_contain_text("It is not in the list: the shopper has acted on it")
    assert liked not in listed
    page.reload()  # every state has an address
    expect(page.locator(".fate")).to_contain_text("It is not in the list")
    rows(page, "The list with its contributions").nth(1).get_by_role("link").click()
    expect(page.locator(".fate")).to_contain_text("It stands at place 2.")


def visited(console: Console) -> tuple[str, list[str], str]:
    """One view of a visitor: the title of what was seen, the list then, and what in it is for no stranger."""
    item = console.client.get("/v1/items/item-00150").json()
    view = {"visitor_id": VISITOR, "item_id": item["item_id"], "event_type": "view", "event_id": VISITOR}
    console.client.post("/v1/events:batch", json={"events": [view]}).raise_for_status()
    personal, strange = (console.listed({kind: VISITOR, "n": 5}) for kind in ("visitor_id", "user_id"))
    return item["title"], personal, next(item for item in personal if item not in strange)


def test_a_visitors_list_is_explained_and_the_interest_is_on_the_map(console: Console, page: Page) -> None:
    title, personal, own = visited(console)
    open_view(page, "why", "Why this item")
    page.get_by_label("Items").fill("5")
    as_visitor(page, "Shopper")
    page.get_by_role("button", name="Explain").press("Enter")
    listed = rows(page, "The list with its contributions")
    expect(listed.locator(".item-cell .small")).to_have_text(personal)
    expect(listed.filter(has_text=own).locator(".parts")).to_contain_text(title)
    expect(listed.filter(has_text=own).locator(".parts .bar")).not_to_have_count(0)
    believed = rows(page, f"Interests of {VISITOR}")
    expect(believed).to_contain_text([title])
    listed.first.get_by_role("link").click()  # still the visitor's
    expect(page.locator(".fate")).to_contain_text("It stands at place 1.")
    page.get_by_role("link", name="See them on the map").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Map of the catalog")
    expect(believed).to_contain_text([title])
    page.get_by_label("Known as").select_option("signed in (user_id)")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".empty")).to_have_text("Nothing is known about this shopper.")
    as_visitor(page, "Interests of shopper")
    page.get_by_role("button", name="Show").press("Enter")
    expect(believed).to_contain_text([title])


def test_a_rule_is_tried_on_a_visitor(console: Console, page: Page) -> None:
    *_, own = visited(console)
    open_view(page, "rules?new=1", "New rule")
    rule = {"items": {"field": "item_id", "op": "==", "value": own}, "effect": {"kind": "hide"}}
    page.get_by_label("The rule", exact=True).fill(json.dumps(rule))
    page.get_by_label("Items").fill("5")
    as_visitor(page, "Try it on shopper")
    page.get_by_role("button", name="Preview").press("Enter")
    expect(rows(page, "The list then")).to_have_count(5)
    gone = page.locator(f"a[href='#/why?item={own}']")
    expect(rows(page, "What would change").filter(has=gone)).to_have_count(1)


def test_a_rule_is_tried_before_it_is_kept(console: Console, page: Page) -> None:
    first = console.listed({"user_id": console.user, "n": 5})[0]
    rule = {"items": {"field": "item_id", "op": "==", "value": first}, "effect": {"kind": "hide"}}
    open_view(page, "rules", "Rules")
    expect(page.locator(".empty")).to_have_text("There is no rule yet.")
    page.get_by_role("link", name="New rule").click()
    save = page.get_by_role("button", name="Save")
    page.get_by_label("Name").fill("recalled")
    page.get_by_label("The rule", exact=True).fill("{broken")
    page.get_by_label("Try it on shopper").fill(console.user)
    page.get_by_label("Items").fill("5")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".problem")).to_be_visible()
    expect(save).to_be_disabled()
    page.get_by_label("The rule", exact=True).fill(json.dumps(rule))
    page.get_by_role("button", name="Preview").click()
    expect(rows(page, "What would change").filter(has_text="recalled")).to_have_count(1)
    expect(save).to_be_enabled()
    page.get_by_label("The rule", exact=True).press("End")
    page.get_by_label("The rule", exact=True).press_sequentially(" ")
    expect(save).to_be_disabled()  # it was not this text that was tried
    page.get_by_role("button", name="Preview").click()
    save.click()
    agree(page, "Save")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rules")
    assert first not in console.listed({"user_id": console.user, "n": 5})
    page.get_by_role("link", name="recalled").click()
    page.get_by_role("button", name="Take it away").first.click()
    agree(page, "Take it away")
    expect(page.locator(".empty")).to_have_text("There is no rule yet.")
    assert console.listed({"user_id": console.user, "n": 5})[0] == first


def test_settings_of_a_scenario_are_tried_and_kept(console: Console, page: Page) -> None:
    open_view(page, "scenarios/home", "home")
    page.get_by_label("The scenario", exact=True).fill('{"n": 4, "sources": ["new"]}')
    page.get_by_label("Try it on shopper").fill(console.user)
    page.get_by_label("Items").fill("4")
    page.get_by_role("button", name="Preview").click()
    expect(rows(page, "The list then")).to_have_count(4)
    page.get_by_role("button", name="Save").click()
    agree(page, "Save")
    expect(page.get_by_role("heading", level=1)).to_have_text("Scenarios")
    answer = console.client.post("/v1/recommend", json={"scenario": "home"}).json()
    assert {source for item in answer["items"] for source in item["sources"]} == {"new"}
    assert console.client.delete("/v1/scenarios/home").status_code == 200


def test_experiments_and_quality_are_drawn_with_intervals(console: Console, page: Page) -> None:
    arms = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"lists.diversity": 0.4}}]
    console.client.put("/v1/experiments/varied", json={"arms": arms})
    for place in range(12):
        answer = console.client.post("/v1/recommend", json={"user_id": f"new-{place}", "n": 3}).json()
        shown = {"user_id": f"new-{place}", "recommendation_id": answer["recommendation_id"]}
        events = [{**shown, "event_type": "click", "item_id": answer["items"][0]["item_id"]}]
        console.client.post("/v1/events:batch", json={"events": events})
    open_view(page, "experiments", "Experiments")
    page.get_by_role("link", name="varied").click()
    expect(page.locator(".verdict strong")).to_have_text("not enough data")
    expect(page.get_by_role("img", name=re.compile("Relative difference"))).to_be_visible()
    expect(rows(page, "Arms")).to_have_count(2)
    console.client.delete("/v1/experiments/varied")
    open_view(page, "quality", "Quality over time")
    plot = page.get_by_role("img", name=re.compile("NDCG@10, New items: 2 figures, the last 0.2400"))
    expect(plot.locator(".interval")).to_have_count(2)
    expect(page.locator(".plot")).to_have_count(3)
    page.get_by_text("As a table").last.click()
    expect(page.get_by_role("region", name="NDCG@10, New items").locator("tbody tr")).to_have_count(2)


def test_the_catalog_and_what_was_refused_are_paged(console: Console, page: Page) -> None:
    open_view(page, "catalog", "Catalog")
    ids = page.locator(".item-cell .small")
    expect(ids).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(ids.first).to_have_text("item-00050")
    page.get_by_label("In title or id").fill("another TITLE")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".item-cell a")).to_have_text(["Quite another title"])
    page.get_by_label("In title or id").fill("no such thing")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".empty")).to_have_text("No such item.")
    open_view(page, "quarantine", "Quarantine")
    expect(rows(page, "Files of refused rows")).to_contain_text("bad price 60")
    page.get_by_role("link", name="items-0a.parquet").click()
    expect(rows(page, "Refused rows").first).to_contain_text("found <b>0</b>")  # never read as markup
    page.get_by_role("link", name="Next page").click()
    expect(rows(page, "Refused rows")).to_have_count(10)


def test_a_reviewer_decides_and_the_item_is_shown_again(console: Console, page: Page) -> None:
    open_view(page, "moderation", "Moderation")
    expect(rows(page, "Reviews").locator(".item-cell .small")).to_have_text(list(HELD))
    rows(page, "Reviews").nth(0).get_by_role("button", name="Approve").click()
    expect(rows(page, "Reviews")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    body = {"user_id": "nobody", "filter": {"field": "item_id", "op": "in", "value": list(HELD)}}
    assert console.listed(body) == [HELD[0]]
    page.get_by_role("link", name="Decided").click()
    expect(rows(page, "Reviews")).to_contain_text("approved")


def test_the_map_is_walked_by_keyboard_and_shows_interests(console: Console, page: Page) -> None:
    open_view(page, f"map?user={console.user}", "Map of the catalog")
    canvas = page.get_by_role("img", name=re.compile("Map of 200 items"))
    profile = console.client.get(f"/v1/users/{console.user}/profile").json()
    expect(rows(page, f"Interests of {console.user}")).to_have_count(len(profile["interests"]))
    canvas.focus()
    page.keyboard.press("ArrowRight")
    about = page.locator("#map-about a")
    expect(about).to_have_text(profile["interests"][0]["title"])
    page.keyboard.press("ArrowLeft")
    expect(about).not_to_have_text(profile["interests"][0]["title"])
    before = canvas.screenshot()
    page.locator(".chip").first.click()
    expect(page.locator(".chip").first).to_have_attribute("aria-pressed", "true")
    assert canvas.screenshot() != before
    open_view(page, "map?user=nobody-knows", "Map of the catalog")
    expect(page.locator(".empty")).to_have_text("Nothing is known about this shopper.")


def test_every_view_says_when_it_loads_is_empty_or_fails(page: Page) -> None:
    held = list[Route]()
    page.route("**/v1/quality*", lambda route: held.append(route))
    page.evaluate("location.hash = '/quality'")
    expect(page.locator("main[aria-busy]")).to_have_count(1)
    while not held:
        page.wait_for_timeout(50)
    held[0].fulfill(json={"points": [], "reports": []})
    expect(page.locator(".empty")).to_contain_text("Nothing was measured yet")
    page.unroute("**/v1/quality*")
    empty: dict[str, Any] = {
        "versions": {"versions": [], "next": None, "earlier": None},
        "experiments": [],
        "quarantine": {"files": [], "total": 0},
        "moderation": [],
        "audit": [],
    }
    for view, answer in empty.items():
        page.route("**/v1/**", answering(answer))
        open_view(page, view, VIEWS[view])
        expect(page.locator(".empty")).to_have_count(1)
        page.unroute("**/v1/**")
    page.route("**/v1/**", answering({"message": "no database"}, 503))
    for view in VIEWS:
        page.evaluate("path => { location.hash = path }", f"/{view}" if view != "why" else "/why?user=u")
        expect(page.locator(".lead")).to_have_text("no database Try again in a moment.")
        page.evaluate("document.querySelector('main').replaceChildren()")
    page.unroute("**/v1/**")
    page.evaluate("location.hash = '/versions/none'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not here")


def test_everything_goes_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.locator(".mark").focus()
    tab_to(page, "#views a[href='#/versions']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Index versions")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator("#views [aria-current]")).to_have_text("Versions")
    tab_to(page, "main td a")
    page.keyboard.press("Enter")
    expect(page.locator("main .deeds")).to_be_visible()
    tab_to(page, "main .deeds button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_view_has_a_serious_finding_or_is_wider_than_the_screen(
    browser: Browser, console: Console, width: int
) -> None:
    # Its own policy would keep the examiner out.
    context = browser.new_context(
        viewport={"width": width, "height": 844}, bypass_csp=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{console.url}/console/")
    version = current_version(console.shop.workspace)
    more = {"": "", "why": f"?user={console.user}&item=item-00001", "map": f"?user={console.user}"}
    for view, title in VIEWS.items():
        open_view(page, view + more.get(view, ""), title)
        if width == 1280 and view in ("", "why", "map"):
            examine(page, view)
            continue
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view
        if width == 1280 or view in ("", "why"):  # views differ by width in nothing but their columns
            assert serious(page, {"resultTypes": ["violations"]}) == [], view
    if width == 390:
        context.close()
        return
    open_view(page, "rules?new=1", "New rule")
    assert serious(page, {"resultTypes": ["violations"]}) == []
    open_view(page, f"versions/{version}", version)
    page.get_by_role("button", name="Roll back").click()
    assert serious(page, {"resultTypes": ["violations"]}) == []
    context.close()


def test_a_key_without_the_scope_is_told_and_changed_for_one_with_it(
    context: BrowserContext, console: Console
) -> None:
    config = ServeConfig(console=True, keys=True, shard_timeout_s=30, profile_timeout_s=30)
    service = assemble_inline(console.shop, config)
    keys = KeyStore(open_database(console.shop.workspace.database_url))
    service.keys = KeyWatch(keys, 0.05)
    weak, strong = (keys.create("page", (scope,)).text for scope in (Scope.RECOMMEND, Scope.ADMIN))
    with listening(service, free_port()) as url:
        page = context.new_page()
        page.goto(f"{url}/console/#/why?user={console.user}")
        for given in ("rk_wrong", weak):
            page.get_by_label("API key").fill(given)
            page.get_by_role("button", name="Go on").click()
        expect(page.locator(".lead")).to_contain_text("does not open this route")
        page.get_by_role("button", name="Use another key").click()
        page.get_by_label("API key").fill(strong)
        page.get_by_role("button", name="Go on").click()
        expect(rows(page, "The list with its contributions")).to_have_count(10)
        for view, title in VIEWS.items():  # admin alone opens all of them
            open_view(page, view, title)
        assert page.evaluate("Object.values(localStorage).join() + document.cookie") == ""
        page.get_by_role("button", name="Forget the key").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.close()


def test_nothing_is_inline_and_every_module_is_there() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\s(style|on\w+)=", page)
    for file in (*FOLDER.rglob("*.js"), *PARTS.rglob("*.js")):
        for name in re.findall(r'from "(\.[^"]+)"', file.read_text(encoding="utf-8")):
            served = (
                FOLDER / ".." / "page_parts" / Path(name).name if "page-parts" in name else file.parent / name
            )
            assert served.is_file(), (file.name, name)
