"""Scripts for wrk that post events nobody has posted before."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np

from jobs.bench.wrk import DONE, write_script

NUM_ROWS = 4_000
NUM_USERS = 5_000
TYPES = ("view", "click", "add_to_cart", "purchase")
SCRIPT = """local rows = {
%(rows)s
}
local headers = {["Content-Type"] = "application/json"}
local number = 0
function request()
  local events = {}
  for place = 1, %(batch)d do
    number = number + 1
    events[place] = '{"event_id":"%(run)s-' .. number .. '",' .. rows[(number - 1) %% #rows + 1]
  end
  local body = '{"events":[' .. table.concat(events, ",") .. "]}"
  return wrk.format("POST", "/v1/events:batch", headers, body)
end
%(done)s"""


def events_script(file: Path, num_items: int, batch: int, seed: int = 0) -> Path:
    """A script that posts `batch` events a request; each run of it needs a script of its own.

    Shoppers are others than those of the shop at scale, items are its own.
    """
    rng = np.random.default_rng(seed)
    rows = [
        f'user_id":"writer-{user:06d}","item_id":"item-{item:05d}","event_type":"{TYPES[kind]}"}}'
        for user, item, kind in zip(
            rng.integers(NUM_USERS, size=NUM_ROWS).tolist(),
            rng.integers(num_items, size=NUM_ROWS).tolist(),
            rng.integers(len(TYPES), size=NUM_ROWS).tolist(),
            strict=True,
        )
    ]
    lines = ",\n".join(f'[==["{row}]==]' for row in rows)
    return write_script(file, SCRIPT % {"rows": lines, "batch": batch, "run": uuid4().hex, "done": DONE})
