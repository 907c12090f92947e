"""Which interface adds which routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI

from recsys.config import Interface
from serve_app.compat.gorse import add_gorse
from serve_app.compat.personalize import add_personalize
from serve_app.compat.refusals import gorse_refusal, personalize_refusal
from serve_app.problems import add_shape
from serve_app.route_scopes import GORSE_PATHS, PERSONALIZE_PATHS
from serve_app.service import ShopService

ADDING: Mapping[Interface, Callable[[FastAPI, ShopService], None]] = {
    Interface.GORSE: add_gorse,
    Interface.PERSONALIZE: add_personalize,
}


def add_interfaces(api: FastAPI, service: ShopService) -> None:
    """Add the routes of `service.config.compat`, with refusals in each product's own shape."""
    for interface in service.config.compat:
        ADDING[interface](api, service)
    if Interface.GORSE in service.config.compat:
        add_shape(api, GORSE_PATHS, gorse_refusal)
    if Interface.PERSONALIZE in service.config.compat:
        add_shape(api, PERSONALIZE_PATHS, personalize_refusal)
