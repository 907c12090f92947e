"""Texts to vectors: ours on each backend beside what a user would pick instead, and what Ray costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jobs.bench.embedding_ray import RayCost, ray_cost
from jobs.bench.embedding_texts import shop_texts
from jobs.bench.measure import Spread, seconds, side_by_side
from jobs.bench.peers_encoding import Encode, padded_loop, sentence_transformer
from jobs.bench.section import BenchSettings, Section, Table, Target
from recsys.config import Backend, EmbedConfig, EncoderConfig, Precision
from recsys.encoder import TextEncoder
from recsys.encoder.backbone import load_tokenizer
from recsys.encoder.calibration import agreement, calibrate
from recsys.encoder.choice import EncodingRecord, candidates
from recsys.encoder.folder import verify
from recsys.encoder.sources import resolve
from recsys.encoder.tokens import Tokens

MAX_TOKENS = 128
LOOP, SENTENCES = "plain padded loop", "sentence-transformers"


@dataclass(frozen=True)
class EmbeddingSize:
    """How much is measured."""

    turn_texts: int
    compared_texts: int
    """Texts whose neighbours are compared."""
    ray_items: int
    ray_unit_texts: int


FULL = EmbeddingSize(256, 1_024, 16_000, EmbedConfig().unit_texts)
QUICK = EmbeddingSize(32, 64, 120, 40)


@dataclass(frozen=True)
class _Row:
    """One contestant."""

    name: str
    precision: Precision
    rate: Spread
    min_cosine: float
    mean_cosine: float
    agreement: float


def run(settings: BenchSettings) -> Section:
    """Items a second in turns, nearness to sentence-transformers' vectors, and Ray beside a plain loop."""
    size = QUICK if settings.quick else FULL
    plain = EncoderConfig(
        max_tokens=MAX_TOKENS, device="cpu", export_folder=settings.folder / "embedding" / "exported"
    )
    texts = shop_texts(max(size.turn_texts, size.compared_texts))
    settings.say("chooses a backend and a precision as `recsys embed` does")
    left_open = plain.model_copy(update={"backend": Backend.AUTO, "precision": Precision.AUTO})
    # The measured texts are the catalog's other end: the choice is made before the contest.
    chosen, record = calibrate(left_open, texts[::-1], EmbedConfig().min_agreement, settings.say)
    encoders: dict[str, tuple[Precision, Encode]] = {
        LOOP: (Precision.FP32, padded_loop(resolve(plain.source), MAX_TOKENS)),
        SENTENCES: (Precision.FP32, sentence_transformer(resolve(plain.source), MAX_TOKENS)),
    }
    for one in candidates(left_open, cuda=False):
        encoders[_name(one)] = (one.precision, TextEncoder.load(one).encode)
    settings.say(f"encodes {size.turn_texts} texts in turns with {len(encoders)} contestants")
    rows = _rows(encoders, texts, size, settings.rounds)
    settings.say(f"embeds {size.ray_items:,} items on Ray and in a loop")
    cost = ray_cost(chosen, size.ray_items, size.ray_unit_texts, settings.folder / "embedding" / "ray")
    return _section(rows, _name(chosen), record, cost, _lengths(texts[: size.turn_texts]), size)


def _name(config: EncoderConfig) -> str:
    return f"ours, {config.backend} {config.precision}"


def _rows(
    encoders: dict[str, tuple[Precision, Encode]], texts: list[str], size: EmbeddingSize, rounds: int
) -> list[_Row]:
    asked = texts[: size.turn_texts]

    def turn(encode: Encode) -> Callable[[], float]:
        return lambda: len(asked) / seconds(lambda: encode(asked))

    rates = side_by_side({name: turn(encode) for name, (_, encode) in encoders.items()}, rounds)
    compared = texts[: size.compared_texts]
    wanted = encoders[SENTENCES][1](compared)
    rows = []
    for name, (precision, encode) in encoders.items():
        found = encode(compared)
        cosines = (found * wanted).sum(axis=1)
        near = agreement(found, wanted)
        rows.append(_Row(name, precision, rates[name], float(cosines.min()), float(cosines.mean()), near))
    return rows


def _lengths(texts: list[str]) -> np.ndarray:
    tokens = Tokens(load_tokenizer(verify(resolve(EncoderConfig().source))), MAX_TOKENS)
    return np.array([len(ids) for ids in tokens.of(texts)])


def _section(
    rows: list[_Row],
    chosen: str,
    record: EncodingRecord,
    cost: RayCost,
    lengths: np.ndarray,
    size: EmbeddingSize,
) -> Section:
    return Section(
        name="embedding",
        title="Embedding",
        tables=(_contest(rows, chosen, size), _ray_table(cost, chosen)),
        targets=_targets(rows, chosen, cost),
        notes=(
            f"Texts are the built-in shop's, some with descriptions of other items joined: "
            f"{lengths.mean():.0f} tokens on average, "
            f"{np.percentile(lengths, 5):.0f} to {np.percentile(lengths, 95):.0f} for nine in ten, cut at "
            f"{MAX_TOKENS} by every contestant. The network is MiniLM-L6 for all.",
            f"Chosen by `auto` on {record.texts} other texts before the contest: {record.agreement:.3f} of "
            f"fp32's ten neighbours, cosines from {record.min_cosine:.5f}.",
            "Agreement is the share of the ten nearest texts by sentence-transformers' vectors, among "
            f"{size.compared_texts:,} texts; the shop's texts are alike, which makes it a hard question.",
            "OpenVINO has no int8 row: it runs ONNX Runtime's int8 graph slower than fp32, and its own needs "
            "another package.",
        ),
        figures={
            "chosen": chosen,
            "mean_tokens": float(lengths.mean()),
            "items_per_s": {row.name: row.rate.median for row in rows},
            "ray_overhead": cost.overhead,
            "ray_start_s": cost.start_s,
        },
    )


def _contest(rows: list[_Row], chosen: str, size: EmbeddingSize) -> Table:
    slow, sentences = (next(row for row in rows if row.name == name) for name in (LOOP, SENTENCES))
    return Table(
        f"{size.turn_texts} texts a turn, two cores: median [range] over the turns",
        ("contestant", "items/s", "x loop", "x s.-t.", "cosine min", "cosine mean", "top-10"),
        tuple(
            (
                f"{row.name} (auto)" if row.name == chosen else row.name,
                row.rate.text(),
                f"{row.rate.ratio(slow.rate):.2f}",
                f"{row.rate.ratio(sentences.rate):.2f}",
                f"{row.min_cosine:.5f}",
                f"{row.mean_cosine:.5f}",
                f"{row.agreement:.3f}",
            )
            for row in rows
        ),
    )


def _ray_table(cost: RayCost, chosen: str) -> Table:
    return Table(
        f"The job on Ray beside a loop, {chosen}, {cost.texts:,} texts",
        ("", "seconds", "texts/s"),
        (
            ("plain loop", cost.loop_s, cost.texts / cost.loop_s),
            ("Ray, one actor", cost.ray_s, cost.texts / cost.ray_s),
            ("start of Ray and actor, apart", cost.start_s, ""),
        ),
    )


def _targets(rows: list[_Row], chosen: str, cost: RayCost) -> tuple[Target, ...]:
    slow, sentences, auto = (next(r for r in rows if r.name == name) for name in (LOOP, SENTENCES, chosen))
    ours = [row for row in rows if row.name.startswith("ours") and row.precision is Precision.FP32]
    best = max(ours, key=lambda row: row.rate.median)
    return (
        Target("auto, times the padded loop", 4.0, auto.rate.ratio(slow.rate)),
        Target("auto, times sentence-transformers", 1.7, auto.rate.ratio(sentences.rate)),
        Target("auto, top-10 agreement", 0.98, auto.agreement),
        Target("best fp32, times sentence-transformers", 1.05, best.rate.ratio(sentences.rate)),
        Target("best fp32, least cosine", 0.9999, best.min_cosine),
        Target("Ray beside the loop, share of time more", 0.1, cost.overhead, at_least=False),
    )
