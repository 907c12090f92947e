"""The system's browser, and one that has never been anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.e2e.browsing import CHROMIUM, PATIENCE_MS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's browser."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    found = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    found.set_default_timeout(PATIENCE_MS)
    yield found
    found.close()
