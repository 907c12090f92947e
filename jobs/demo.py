"""The whole road in one command: import, embed, index, serve, recommend, click, changed answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from jobs.console import out, progress, show
from jobs.embed_catalog import run_embed
from jobs.import_data import import_events, import_items, import_relations
from jobs.item_map import run_map
from jobs.learning import run_fit
from jobs.make_shop import write_shop
from jobs.options import database_url_of, runtime_of
from jobs.publish_index import run_index
from jobs.serve import running_service, wait_for_stop
from recsys.config import (
    EmbedConfig,
    EncoderConfig,
    FitConfig,
    ImportConfig,
    IndexConfig,
    RuntimeConfig,
    ServeConfig,
)
from recsys.errors import GateError, InputError
from recsys.workspace import Workspace

LIST_LENGTH = 5
INTERESTS_SHOWN = 5
SHOPPERS_SHOWN = 3
NEWCOMER = "newcomer"
"""Who looks around where nobody has done anything yet."""


def run_demo(
    workspace: Path,
    catalog: Path | None,
    events: Path | None,
    port: int,
    stop: bool,
    currency: str | None = None,
) -> None:
    """Walk the road on the built-in shop or on given files, then serve until told to stop."""
    runtime = runtime_of(workspace, None)
    stated: Path | None = None
    if catalog is None:
        folder = write_shop(Workspace(runtime.workspace).root / "built-in-shop")
        catalog, events, stated = (
            folder / name for name in ("items.parquet", "events.parquet", "relations.csv")
        )
    import_files(runtime, catalog, events, ImportConfig(default_currency=currency))
    if stated:
        import_stated(runtime, stated)
    prepare_index(runtime)
    learn(runtime)
    show("map", run_map(runtime, None), as_json=False)
    with running_service(runtime, ServeConfig(port=port, store=True, console=True)) as url:
        show_road(DemoClient(url), choose_shoppers(runtime))
        out.print(f"\nserving at [bold]{url}[/bold], API page at [bold]{url}/docs[/bold]; Ctrl-C stops")
        out.print(f"store page at [bold]{url}/store/[/bold]: be one of the shoppers, and watch the list move")
        out.print(f"console at [bold]{url}/console/[/bold]: health, versions, why this item, the map")
        if not stop:
            wait_for_stop()
    out.print("stopped")


def import_files(runtime: RuntimeConfig, catalog: Path, events: Path | None, config: ImportConfig) -> None:
    """Read the catalog and, when there are any, the events; raises `InputError` where no item was taken."""
    engine, folder = open_database(database_url_of(runtime)), Workspace(runtime.workspace)
    with progress("import items", "KB", quiet=False) as advance:
        report = import_items(
            [catalog],
            item_store=ItemStore(engine),
            workspace=folder,
            config=config,
            on_progress=lambda rows, done, total: advance(done >> 10, total >> 10),
        )
    show("items", report.as_rows(), as_json=False)
    if not report.accepted:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in report.quarantined.items())
        where = str(report.quarantine_file or catalog)
        raise InputError("no item of the catalog can be taken", found=reasons or "no rows", where=where)
    if events is None:
        return
    with progress("import events", "KB", quiet=False) as advance:
        report = import_events(
            [events],
            event_store=EventStore(engine),
            workspace=folder,
            config=ImportConfig(),
            on_progress=lambda rows, done, total: advance(done >> 10, total >> 10),
        )
    show("events", report.as_rows(), as_json=False)


def import_stated(runtime: RuntimeConfig, relations: Path) -> None:
    """Read what goes with what, before the index that is to hold it is built."""
    report = import_relations(
        [relations],
        item_store=ItemStore(open_database(database_url_of(runtime))),
        workspace=Workspace(runtime.workspace),
        config=ImportConfig(),
    )
    show("relations", report.as_rows(), as_json=False)


def prepare_index(runtime: RuntimeConfig) -> None:
    """Encode what is new with the real MiniLM, then build and publish the index."""
    with progress("embed", "texts", quiet=False) as advance:
        report = run_embed(
            runtime,
            EncoderConfig(),
            EmbedConfig(cpus_per_actor=2.0),
            lambda state: advance(state.done, state.total),
        )
    show("embed", report.as_rows(), as_json=False)
    show("index", run_index(runtime, report.encoder_version, IndexConfig()).as_rows(), as_json=False)


def learn(runtime: RuntimeConfig) -> None:
    """Fit the signals to the shop's events; a shop with too few goes on with text alone."""
    try:
        report = run_fit(
            runtime, FitConfig(), IndexConfig(), None, False, lambda text: out.print(f"  {text}")
        )
    except (InputError, GateError) as error:
        out.print(f"lists stay as they are by text alone: {error}")
        return
    show("fit", {"index_version": report.index.manifest.index_version, **report.metrics}, as_json=False)


def choose_shoppers(runtime: RuntimeConfig) -> list[str]:
    """Users with a middling history: enough to know them, not the most extreme ones."""
    store = EventStore(open_database(database_url_of(runtime)))
    keys = store.typical_users(SHOPPERS_SHOWN)
    return [key.removeprefix("user:") for key in keys]


@dataclass(frozen=True)
class DemoClient:
    """The few calls the demo makes, over real HTTP."""

    base_url: str

    def recommend(self, user_id: str) -> dict[str, Any]:
        """The shopper's list."""
        return self._answer("POST", "/v1/recommend", {"user_id": user_id, "n": LIST_LENGTH})

    def interests(self, user_id: str) -> list[str]:
        """Titles of the items that weigh most for the shopper."""
        profile = self._answer("GET", f"/v1/users/{user_id}/profile")
        titles = [entry["title"] for entry in profile["interests"] if entry["title"] and entry["weight"] > 0]
        return titles[:INTERESTS_SHOWN]

    def click(self, user_id: str, item_id: str, recommendation_id: str) -> dict[str, Any]:
        """One click, acked when durable."""
        event = {
            "user_id": user_id,
            "item_id": item_id,
            "event_type": "click",
            "recommendation_id": recommendation_id,
        }
        return self._answer("POST", "/v1/events:batch", {"events": [event]})

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        response = httpx.request(method, self.base_url + path, json=body, timeout=30.0)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def show_road(client: DemoClient, shoppers: Sequence[str]) -> None:
    """Print each shopper's list with reasons, then one click and the list it changes."""
    for shopper in shoppers:
        out.print(f"\n[bold]{shopper}[/bold] cares most for: " + "; ".join(client.interests(shopper)))
        show_list(client.recommend(shopper))
    if not shoppers:
        out.print("\nnobody has done anything yet, so everybody sees the newest items:")
        show_list(client.recommend(NEWCOMER))
    show_click(client, shoppers[0] if shoppers else NEWCOMER)


def show_list(answer: dict[str, Any]) -> None:
    """One answer as a table."""
    table = Table("item", "title", "score", "because")
    for item in answer["items"]:
        because = "\n".join(reason_line(reason) for reason in item["reasons"])
        table.add_row(item["item_id"], item["title"] or "-", f"{item['score']:.3f}", because)
    out.print(table)
    if answer["degraded"]:
        out.print("degraded: " + ", ".join(answer["degraded"]))


def reason_line(reason: dict[str, Any]) -> str:
    """A reason in words, with its share where it has one."""
    return f"{reason['text']} ({reason['share']:.0%})" if reason["share"] is not None else str(reason["text"])


def show_click(client: DemoClient, shopper: str) -> None:
    """Click the last item of the list, then show the new list and how long the change took."""
    before = client.recommend(shopper)
    clicked = before["items"][-1]
    start = time.perf_counter()
    client.click(shopper, clicked["item_id"], before["recommendation_id"])
    acked = time.perf_counter()
    after = client.recommend(shopper)
    changed = time.perf_counter()
    out.print(
        f"\n[bold]{shopper}[/bold] clicks [bold]{clicked['title']}[/bold] "
        f"(durable after {1e3 * (acked - start):.0f} ms, new list {1e3 * (changed - acked):.0f} ms later):"
    )
    show_list(after)
