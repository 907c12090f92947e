"""Under which names people are kept: their own, or pseudonyms that only a secret makes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

import pyarrow as pa

from recsys.schemas import STRING

LABEL = b"recsys secret of pseudonyms\0"
HEX_DIGITS = 40
"""160 of 256 bits: a collision among a thousand million people has a chance below 1e-30."""
WITHHELD = "withheld: this workspace keeps nobody's own name"


class Names:
    """Ids as they are kept. Here: as they come."""

    withholds = False
    """Whether rows that cannot be read as events are kept without their content."""

    def of(self, kind: str, name: str) -> str:
        """What an id of a kind (`user`, `visitor`, `session`, `event`) is kept as."""
        return name

    def column(self, kind: str, values: pa.Array) -> pa.Array:
        """The same for a column; nulls stay."""
        return values

    def without_content(self, rows: pa.Table) -> pa.Table:
        """Refused rows (`QUARANTINE`) as they may be kept."""
        return rows


PLAIN = Names()


@dataclass(frozen=True)
class Pseudonyms(Names):
    """Keyed hashes (HMAC-SHA-256), one space a kind; the secret shows in no representation."""

    secret: bytes = field(repr=False)
    withholds = True

    @property
    def secret_id(self) -> str:
        """What tells secrets apart and gives nothing of them away: 16 hexadecimal digits."""
        return sha256(LABEL + self.secret).hexdigest()[:16]

    def of(self, kind: str, name: str) -> str:
        """`p-` and 40 hexadecimal digits; the same for the same id in every entry and process."""
        said = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
        return f"p-{hmac.digest(self.secret, said, 'sha256').hex()[:HEX_DIGITS]}"

    def column(self, kind: str, values: pa.Array) -> pa.Array:
        """Each id hashed once, however often it is in the column."""
        names = values.to_pylist()
        made = {name: self.of(kind, name) for name in set(names) - {None}}
        return pa.array([None if name is None else made[name] for name in names], STRING)

    def without_content(self, rows: pa.Table) -> pa.Table:
        """Place and reason alone: where a row could not be read, nobody knows which word is a name."""
        kept = [{**row, "raw": None, "detail": WITHHELD} for row in rows.to_pylist()]
        return pa.Table.from_pylist(kept, schema=rows.schema)
