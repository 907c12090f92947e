"""Pictures of the store page and the console for docs/, from a service that runs.

    python scripts/page_screenshots.py http://127.0.0.1:8000 docs/images store
    python scripts/page_screenshots.py http://127.0.0.1:8000 docs/images console

The service needs `--store --console`, shoppers with a history and a map, as `make demo` leaves it.
"""

from __future__ import annotations

import base64
import shutil
import sys
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

SCREENS = {"phone": (390, 844), "desk": (1280, 880)}
QUALITY = 72
SETTLED_MS = 700
LOOKS, LOOK_MS = 5, 3_000
"""So often, and as far apart, as the console looks at the service by itself."""


def shoot(page: Page, file: Path) -> None:
    """The visible part of the page as WebP."""
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(SETTLED_MS)
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    file.write_bytes(base64.b64decode(taken["data"]))


def walk_store(page: Page, url: str, folder: Path, screen: str) -> None:
    """Start page after a click, an item, the cart."""
    page.goto(f"{url}/store/")
    page.locator(".offered .person").nth(1).click()
    page.locator(".card .reason", has_text="Because").first.wait_for()
    page.get_by_role("button", name="Like").nth(2).click()
    page.locator(".moved", has_text="Since").wait_for()
    page.locator("#note").wait_for(state="hidden")
    shoot(page, folder / f"store-home-{screen}.webp")
    for place in (0, 3):
        page.locator(".card .add").nth(place).click()
        page.wait_for_timeout(SETTLED_MS)
    page.locator(".card-link").nth(1).click()
    page.locator(".item").wait_for()
    page.locator("#note").wait_for(state="hidden")
    shoot(page, folder / f"store-item-{screen}.webp")
    page.locator("#cart-link").click()
    page.locator(".line").first.wait_for()
    shoot(page, folder / f"store-cart-{screen}.webp")


def walk_console(page: Page, url: str, folder: Path, screen: str) -> None:
    """Health under a little load, an account of a list, versions, the map with somebody's interests."""
    shoppers = httpx.get(f"{url}/store/shoppers.json").json()["shoppers"]
    user = shoppers[1]["user_id"]
    page.goto(f"{url}/console/")
    for place in range(LOOKS):
        for one in shoppers[: 4 + place]:
            httpx.post(f"{url}/v1/recommend", json={"user_id": one["user_id"], "n": 8})
        page.wait_for_timeout(LOOK_MS)
    shoot(page, folder / f"console-health-{screen}.webp")
    for view, shown in (
        ("versions", "main table"),
        (f"why?user={user}&scenario=home&n=6", ".parts"),
        (f"map?user={user}", "main table"),
    ):
        page.goto(f"{url}/console/#/{view}")
        page.locator(shown).first.wait_for()
        if screen == "phone" and view.startswith("why"):
            page.locator("section h2").first.scroll_into_view_if_needed()
        shoot(page, folder / f"console-{view.split('?')[0]}-{screen}.webp")


WALKS = {"store": walk_store, "console": walk_console}


def main() -> None:
    """Take all pictures of one page."""
    url, folder, walk = sys.argv[1].rstrip("/"), Path(sys.argv[2]), WALKS[sys.argv[3]]
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("there is no Chromium; install it: sh scripts/system-packages.sh")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for screen, (width, height) in SCREENS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, reduced_motion="reduce"
            )
            walk(context.new_page(), url, folder, screen)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
