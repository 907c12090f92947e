"""Which encoder config made the vectors of a workspace, so that serving encodes alike."""

from __future__ import annotations

from pydantic import ValidationError

from recsys.config import Backend, EncoderConfig, Precision
from recsys.encoder.choice import EncodingRecord, settled
from recsys.encoder.folder import verify
from recsys.encoder.sources import resolve
from recsys.encoder.version import content_digest
from recsys.errors import EncoderError, SignatureError
from recsys.signing import ManifestFile, trusted_keys
from recsys.workspace import Workspace

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
    """Write `config` beside the vectors it made, with the digest of the encoder's files.

    `auto` is written as what it stands for. Signed where a key is configured.
    """
    fields = settled(config).model_dump(exclude={"export_folder"})
    fields |= {"encoding": encoding, "content": content_digest(verify(resolve(config.source)))}
    record = EncoderRecord.model_validate(fields)
    # Without the cache's place: a workspace can be moved.
    content = record.model_dump_json(indent=2, exclude={"export_folder"}).encode()
    record_file(workspace, encoder_version).write(content)


def load_encoder_config(workspace: Workspace, encoder_version: str) -> EncoderConfig:
    """The config behind `encoder_version`, with exports in the workspace.

    Where keys are trusted it loads only the very files that the signed record names. Raises `EncoderError`
    when the record is absent or unreadable, `SignatureError` when it is not signed.
    """
    fields = _load(workspace, encoder_version).model_dump(exclude={"encoding"})
    if not trusted_keys():
        del fields["content"]  # a changed encoder is told by its version, and lists go on without it
    elif fields["content"] is None:
        raise SignatureError(
            "a record names no content", expected="a run of `recsys embed`", where=encoder_version
        )
    return EncoderConfig.model_validate(fields | {"export_folder": workspace.exported})


def record_file(workspace: Workspace, encoder_version: str) -> ManifestFile:
    """Where the record of an encoder lies, with its signature."""
    return ManifestFile(workspace.embeddings(encoder_version) / FILE, "encoder", encoder_version)


def load_encoding(workspace: Workspace, encoder_version: str) -> EncodingRecord | None:
    """What was measured when the backend and precision of `encoder_version` were chosen, if anything.

    None for a record that is absent or unreadable as well.
    """
    try:
        return _load(workspace, encoder_version).encoding
    except (EncoderError, SignatureError):
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
        except (EncoderError, SignatureError):
            continue
        if _is_left_open(config, record):
            return config.model_copy(update={"backend": record.backend, "precision": record.precision})
    return None


def _is_left_open(config: EncoderConfig, record: EncoderRecord) -> bool:
    same = all(getattr(config, name) == getattr(record, name) for name in ("source", "pooling", "max_tokens"))
    backend = config.backend in (Backend.AUTO, record.backend)
    return same and backend and config.precision in (Precision.AUTO, record.precision)


def _load(workspace: Workspace, encoder_version: str) -> EncoderRecord:
    file = record_file(workspace, encoder_version)
    try:
        return EncoderRecord.model_validate_json(file.read())
    except FileNotFoundError as error:
        raise EncoderError(
            f"the encoder behind {encoder_version} is not on record", expected="a run of `recsys embed`"
        ) from error
    except ValidationError as error:
        raise EncoderError(f"{FILE} of {encoder_version} is not valid", found=str(error)) from error
