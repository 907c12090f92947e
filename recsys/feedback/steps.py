"""The commands that make up a run, each chosen by what the ones before it said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recsys.config import EncoderConfig
from recsys.errors import InputError
from recsys.feedback.loop_config import LoopConfig
from recsys.feedback.run import Kind
from recsys.index.manifest import IndexManifest

STEPS: Mapping[Kind, int] = {
    Kind.EMBED: 3,
    Kind.FIT: 3,
    Kind.FINE_TUNE: 4,
    Kind.EVALUATE: 1,
    Kind.ROLLBACK: 1,
}
"""How many commands a run of each kind has; of a version that is not new no map is drawn."""
PUBLISHING = frozenset({Kind.EMBED, Kind.FIT, Kind.FINE_TUNE})
Row = Mapping[str, Any]
Command = tuple[str, ...]


class RunPlan:
    """Commands of one kind for the shop as it is published.

    Each is the arguments of `recsys`, without workspace and database, which the runner's environment
    names. What is published decides encoder, shards, metric and storage, so that a run changes none of them.
    """

    def __init__(
        self, manifest: IndexManifest, encoder: EncoderConfig, config: LoopConfig, address: str | None = None
    ) -> None:
        self._manifest, self._encoder, self._config = manifest, encoder, config
        self._join = ("--address", address) if address else ()

    def commands(self, kind: Kind) -> tuple[Callable[[Sequence[Row]], Command], ...]:
        """Makers of the commands in their order; each gets what the earlier ones printed."""
        ours = self._manifest.encoder_version
        return {
            Kind.EMBED: (lambda _: self._embed(self._encoder.source), lambda _: self._index()),
            Kind.FIT: (lambda _: self._embed(self._encoder.source), lambda _: self._fit(ours)),
            Kind.FINE_TUNE: (
                lambda _: self._train(),
                lambda rows: self._embed(said(rows, 0, "encoder")),
                lambda rows: self._fit(said(rows, 1, "encoder_version")),
            ),
            Kind.EVALUATE: (lambda _: self._evaluate(),),
            Kind.ROLLBACK: (lambda _: ("rollback",),),
        }[kind]

    def drawing(self, kind: Kind, rows: Sequence[Row]) -> Command | None:
        """The command that draws what the run published, or None where it published nothing new.

        `rows`: what the run's commands printed. The version serves already, so that a failure of this one
        is none of the run.
        """
        version = rows[-1].get("index_version") if kind in PUBLISHING and rows else None
        if version is None or version == self._manifest.index_version:
            return None
        return ("map", str(version), "--json")

    def _embed(self, source: str) -> Command:
        encoder = self._encoder
        ours = source == encoder.source
        choice = ("--backend", encoder.backend.value, "--precision", encoder.precision.value) if ours else ()
        return (
            *("embed", "--encoder", source, "--pooling", encoder.pooling.value),
            *("--max-tokens", str(encoder.max_tokens), *choice, "--cpus", "1", "--no-index", "--json"),
            *self._join,
            *self._config.embed.arguments,
        )

    def _index(self) -> Command:
        manifest = self._manifest
        return (
            *("index", "--encoder-version", manifest.encoder_version, "--shards", str(manifest.num_shards)),
            *("--metric", manifest.metric.value, "--storage", manifest.storage.value, "--json"),
        )

    def _fit(self, encoder_version: str) -> Command:
        return ("fit", "--encoder-version", encoder_version, "--json", *self._config.fit.arguments)

    def _train(self) -> Command:
        own = self._config.fine_tune.arguments
        return ("train", "--encoder-version", self._manifest.encoder_version, "--json", *self._join, *own)

    def _evaluate(self) -> Command:
        own = self._config.evaluate.arguments
        return ("evaluate", "--encoder-version", self._manifest.encoder_version, "--json", *self._join, *own)


def said(rows: Sequence[Row], step: int, name: str) -> str:
    """What an earlier command printed; raises `InputError` when it did not."""
    try:
        return str(rows[step][name])
    except (IndexError, KeyError) as error:
        raise InputError("an earlier command did not say what was needed", expected=name) from error
