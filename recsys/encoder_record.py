"""Which encoder config made the vectors of a workspace, so that serving encodes alike."""

from __future__ import annotations

from pydantic import ValidationError

from recsys.config import Backend, EncoderConfig, Precision
from recsys.encoder.choice import EncodingRecord, settled
from recsys.errors import EncoderError
from recsys.workspace import Workspace, replace_file

FILE = "encoder.json"


class EncoderRecord(EncoderConfig):
    """The config with how its backend and precision were chosen."""

    encoding: EncodingRecord | None = None
    """What was measured when they were chosen; None when they were given or are the plain ones."""


def save_encoder_config(
    workspace: Workspace,
    encoder_version: str,
    config: EncoderConfig,
    encoding: EncodingRecord | None = None,
) -> None:
    """Write `config` beside the vectors it made; `auto` is written as what it stands for."""
    fields = settled(config).model_dump(exclude={"export_folder"})
    record = EncoderRecord.model_validate(fields | {"encoding": encoding})
    path = workspace.embeddings(encoder_version) / FILE
    # Without the cache's place: a workspace can be moved.
    replace_file(path, record.model_dump_json(indent=2, exclude={"export_folder"}).encode())


def load_encoder_config(workspace: Workspace, encoder_version: str) -> EncoderConfig:
    """The config behind `encoder_version`, with exports in the workspace.

    Raises `EncoderError` when it is absent or unreadable.
    """
    fields = _load(workspace, encoder_version).model_dump(exclude={"encoding"})
    return EncoderConfig.model_validate(fields | {"export_folder": workspace.exported})


def load_encoding(workspace: Workspace, encoder_version: str) -> EncodingRecord | None:
    """What was measured when the backend and precision of `encoder_version` were chosen, if anything.

    None for a record that is absent or unreadable as well.
    """
    try:
        return _load(workspace, encoder_version).encoding
    except EncoderError:
        return None


def recorded_choice(workspace: Workspace, config: EncoderConfig) -> EncoderConfig | None:
    """`config` with the backend and precision of the newest record that it leaves open.

    None when the workspace has no vectors of this encoder in what `config` asks for. Unreadable
    records do not count.
    """
    files = (workspace.root / "embeddings").glob(f"*/{FILE}")
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        try:
            record = _load(workspace, file.parent.name)
        except EncoderError:
            continue
        if _is_left_open(config, record):
            return config.model_copy(update={"backend": record.backend, "precision": record.precision})
    return None


def _is_left_open(config: EncoderConfig, record: EncoderRecord) -> bool:
    same = all(getattr(config, name) == getattr(record, name) for name in ("source", "pooling", "max_tokens"))
    backend = config.backend in (Backend.AUTO, record.backend)
    return same and backend and config.precision in (Precision.AUTO, record.precision)


def _load(workspace: Workspace, encoder_version: str) -> EncoderRecord:
    path = workspace.embeddings(encoder_version) / FILE
    try:
        return EncoderRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise EncoderError(
            f"the encoder behind {encoder_version} is not on record", expected="a run of `recsys embed`"
        ) from error
    except ValidationError as error:
        raise EncoderError(f"{path.name} of {encoder_version} is not valid", found=str(error)) from error
