"""How signals are made and weighed; stored in the manifest of an index version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, model_serializer

from recsys.channels.fusion import ChannelShare
from recsys.config import Config, Scenario

SIGNALS = ("text", "behaviour", "transition", "repeat", "own", "popularity")
"""In the order in which they are stored and summed."""


class Blend(Config):
    """Factor of each signal in the score of one scenario; 0 leaves a signal out."""

    text: float = 1.0
    behaviour: float = 0.0
    transition: float = 0.0
    repeat: float = 0.0
    own: float = 0.0
    """Usually below 0: what a user already has resembles itself most, and is wanted again less often."""
    popularity: float = 0.0

    def factors(self) -> tuple[float, ...]:
        """In the order of `SIGNALS`."""
        return (self.text, self.behaviour, self.transition, self.repeat, self.own, self.popularity)

    def scaled(self, scenario: Scenario) -> Blend:
        """The blend as one scenario has it."""
        return Blend(**{name: getattr(self, name) * getattr(scenario, name) for name in SIGNALS})


class SignalSettings(Config):
    """Everything the signals were made with, chosen on validation events."""

    whitening: Literal["raw", "centred", "whitened"] = "whitened"
    """How text vectors are turned."""
    text_decay: float = Field(default=0.5, gt=0.0, le=1.0)
    """Weight of a history item against the next newer one, in the text signal."""
    model: Literal["regression", "cosine"] = "regression"
    """Item-item model: closed-form regression drawn to the texts, or cosine of who acted on both."""
    order_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """How much the regression listens to what came next, against who acted on both."""
    evidence_half_life_days: float | None = Field(default=None, gt=0.0)
    """After this time an event counts half in the regression; None: all count alike."""
    min_users: int = Field(default=1, ge=1)
    """Different users who must stand behind a pair of items in behaviour and transitions; 1: any."""
    ridge: float = Field(default=8.0, gt=0.0)
    """Ridge of the regression, as a multiple of the mean number of users of a modelled item."""
    shrinkage: float = Field(default=20.0, ge=0.0)
    """Shrinkage of the cosine, in users."""
    pull: float = Field(default=0.9, ge=0.0, le=1.0)
    """Pull towards the text model, as a share of the ridge."""
    cold_lift: float = Field(default=0.0, ge=0.0)
    """How much more counts what speaks for an item without events; shrinks with the item's events."""
    soft_share: float = Field(default=0.0, ge=0.0)
    """What items without events borrow of the behaviour of their nearest known ones; 0: nothing."""
    soft_confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    """Least likeness, by text and category, of an item that is borrowed from."""
    behaviour_decay: float = Field(default=0.9, gt=0.0, le=1.0)
    """As `text_decay`, for the item-item model."""
    behaviour_half_life_days: float | None = None
    """With it an item of the history also counts by how often it was acted on; one of `HALF_LIVES_DAYS`."""
    transition_power: float = Field(default=0.0, ge=0.0, le=1.0)
    """Damping of frequent items in transitions."""
    transition_window: int = Field(default=3, ge=1)
    """Steps within which an item counts as next."""
    transition_decay: float = Field(default=0.5, gt=0.0, le=1.0)
    """As `text_decay`, for transitions."""
    repeat_half_life_days: float = Field(default=90.0, gt=0.0)
    """After this time an event counts half in how often a user acts on an own item."""
    repeat_power: float = Field(default=1.0, ge=0.0, le=2.0)
    """How much the chance that such an item is bought again counts; 0 leaves the frequency alone."""
    popularity_half_life_days: float = Field(default=30.0, gt=0.0)
    """After this time an event counts half for popularity."""
    channels: tuple[ChannelShare, ...] = ()
    """What stands beside the text in an item's vector, in the order of its columns."""

    @model_serializer(mode="wrap")
    def _without_empty_channels(self, dump: Callable[[SignalSettings], dict[str, Any]]) -> dict[str, Any]:
        """Versions of text alone keep the names that were given before there were channels."""
        fields = dump(self)
        if not self.channels:
            fields.pop("channels", None)
        return fields


class FittedBlend(Config):
    """What `recsys fit` learned about weights: settings, and a blend for each scenario."""

    settings: SignalSettings = SignalSettings()
    discover: Blend = Blend()
    """Used where items the user has already acted on are left out."""
    again: Blend = Blend()
    """Used where such items may come back."""
    validation: dict[str, float] = {}
    """Validation figures of the fit."""
    tried: int = 0
    """Settings of signals and mixtures of factors that were tried, before the last small steps."""

    def blend(self, include_seen: bool) -> Blend:
        """The blend of a request."""
        return self.again if include_seen else self.discover
