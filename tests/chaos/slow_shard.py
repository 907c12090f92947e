"""A shard whose edge can be told to be late, to lose calls or answers, or to be cut off."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recsys.workspace import Workspace, replace_file
from serve_app.shard_server import ShardServer

ORDERS = "slow-shard.json"
FOR_EVER_S = 3_600.0
CALLS = ("search", "vectors", "links", "details", "items", "matches", "newest")


@dataclass(frozen=True)
class Orders:
    """What is done to calls of one shard."""

    shard: int = -1
    delay_s: float = 0.0
    """Before every answer."""
    lost_calls: float = 0.0
    """Share of calls that never arrive."""
    lost_answers: float = 0.0
    """Share of calls that are worked on and whose answer never comes."""

    def give(self, root: Path) -> None:
        """Put them where the shard looks before each call."""
        replace_file(root / ORDERS, json.dumps(asdict(self)).encode())


class SlowShard(ShardServer):
    """`ShardServer` behind such an edge."""

    def __init__(self, workspace_root: str, shard: int, *rest: Any) -> None:
        super().__init__(workspace_root, shard, *rest)
        self._number, self._orders = shard, Workspace(Path(workspace_root)).root / ORDERS
        self._rng = random.Random(shard)

    async def _through(self, call: Any, *arguments: Any) -> Any:
        orders = self._read()
        if orders.shard != self._number:
            return await call(*arguments)
        if self._rng.random() < orders.lost_calls:
            await asyncio.sleep(FOR_EVER_S)
        answer = await call(*arguments)
        await asyncio.sleep(orders.delay_s)
        if self._rng.random() < orders.lost_answers:
            await asyncio.sleep(FOR_EVER_S)
        return answer

    def _read(self) -> Orders:
        try:
            return Orders(**json.loads(self._orders.read_text()))
        except FileNotFoundError:
            return Orders()


def _behind_the_edge(name: str) -> Any:
    plain = getattr(ShardServer, name)

    async def call(self: SlowShard, *arguments: Any, **named: Any) -> Any:
        return await self._through(lambda: plain(self, *arguments, **named))

    call.__name__ = name
    return call


for _name in CALLS:
    setattr(SlowShard, _name, _behind_the_edge(_name))
