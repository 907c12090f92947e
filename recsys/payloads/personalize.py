"""Bodies of Amazon Personalize's runtime and events interfaces, as far as the service answers them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from recsys.payloads.base import MAX_BATCH

NAMED = ConfigDict(alias_generator=to_camel, populate_by_name=True)
Arn = Annotated[
    str, Field(max_length=256, description="What follows its last `/` may name a scenario of this shop.")
]
Text = Annotated[str, Field(max_length=256)]


class _Asked(BaseModel):
    """What both calls for lists take."""

    model_config = NAMED

    campaign_arn: Arn | None = None
    user_id: Text | None = None
    context: dict[Text, Annotated[str, Field(max_length=1_000)]] = Field(default={}, max_length=50)
    filter_arn: Arn | None = Field(
        default=None, description="After the last `/`, the scenario whose filter is to hold."
    )
    filter_values: dict[str, str] = Field(default={}, description="Not supported; refused when given.")
    metadata_columns: dict[str, Any] = Field(default={}, description="Not supported; refused when given.")


class PersonalizeRequest(_Asked):
    """GetRecommendations."""

    recommender_arn: Arn | None = None
    item_id: Text | None = None
    num_results: Annotated[int, Field(ge=0, le=500)] = Field(default=25, description="0 is 25.")
    promotions: list[dict[str, Any]] = Field(default=[], description="Not supported; refused when given.")


class PersonalizeRankingRequest(_Asked):
    """GetPersonalizedRanking."""

    input_list: list[Text] = Field(min_length=1, max_length=500)


class PersonalizeItem(BaseModel):
    """One place of a list."""

    model_config = NAMED

    item_id: str
    score: float


class PersonalizeAnswer(BaseModel):
    """The answer of GetRecommendations."""

    model_config = NAMED

    item_list: list[PersonalizeItem]
    recommendation_id: str


class PersonalizeRankingAnswer(BaseModel):
    """The answer of GetPersonalizedRanking."""

    model_config = NAMED

    personalized_ranking: list[PersonalizeItem]
    recommendation_id: str


class PersonalizeEvent(BaseModel):
    """One event of PutEvents."""

    model_config = NAMED

    event_id: Text | None = None
    event_type: Text
    event_value: float | None = None
    item_id: Text | None = None
    properties: str | dict[str, Any] | None = Field(
        default=None, description="An object or its JSON text; `itemId` and `eventValue` may stand here."
    )
    sent_at: float = Field(description="Seconds since 1970.")
    recommendation_id: Text | None = None
    impression: list[Text] = Field(default=[], max_length=500, description="Items shown with it.")


class PersonalizeEvents(BaseModel):
    """PutEvents."""

    model_config = NAMED

    tracking_id: Text
    user_id: Text | None = None
    session_id: Text
    event_list: list[PersonalizeEvent] = Field(min_length=1, max_length=MAX_BATCH)
