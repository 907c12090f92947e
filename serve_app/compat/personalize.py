"""Amazon Personalize's runtime and events interfaces, over this shop's lists and events."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from recsys.errors import InputError, NotFoundError
from recsys.formats.personalize import event_type
from recsys.payloads import ListAnswer, RankRequest, RecommendRequest, SimilarRequest
from recsys.payloads.personalize import (
    PersonalizeAnswer,
    PersonalizeEvent,
    PersonalizeEvents,
    PersonalizeItem,
    PersonalizeRankingAnswer,
    PersonalizeRankingRequest,
    PersonalizeRequest,
)
from recsys.schemas import EVENT_TYPES
from serve_app.compat.asking import asked
from serve_app.service import ShopService

TAG = "personalize"
DEFAULT_RESULTS = 25
IMPRESSION = EVENT_TYPES[0]
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is not valid; `x-amzn-ErrorType` names the error."},
    404: {"description": "No such filter or item."},
}


class PersonalizeLists:
    """Its lists as calls of the service."""

    def __init__(self, service: ShopService) -> None:
        self._service = service

    async def recommend(self, body: PersonalizeRequest) -> PersonalizeAnswer:
        """GetRecommendations: for a user, around an item, or like one item where nobody is named."""
        if not (arn := body.campaign_arn or body.recommender_arn):
            raise InputError("nothing names a campaign", expected="campaignArn or recommenderArn")
        if body.user_id is None and body.item_id is None:
            raise InputError("nobody and no item is named", expected="userId or itemId")
        _refuse("promotions", body.promotions)
        n, where = body.num_results or DEFAULT_RESULTS, self._filter(body)
        lists = self._service.lists
        if body.user_id is None:
            listing = lists.similar(asked(SimilarRequest, item_id=body.item_id, n=n, filter=where))
        else:
            request = asked(
                RecommendRequest,
                user_id=body.user_id,
                item_id=body.item_id,
                n=n,
                filter=where,
                scenario=self._scenario(arn),
                context=body.context,
                explain=False,
            )
            listing = lists.recommend(request)
        answer = await self._service.counted(listing, filtered=where is not None)
        return PersonalizeAnswer(item_list=_items(answer), recommendation_id=answer.recommendation_id)

    async def rank(self, body: PersonalizeRankingRequest) -> PersonalizeRankingAnswer:
        """GetPersonalizedRanking: the caller's items in the user's order."""
        if body.campaign_arn is None or body.user_id is None:
            raise InputError("something is missing", expected="campaignArn, userId and inputList")
        where = self._filter(body)
        request = asked(
            RankRequest,
            user_id=body.user_id,
            item_ids=body.input_list,
            scenario=self._scenario(body.campaign_arn),
            context=body.context,
        )
        answer = await self._service.counted(self._service.lists.rank(request, where), filtered=True)
        return PersonalizeRankingAnswer(
            personalized_ranking=_items(answer), recommendation_id=answer.recommendation_id
        )

    def _scenario(self, arn: str) -> str | None:
        """The scenario that a campaign is called like; the default where there is none."""
        name = _name(arn)
        return name if name in self._service.controls.state.scenarios else None

    def _filter(self, body: PersonalizeRequest | PersonalizeRankingRequest) -> dict[str, Any] | None:
        """The filter of the scenario that is called like the asked filter.

        Raises `NotFoundError` where there is none: to leave a filter out would show what must not be shown.
        """
        _refuse("filterValues", body.filter_values)
        _refuse("metadataColumns", body.metadata_columns)
        if body.filter_arn is None:
            return None
        name = _name(body.filter_arn)
        found = self._service.controls.state.scenarios.get(name)
        if found is None or found.filter is None:
            raise NotFoundError(
                "there is no such filter", expected="a scenario of this name with a `filter`", found=name
            )
        return found.filter


def add_personalize(api: FastAPI, service: ShopService) -> None:
    """Add the routes."""
    lists = PersonalizeLists(service)

    @api.post("/recommendations", tags=[TAG], responses=REFUSALS)
    async def get_recommendations(body: PersonalizeRequest) -> PersonalizeAnswer:
        """GetRecommendations."""
        return await lists.recommend(body)

    @api.post("/personalize-ranking", tags=[TAG], responses=REFUSALS)
    async def get_personalized_ranking(body: PersonalizeRankingRequest) -> PersonalizeRankingAnswer:
        """GetPersonalizedRanking; items that the catalog lacks are left out."""
        return await lists.rank(body)

    @api.post("/events", tags=[TAG], responses=REFUSALS, response_class=Response)
    async def put_events(body: PersonalizeEvents) -> Response:
        """PutEvents; answered when they are durable."""
        rows = [row for event in body.event_list for row in _rows(body, event)]
        await service.writes.put_events(rows)
        return Response(status_code=200)


def _rows(body: PersonalizeEvents, event: PersonalizeEvent) -> list[dict[str, Any]]:
    """The event, and an impression of each item shown with it.

    The session is the visitor, and with a user both: what the session did joins the user's history.
    """
    said = _properties(event)
    common = {
        "user_id": body.user_id,
        "visitor_id": body.session_id,
        "session_id": body.session_id,
        "recommendation_id": event.recommendation_id,
        "occurred_at": event.sent_at,
    }
    own = common | {
        "event_id": event.event_id,
        "item_id": event.item_id or said.get("itemId"),
        "event_type": event_type(event.event_type),
        "value": said.get("eventValue") if event.event_value is None else event.event_value,
    }
    shown = [
        common
        | {
            "event_id": event.event_id and f"{event.event_id}/{place}",
            "item_id": item_id,
            "event_type": IMPRESSION,
            "position": place,
        }
        for place, item_id in enumerate(event.impression, 1)
    ]
    return [own, *shown]


def _properties(event: PersonalizeEvent) -> dict[str, Any]:
    raw = event.properties
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raw = None
    return raw if isinstance(raw, dict) else {}


def _items(answer: ListAnswer) -> list[PersonalizeItem]:
    return [PersonalizeItem(item_id=item.item_id, score=item.score) for item in answer.items]


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _refuse(field: str, value: object) -> None:
    if value:
        raise InputError("this is not supported", expected="the field left out", where=field)
