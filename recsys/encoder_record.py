"""Which encoder config made the vectors of a workspace, so that serving encodes alike."""

from __future__ import annotations

from pydantic import ValidationError

from recsys.config import EncoderConfig
from recsys.errors import EncoderError
from recsys.workspace import Workspace, replace_file

FILE = "encoder.json"


def save_encoder_config(workspace: Workspace, encoder_version: str, config: EncoderConfig) -> None:
    """Write `config` beside the vectors it made."""
    path = workspace.embeddings(encoder_version) / FILE
    replace_file(path, config.model_dump_json(indent=2).encode())


def load_encoder_config(workspace: Workspace, encoder_version: str) -> EncoderConfig:
    """The config behind `encoder_version`; raises `EncoderError` when it is absent or unreadable."""
    path = workspace.embeddings(encoder_version) / FILE
    try:
        return EncoderConfig.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise EncoderError(
            f"the encoder behind {encoder_version} is not on record", expected="a run of `recsys embed`"
        ) from error
    except ValidationError as error:
        raise EncoderError(f"{path.name} of {encoder_version} is not valid", found=str(error)) from error
