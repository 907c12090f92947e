"""The published index version, whole, and the encoder behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from jobs.doctor.finding import Finding, failed, ok, warning
from recsys.encoder import encoder_version
from recsys.encoder_record import load_encoder_config
from recsys.errors import (
    ConfigError,
    EncoderError,
    IndexFormatError,
    IndexMissingError,
    IndexVersionError,
    SignatureError,
    UnsafePathError,
)
from recsys.index import IndexManifest, current_version, list_versions, verify
from recsys.index.gate import refusal
from recsys.text import TEXT_TEMPLATE_VERSION
from recsys.workspace import Workspace


def published(workspace: Workspace) -> tuple[IndexManifest | None, Finding]:
    """The published version when every byte of it is as it was written, and what was found."""
    try:
        manifest = verify(workspace, current_version(workspace))
    except IndexMissingError as error:
        return None, failed("index", str(error), "recsys embed; or recsys publish VERSION")
    except IndexFormatError as error:
        return None, failed("index", str(error), error.hint)
    except (IndexVersionError, UnsafePathError) as error:
        return None, failed("index", str(error), "recsys rollback, then recsys embed; or recsys fit")
    except SignatureError as error:
        return None, failed("index", str(error), "find out who wrote it; recsys rollback, or build it again")
    age_days = (datetime.now(UTC) - manifest.created_at).total_seconds() / 86_400
    found = (
        f"{manifest.index_version}: {manifest.item_count:,} items in {manifest.num_shards} shards, "
        f"made {age_days:.1f} days ago, every file as it was written"
    )
    if manifest.item_count == 0:
        return manifest, warning("index", found, "recsys import items FILE, then recsys embed")
    return manifest, ok("index", found)


def examine_gate(workspace: Workspace, manifest: IndexManifest) -> Iterator[Finding]:
    """Whether a version newer than the published one was refused."""
    newer = [name for name in list_versions(workspace) if name > manifest.index_version]
    refused = {name: reasons for name in newer if (reasons := refusal(workspace, name))}
    if not refused:
        yield ok("gate", "no version newer than the published one was refused")
        return
    name, reasons = max(refused.items())
    advice = f"mend what the reason names, then recsys fit; or recsys publish {name} --force"
    yield warning("gate", f"{name} was refused: {'; '.join(reasons)}", advice)


def examine_encoder(workspace: Workspace, manifest: IndexManifest) -> Iterator[Finding]:
    """Whether queries would be encoded as the items of the version were."""
    indexed = manifest.encoder_version
    try:
        served = encoder_version(load_encoder_config(workspace, indexed))
    except (EncoderError, SignatureError, ConfigError) as error:
        yield failed("encoder", str(error), "put its folder back, or recsys embed --encoder SOURCE")
        return
    if served != indexed:
        found = f"items were encoded by {indexed}, queries would be by {served}"
        yield failed("encoder", found, "put the old encoder back, or recsys embed --encoder SOURCE")
    elif manifest.text_template_version != TEXT_TEMPLATE_VERSION:
        found = f"texts of the version are of template {manifest.text_template_version}"
        yield warning("encoder", f"{found}, this release makes {TEXT_TEMPLATE_VERSION}", "recsys embed")
    else:
        yield ok("encoder", f"{served}, the same as the index's")
