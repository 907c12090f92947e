"""Pictures of the store page for docs/store.md, taken by the system's Chromium from a service that runs.

    python scripts/store_screenshots.py http://127.0.0.1:8000 docs/images

The service needs `--store` and a shopper with a history, as `make demo` leaves it.
"""

from __future__ import annotations

import base64
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

SCREENS = {"phone": (390, 844), "desk": (1280, 880)}
QUALITY = 72
SETTLED_MS = 700


def shoot(page: Page, file: Path) -> None:
    """The visible part of the page as WebP."""
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(SETTLED_MS)
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    file.write_bytes(base64.b64decode(taken["data"]))


def walk(browser: Browser, url: str, folder: Path, screen: str) -> None:
    """Start page after a click, an item, the cart."""
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
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
    context.close()


def main() -> None:
    """Take all of them."""
    url, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("there is no Chromium; install it: sh scripts/system-packages.sh")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for screen in SCREENS:
            walk(browser, url, folder, screen)
        browser.close()


if __name__ == "__main__":
    main()
