"""The operator's console: its files; what it shows it asks of the API."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from serve_app.page_files import add_page

FOLDER = Path(__file__).parent / "console"


def add_console(api: FastAPI) -> None:
    """Add the page at `/console/`."""
    add_page(api, "/console", FOLDER)
