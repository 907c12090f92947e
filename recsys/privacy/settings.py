"""The shop's own decisions about people's data, read from its workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from recsys.config import Config
from recsys.errors import ConfigError
from recsys.workspace import Workspace

DAY_US = 86_400_000_000


class RetentionConfig(Config):
    """How long something is kept; what is older is removed for good. None: for ever."""

    event_days: PositiveFloat | None = None
    """Events, by when they happened or came in, whichever is earlier; and refused rows of imports."""
    answer_days: PositiveFloat | None = None
    """Lists that were answered, with who they were for."""

    def __bool__(self) -> bool:
        return self.event_days is not None or self.answer_days is not None


class PseudonymConfig(Config):
    """People are kept under keyed hashes of their ids; written by `recsys init --pseudonymous`."""

    secret_id: str
    """Which secret it is; nothing about the secret itself."""
    secret_file: Path | None = None
    """File of the secret, outside of the workspace and its backups; None: it is in the environment."""


class ReleaseConfig(Config):
    """What may be told of everybody by private counts."""

    epsilon_budget: PositiveFloat = 5.0
    """Sum over all releases, for each user; what it is spent on cannot be taken back."""
    epsilon: PositiveFloat = 0.5
    """Of one release."""
    user_cells: PositiveInt = 5
    """Pairs of item and day that one user may add to a release; noise grows with it."""
    days: PositiveInt = 30
    """Newest days of a release."""
    false_share: float = Field(default=0.001, gt=0.0, lt=0.5)
    """Share of untouched items that noise alone may lift over the threshold."""


class PrivacyConfig(Config):
    """What a shop decides about people's data; `privacy.json` in the workspace."""

    retention: RetentionConfig = RetentionConfig()
    """Windows that the feedback loop applies once a day."""
    popularity: ReleaseConfig = ReleaseConfig()
    """Private counts for others than the shop itself."""
    pseudonyms: PseudonymConfig | None = None
    """None: ids are kept as they come."""


def load_privacy(workspace: Workspace) -> PrivacyConfig:
    """What `privacy.json` says; the defaults where there is none.

    Raises `ConfigError` for a file that cannot be read as such: a misspelt window must not keep data.
    """
    path = workspace.privacy_settings
    return _parsed(path.read_bytes, path) if path.exists() else PrivacyConfig()


def require_same_names(workspace: Workspace, decided: bytes) -> None:
    """Return where decisions that are about to take the place of a workspace's keep its pseudonyms.

    Raises `ConfigError` where they would end under others, or under none, and as `load_privacy` does.
    """
    path = workspace.privacy_settings
    ours, theirs = load_privacy(workspace).pseudonyms, _parsed(lambda: decided, path).pseudonyms
    if ours is not None and (theirs is None or theirs.secret_id != ours.secret_id):
        raise ConfigError(
            "people would be kept under other names from now on",
            expected=f"pseudonyms by the secret with the id {ours.secret_id}",
            found=theirs.secret_id if theirs else "ids as they come",
            where=str(path),
        )


def _parsed(read: Callable[[], bytes], path: Path) -> PrivacyConfig:
    try:
        return PrivacyConfig.model_validate_json(read())
    except (ValidationError, OSError) as error:
        raise ConfigError(
            "the decisions about people's data cannot be read",
            expected='JSON such as {"retention": {"event_days": 400}}',
            found=str(error),
            where=str(path),
        ) from error
