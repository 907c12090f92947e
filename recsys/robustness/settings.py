"""The shop's own decisions about caps and machines, read from its workspace."""

from __future__ import annotations

from pydantic import ValidationError

from recsys.config import RobustnessConfig
from recsys.errors import ConfigError
from recsys.workspace import Workspace


def load_robustness(workspace: Workspace) -> RobustnessConfig:
    """What `robustness.json` says; the defaults where there is none.

    Raises `ConfigError` for a file that cannot be read as such: a misspelt allow list must not pass.
    """
    path = workspace.robustness
    if not path.exists():
        return RobustnessConfig()
    try:
        return RobustnessConfig.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise ConfigError(
            "the decisions about caps and machines cannot be read",
            expected='JSON such as {"screening": {"trusted": ["user:7"]}}',
            found=str(error),
            where=str(path),
        ) from error
