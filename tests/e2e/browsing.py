"""What scenes in a real browser share: the browser, a service of this process, axe, the tab key."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from serve_app.api import create_api
from serve_app.service import ShopService

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 30_000
NARROW = 360


@contextmanager
def listening(service: ShopService, port: int) -> Iterator[str]:
    """A service of this process behind a socket of its own."""
    server = uvicorn.Server(uvicorn.Config(create_api(service), port=port, log_level="warning", ws="none"))
    thread = Thread(target=server.run)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def tab_to(page: Page, selector: str) -> None:
    """Press the tab key until an element has the focus; that must be seen."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus-visible").count():
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def examine(page: Page, view: str) -> None:
    """Axe finds nothing serious in either scheme; nothing is wider than the screen, or than 360."""
    size = page.viewport_size
    assert size is not None
    for width in (NARROW, size["width"]):
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (view, width)
    assert serious(page, {"resultTypes": ["violations"]}) == [], view
    page.emulate_media(color_scheme="dark")  # which changes nothing but colours
    assert serious(page, {"runOnly": ["color-contrast"]}) == [], f"{view}, dark"
    page.emulate_media(color_scheme="light")


def serious(page: Page, options: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Serious and critical findings, with the first elements that have them."""
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in Axe().run(page, options=options).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
