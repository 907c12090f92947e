"""How patient a client is."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError

from recsys.config import Config
from recsys.errors import ConfigError


class ClientConfig(Config):
    """Times and attempts of every call of a client."""

    timeout_s: PositiveFloat = 5.0
    """What one attempt may take, from connecting to the last byte."""
    deadline_s: PositiveFloat = 20.0
    """What a call may take with all its attempts and the pauses between them."""
    max_attempts: PositiveInt = 4
    """How often a call is sent at most; one that must not be repeated is sent once."""
    first_pause_s: NonNegativeFloat = 0.1
    """Pause after the first failure; it doubles with every further one, and its later half is drawn."""
    most_pause_s: NonNegativeFloat = 5.0
    """Longest pause, unless the service asks for a longer one."""
    max_connections: PositiveInt = 32
    """Connections to the service at the same time."""


def changed(config: ClientConfig, changes: dict[str, float]) -> ClientConfig:
    """A config with other values; raises `ConfigError` for what it refuses."""
    try:
        return ClientConfig.model_validate(config.model_dump() | changes)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError("a client's setting is refused", expected=first["msg"], where=where) from error
