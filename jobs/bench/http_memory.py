"""What one shard's process holds, beyond what any such process holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from jobs.bench.processes import Memory
from jobs.bench.section import Cell, Table
from jobs.bench.service import our_service
from jobs.bench.shop_at_scale import ShopAtScale, make_shop_at_scale
from jobs.bench.vectors import DIM
from recsys.config import Placement
from recsys.index import load_manifest

MEMORY_LIMIT = 1.3
"""Times the size of a shard's vectors that its process may hold beyond the base."""
BASE_ITEMS = 60
MB = 1e6


@dataclass(frozen=True)
class ShardMemory:
    """Resident memory of the processes of one version's shards."""

    bases: dict[str, Memory]
    """Deployment -> the same process over a shop of `BASE_ITEMS` items."""
    held: dict[str, Memory]
    """Deployment -> memory after load."""
    vector_bytes: dict[str, int]
    """Deployment -> size of its vectors as float32."""

    def above_base(self, name: str) -> float:
        """How many times its vectors' size a shard holds beyond its base."""
        return (self.held[name].resident - self.bases[name].resident) / self.vector_bytes[name]

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max(self.above_base(name) for name in self.held)

    def table(self) -> Table:
        """One line a shard."""
        return Table(
            "Memory of a shard's process after load, one deployment for each shard, MB",
            (
                "process",
                "base",
                "resident",
                "of it its own",
                "of it mapped",
                "its vectors",
                "beyond the base, times its vectors",
            ),
            tuple(self._row(name) for name in sorted(self.held)),
        )

    def _row(self, name: str) -> tuple[Cell, ...]:
        held, base = self.held[name], self.bases[name]
        sizes = (base.resident, held.resident, held.own, held.mapped, self.vector_bytes[name])
        return (name, *(size / MB for size in sizes), self.above_base(name))

    def notes(self) -> tuple[str, ...]:
        """What the numbers count."""
        return (
            f"Base: the same process over a shop of {BASE_ITEMS} items. Resident memory counts mapped files "
            "and libraries whole, also where other processes share them; ids, fields and links of the items "
            "are in it.",
        )


def shard_memory(shop: ShopAtScale, folder: Path, held: dict[str, Memory]) -> ShardMemory:
    """`held` beside the base, for which a small shop is served once."""
    plan = replace(shop.plan, num_items=BASE_ITEMS, num_users=2)
    small = make_shop_at_scale(folder / "base", plan)
    with our_service(small.workspace, Placement.REMOTE, folder) as service:
        bases = service.replicas()
    manifest = load_manifest(shop.workspace, shop.published)
    sizes = {
        f"shard-{shard}": manifest.shard_files(shard)[0].rows * DIM * 4
        for shard in range(manifest.num_shards)
    }
    return ShardMemory({name: bases[name] for name in held}, held, sizes)
