"""A channel's run: files of the catalog's items -> image encoders -> finished units, as texts are."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.embedding.catalog_texts import ItemSource
from cluster.embedding.export import Unit, write_unit
from cluster.embedding.folder_lock import sole_writer
from cluster.embedding.job import follow, set_aside
from cluster.embedding.local_run import encode_here
from cluster.embedding.media_units import REFUSED_SUFFIX, MediaUnits
from cluster.embedding.report import EmbedProgress
from recsys.channels.contents import content_hash
from recsys.channels.frames import require_video
from recsys.channels.image_folder import image_encoder_version, verify_image_folder
from recsys.channels.locating import locate, reference_of
from recsys.channels.store import CONTENT_OF_ITEM, ChannelRecord, write_channel
from recsys.config import ChannelConfig, EmbedConfig, RuntimeConfig
from recsys.embeddings import find_sorted, hash_array, known_hashes
from recsys.errors import ConfigError, UnreadableFileError
from recsys.schemas import QUARANTINE
from recsys.workspace import Workspace, replace_file

LOCAL_FILES = 500
"""At most so many files are encoded in this process, unless a GPU or a cluster is asked for."""
TEXT_ONLY = "the item keeps its text"


@dataclass(frozen=True)
class ChannelReport:
    """What a run did."""

    name: str
    version: str
    dim: int
    items: int
    """Items in the catalog."""
    with_vector: int
    """Items that have a vector in this channel now."""
    without_file: int
    """Items that name no file."""
    refused: dict[str, int]
    """Items whose file cannot be used, by reason; they keep their texts."""
    distinct_files: int
    embedded: int
    """Files this run encoded."""
    reused: int
    """Files whose vector was there already."""
    quarantine_file: Path | None
    seconds: float

    def as_rows(self) -> dict[str, Any]:
        """Every field by name, for tables and JSON."""
        return asdict(self) | {"seconds": round(self.seconds, 2)}


@dataclass
class _Files:
    """Which file stands for each item, and what is wrong with the others."""

    items: int = 0
    without_file: int = 0
    contents: dict[str, str] = field(default_factory=dict)
    """Item -> digest."""
    paths: dict[str, Path] = field(default_factory=dict)
    """Digest -> one file that has it."""
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    """Item, reason, detail."""

    def not_in(self, done: np.ndarray) -> list[str]:
        """Digests that have no vector yet, ascending."""
        digests = sorted(self.paths)
        known = find_sorted(done, hash_array(digests))[1].tolist()
        return [digest for digest, old in zip(digests, known, strict=True) if not old]

    def refuse(self, refused: Mapping[str, tuple[str, str]]) -> None:
        """Items whose content could not be read have no content, and a fault."""
        bad = {item: digest for item, digest in self.contents.items() if digest in refused}
        self.faults += [(item, *refused[digest]) for item, digest in bad.items()]
        self.contents = {item: digest for item, digest in self.contents.items() if item not in bad}


def embed_channel(
    workspace: Workspace,
    item_store: ItemSource,
    config: ChannelConfig,
    embed: EmbedConfig,
    on_progress: Callable[[EmbedProgress], None] = lambda _: None,
    *,
    runtime: RuntimeConfig | None = None,
) -> ChannelReport:
    """Encode every picture or film of the catalog whose content has no vector yet.

    A file that cannot be used is counted and quarantined, and its item keeps its text. Finished units
    stay, as with `embed_catalog`; up to `LOCAL_FILES` files are encoded in this process. Raises
    `EncoderError` for a refused encoder, `ConfigError` for a folder that is not there or a decoder that
    is not installed, `CapacityError`, and `OverloadedError` while another run writes the channel.
    """
    started = time.monotonic()
    config = _checked(config)
    from recsys.channels.image_encoder import image_dim  # transformers takes a second to import

    encoder = verify_image_folder(config.encoder)
    version, dim = _version(image_encoder_version(encoder), config), image_dim(encoder)
    record = ChannelRecord(name=config.name, version=version, dim=dim, kind=config.kind, config=config)
    folder, export = workspace.channel(config.name) / version, workspace.channel(config.name) / "export"
    with sole_writer(folder):
        done, broken = known_hashes(folder, dim)
        set_aside(broken)
        files = _find(item_store, config)
        new = files.not_in(done)
        shutil.rmtree(export, ignore_errors=True)
        units = list(_units(new, files.paths, export, config.unit_files))
        if units:
            actor = {"encoder_version": version, "dim": dim, "folder": str(folder)}
            runtime = runtime or RuntimeConfig(workspace=workspace.root)
            with _encoded(units, actor, config, embed, runtime) as outcomes:
                follow(units, outcomes, on_progress)
            known_hashes(folder, dim)
        refused = _refused(units)
        shutil.rmtree(export, ignore_errors=True)
        files.refuse(refused)
        write_channel(workspace, record, _contents(files.contents))
        quarantine = _quarantine(workspace, config.name, files.faults)
    counts = {"embedded": len(new) - len(refused), "reused": len(files.paths) - len(new)}
    return _report(record, files, counts, quarantine, time.monotonic() - started)


def _report(
    record: ChannelRecord, files: _Files, counts: dict[str, int], quarantine: Path | None, seconds: float
) -> ChannelReport:
    return ChannelReport(
        name=record.name,
        version=record.version,
        dim=record.dim,
        items=files.items,
        with_vector=len(files.contents),
        without_file=files.without_file,
        refused=dict(sorted(Counter(reason for _, reason, _ in files.faults).items())),
        distinct_files=len(files.paths),
        quarantine_file=quarantine,
        seconds=seconds,
        **counts,
    )


def _checked(config: ChannelConfig) -> ChannelConfig:
    folder = config.files.expanduser().resolve()
    if not folder.is_dir():
        raise ConfigError("the folder of files is not there", expected="a folder", found=str(config.files))
    if config.kind == "video":
        require_video()
    return config.model_copy(update={"files": folder})


def _version(encoder_version: str, config: ChannelConfig) -> str:
    return f"{encoder_version}-{config.limits.num_frames}f" if config.kind == "video" else encoder_version


def _find(item_store: ItemSource, config: ChannelConfig) -> _Files:
    files, seen = _Files(), dict[Path, str]()
    for batch in item_store.scan():
        for item in batch.select(["item_id", "image_url", "attributes"]).to_pylist():
            files.items += 1
            reference = reference_of(item, config.kind)
            if reference is None:
                files.without_file += 1
                continue
            try:
                path = locate(reference, config.files)
                if path not in seen:
                    seen[path] = content_hash(path)
            except UnreadableFileError as error:
                files.faults.append((item["item_id"], error.what, error.found))
                continue
            files.contents[item["item_id"]] = seen[path]
            files.paths.setdefault(seen[path], path)
    return files


def _units(new: list[str], paths: dict[str, Path], export: Path, size: int) -> Iterator[Unit]:
    for start in range(0, len(new), size):
        yield write_unit(export, [(digest, str(paths[digest])) for digest in new[start : start + size]])


def _encoded(
    units: list[Unit],
    actor: dict[str, Any],
    config: ChannelConfig,
    embed: EmbedConfig,
    runtime: RuntimeConfig,
) -> AbstractContextManager[Iterator[dict[str, Any]]]:
    threads = config.encoder.num_threads or max(1, int(embed.cpus_per_actor))
    device = "cuda" if embed.gpus_per_actor else config.encoder.device
    encoder = config.encoder.model_copy(update={"num_threads": threads, "device": device})
    actor = actor | {"config": config.model_copy(update={"encoder": encoder})}
    pending = sum(unit.num_texts for unit in units)
    if pending <= min(LOCAL_FILES, embed.local_texts) and not embed.gpus_per_actor and not runtime.address:
        return nullcontext(encode_here(units, actor, MediaUnits))
    from cluster.embedding.ray_run import encode_on_actors

    return encode_on_actors(units, actor, embed, runtime, MediaUnits)


def _refused(units: list[Unit]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for unit in units:
        beside = unit.file.with_suffix(REFUSED_SUFFIX)
        if beside.exists():  # not where the unit of a killed run had landed already
            found |= {
                digest: (what, detail) for digest, (what, detail) in json.loads(beside.read_bytes()).items()
            }
    return found


def _contents(kept: dict[str, str]) -> pa.Table:
    return pa.table([pa.array(list(kept)), pa.array(list(kept.values()))], schema=CONTENT_OF_ITEM)


def _quarantine(workspace: Workspace, name: str, faults: list[tuple[str, str, str]]) -> Path | None:
    """The file of items whose picture cannot be used; absent when there are none."""
    path = workspace.quarantine / f"channel-{name}.parquet"
    if not faults:
        path.unlink(missing_ok=True)
        return None
    rows = [
        {"file": item, "row": None, "reason": reason, "detail": f"{detail}; {TEXT_ONLY}", "raw": None}
        for item, reason, detail in sorted(faults)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=QUARANTINE), sink)
    replace_file(path, bytes(sink.getvalue()))
    return path
