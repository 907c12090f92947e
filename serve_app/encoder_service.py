"""The encoder as a service: query text, review text and live items become embeddings."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.config import EncoderConfig
from recsys.errors import EncoderError
from recsys.text import text_hash
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import answered, unanswered
from serve_app.telemetry import Telemetry, carried, continued

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

CACHED_TEXTS = 20_000


class EmbeddingCache:
    """Least recently used embeddings by text hash."""

    def __init__(self, capacity: int = CACHED_TEXTS) -> None:
        self._capacity = capacity
        self._rows: OrderedDict[str, np.ndarray] = OrderedDict()

    def get(self, key: str) -> np.ndarray | None:
        """The embedding `[D] float32` of a text hash, or None."""
        if key in self._rows:
            self._rows.move_to_end(key)
        return self._rows.get(key)

    def put(self, key: str, row: np.ndarray) -> None:
        """Keep an embedding; the one used longest ago makes room."""
        self._rows[key] = row
        while len(self._rows) > self._capacity:
            self._rows.popitem(last=False)


class EncoderService:
    """One encoder; texts that were encoded lately are answered from memory."""

    def __init__(self, config: EncoderConfig, telemetry: Telemetry | None = None) -> None:
        if telemetry:
            telemetry.start("encoder")
        from recsys.encoder import TextEncoder

        self._encoder = TextEncoder.load(config)
        self._cache = EmbeddingCache()
        self._lock = asyncio.Lock()

    async def version(self) -> str:
        """Encoder version, to be compared with the index's."""
        return self._encoder.version

    @continued("encoder.encode")
    async def encode(self, texts: list[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order; `[0, D]` for none."""
        hashes = [text_hash(text) for text in texts]
        async with self._lock:
            missing = {h: t for h, t in zip(hashes, texts, strict=True) if self._cache.get(h) is None}
            fresh = await asyncio.to_thread(self._encoder.encode, list(missing.values()))
        rows = dict(zip(missing, fresh, strict=True))
        rows |= {h: row for h in hashes if h not in rows and (row := self._cache.get(h)) is not None}
        for key in missing:
            self._cache.put(key, rows[key])
        return np.stack([rows[h] for h in hashes]) if hashes else fresh


class RemoteEncoder:
    """`TextEncoderClient` over the service's handle; every failure is an `EncoderError`.

    After failures in a row it is left alone for a while, so that not every list waits out its deadline.
    """

    def __init__(self, handle: DeploymentHandle[Any], timeout_s: float, breaker: CircuitBreaker) -> None:
        self._handle, self._timeout_s, self._breaker = handle, timeout_s, breaker

    async def encode(self, texts: Sequence[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order."""
        if not self._breaker.allows():
            raise EncoderError("the encoder does not answer", found="failures in a row")
        context = carried()
        rows: np.ndarray = await self._call(lambda: self._handle.encode.remote(list(texts), carried=context))
        return rows

    async def version(self) -> str:
        """Encoder version of the service."""
        return str(await self._call(self._handle.version.remote))

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            found = await answered(call, self._timeout_s)
        except TimeoutError as error:
            self._breaker.failed()
            raise EncoderError("the encoder is late", expected=f"{self._timeout_s:g} s") from error
        except unanswered() as error:
            self._breaker.failed()
            raise EncoderError("the encoder does not answer", found=type(error).__name__) from error
        self._breaker.succeeded()
        return found
