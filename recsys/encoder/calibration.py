"""Measuring backends and precisions on a shop's own texts, so that the fastest good one can be taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from recsys.config import Backend, EncoderConfig, Precision
from recsys.encoder.choice import EncodingRecord, candidates, fastest, settled
from recsys.encoder.text_encoder import TextEncoder
from recsys.errors import RecsysError

SAMPLE_TEXTS = 320
"""Texts whose neighbours are compared."""
TIMED_TEXTS = 128
"""Texts that each turn encodes."""
TURNS = 3
NEIGHBOURS = 10
REFERENCE = {"backend": Backend.TORCH, "precision": Precision.FP32}


def calibrate(
    config: EncoderConfig,
    texts: Sequence[str],
    min_agreement: float,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[EncoderConfig, EncodingRecord]:
    """The fastest backend and precision that `config` leaves open and that finds fp32's neighbours.

    `texts` are the shop's own, `SAMPLE_TEXTS` or more of them; the candidates encode them in turns.
    One that cannot be loaded is left out. When none agrees by `min_agreement`, it is what `settled`
    says. Raises what `TextEncoder.load` raises for torch in fp32.
    """
    sample = list(texts[:SAMPLE_TEXTS])
    reference = TextEncoder.load(config.model_copy(update=REFERENCE))
    encoders = {(Backend.TORCH, Precision.FP32): reference} | _loaded(config, say)
    rates = _rates(encoders, sample[:TIMED_TEXTS])
    wanted = reference.encode(sample)
    open_pairs = {(c.backend, c.precision) for c in candidates(config, torch.cuda.is_available())}
    measured = [
        _compared(pair, encoder.encode(sample), wanted, rates[pair])
        for pair, encoder in encoders.items()
        if pair in open_pairs
    ]
    for record in measured:
        say(f"{record.backend} {record.precision}: {record.texts_per_s:.0f} texts a second, "
            f"{record.agreement:.3f} of the neighbours")  # fmt: skip
    return _taken(config, measured, min_agreement)


def agreement(found: np.ndarray, wanted: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Mean share of each row's nearest rows in `wanted` that are nearest in `found` too.

    Both are `[N, D]` unit rows of the same texts; a row is not its own neighbour. 1 for fewer than
    two rows.
    """
    count = min(neighbours, len(wanted) - 1)
    if count < 1:
        return 1.0
    both = zip(_nearest(found, count), _nearest(wanted, count), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / count for a, b in both]))


def _nearest(vectors: np.ndarray, count: int) -> np.ndarray:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, count - 1, axis=1)[:, :count]


def _loaded(
    config: EncoderConfig, say: Callable[[str], None]
) -> dict[tuple[Backend, Precision], TextEncoder]:
    found = {}
    for candidate in candidates(config, torch.cuda.is_available()):
        pair = (candidate.backend, candidate.precision)
        if pair == (Backend.TORCH, Precision.FP32):
            continue
        try:
            found[pair] = TextEncoder.load(candidate)
        except RecsysError as error:
            say(f"{pair[0]} {pair[1]} is left out: {error.what}")
    return found


def _rates(
    encoders: dict[tuple[Backend, Precision], TextEncoder], texts: list[str]
) -> dict[tuple[Backend, Precision], float]:
    """Median texts a second of each; they take turns, so that a slow moment hits all of them."""
    found: dict[tuple[Backend, Precision], list[float]] = {pair: [] for pair in encoders}
    for encoder in encoders.values():
        encoder.encode(texts[:16])
    for _ in range(TURNS):
        for pair, encoder in encoders.items():
            start = time.perf_counter()
            encoder.encode(texts)
            found[pair].append(len(texts) / (time.perf_counter() - start))
    return {pair: float(np.median(rates)) for pair, rates in found.items()}


def _compared(
    pair: tuple[Backend, Precision], found: np.ndarray, wanted: np.ndarray, rate: float
) -> EncodingRecord:
    cosines = (found * wanted).sum(axis=1)
    return EncodingRecord(
        backend=pair[0],
        precision=pair[1],
        texts=len(wanted),
        texts_per_s=rate,
        agreement=agreement(found, wanted),
        min_cosine=float(cosines.min()),
        mean_cosine=float(cosines.mean()),
    )


def _taken(
    config: EncoderConfig, measured: Sequence[EncodingRecord], min_agreement: float
) -> tuple[EncoderConfig, EncodingRecord]:
    taken = fastest(measured, min_agreement)
    if taken is None:
        plain = settled(config)
        return plain, EncodingRecord(backend=plain.backend, precision=plain.precision, texts=0)
    return config.model_copy(update={"backend": taken.backend, "precision": taken.precision}), taken
