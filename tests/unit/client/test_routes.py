"""Every route of the service has its call, and both clients have every call."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from recsys.client import AsyncClient, Client
from recsys.client.call import Call
from recsys.client.methods import Awaits, Sends
from recsys.client.routes import controls, evidence
from recsys.payloads import PolicySpec
from serve_app.route_scopes import OPEN, SCOPES

LEFT_OUT = {("GET", "/store/shoppers.json")}
"""The store page's own."""
ARGUMENTS: dict[str, dict[str, Any]] = {
    "recommend": {"user_id": "u"},
    "similar": {"item_id": "i"},
    "lists": {"lists": []},
    "rank": {"item_ids": ["i"]},
    "search": {"text": "t"},
    "embed": {"texts": ["t"]},
    "put_items": {"items": [{"item_id": "i", "title": "t"}]},
    "items": {"item_ids": ["i"]},
    "put_events": {"events": [{"user_id": "u", "item_id": "i", "event_type": "view"}]},
    "put_decision": {"name": "n", "body": {}},
    "delete_decision": {"name": "n"},
    "decision": {"name": "n"},
    "decide_review": {"item_id": "i", "approve": True},
    "preview_rules": {"request": {"user_id": "u"}, "rules": []},
    "experiment_results": {"name": "n"},
    "off_policy": {"policies": [PolicySpec(name="p", kind="uniform")]},
    "ask_job": {"kind": "fit"},
    "job": {"run_id": "r"},
    "explain": {"request": {"user_id": "u"}},
    "quarantined_rows": {"name": "n"},
    **{name: {"index_version": "v"} for name in ("publish", "roll_back")},
    **{name: {"user_id": "u"} for name in ("profile", "export_user", "erase_user")},
    **{name: {"item_id": "i"} for name in ("item", "delete_item")},
}
ARGUMENTS["lists"] = {"lists": [{"name": "a"}]}
KINDS = ("scenarios", "rules", "experiments", "blocks")
OF_KINDS = ("decisions", "decision", "put_decision", "delete_decision")


def methods(client: type[Any], kind: type[Any]) -> dict[str, Callable[..., Call[Any]]]:
    return {name: own.make for name, own in vars(client).items() if isinstance(own, kind)}


def test_both_clients_have_the_same_calls() -> None:
    assert methods(Client, Sends) == methods(AsyncClient, Awaits)


def test_every_route_of_the_service_has_one_call() -> None:
    made = []
    for name, make in methods(Client, Sends).items():
        own = ARGUMENTS.get(name, {})
        calls = [make(kind, **own) for kind in KINDS] if name in OF_KINDS else [make(**own)]
        made += [(call.method, call.route) for call in calls]
    opened = {(method, path) for path, allowed in OPEN.items() for method in allowed}
    assert sorted(made) == sorted({*SCOPES, *opened} - LEFT_OUT)


def test_what_may_be_sent_twice_is_said_for_each_call() -> None:
    once = {"delete_item", "delete_decision", "decide_review", "ask_job", "publish", "roll_back"}
    for name, make in methods(Client, Sends).items():
        own = ARGUMENTS.get(name, {})
        call = make("rules", **own) if name in OF_KINDS else make(**own)
        assert call.repeatable == (name not in once), name
    assert not controls.put_decision("rules", "r", {}, revision=0).repeatable


def test_a_method_shows_its_parameters_and_what_it_does() -> None:
    with Client("http://shop") as client:
        shown = inspect.signature(client.recommend)
        assert {"user_id", "item_id", "filter", "explain"} <= set(shown.parameters)
        assert all((client.__class__.__dict__[name].__doc__ or "").strip() for name in methods(Client, Sends))


def test_the_reports_of_experiments_are_read() -> None:
    call = evidence.off_policy([PolicySpec(name="p", kind="uniform")])
    assert call.body == (
        b'{"policies":[{"name":"p","kind":"uniform","scores":{},"otherwise":0.0,"epsilon":0.1,'
        b'"temperature":1.0}],"scenario":null,"hours":168.0,"reward":"click"}'
    )


def test_importing_the_client_loads_none_of_the_services_libraries() -> None:
    heavy = "{'torch', 'ray', 'transformers', 'faiss', 'pyarrow', 'numpy', 'fastapi', 'sqlalchemy'}"
    code = (
        f"import sys, recsys.client; found = {heavy} & set(sys.modules); sys.exit(str(found) if found else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
