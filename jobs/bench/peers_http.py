"""The least a shop would write itself: FastAPI in front of a FAISS index, one process.

A user is a stored vector; the answer is ten ids. No profile, no filter, no reasons, nothing live.
Started as a process: `python -m jobs.bench.peers_http VECTORS.npy PORT`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

NUM_USERS = 2_000


class Asked(BaseModel):
    """Who asks."""

    user_id: str
    n: int = 10


def bare_api(vectors: np.ndarray, num_users: int = NUM_USERS, seed: int = 0) -> FastAPI:
    """The application over item vectors `[N, D] float32`; users are named `shopper-000000` and on."""
    faiss.omp_set_num_threads(1)
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    item_ids = [f"item-{number:05d}" for number in range(len(vectors))]
    random = np.random.default_rng(seed).standard_normal((num_users, vectors.shape[1]), np.float32)
    users = {f"shopper-{number:06d}": random[number : number + 1] for number in range(num_users)}
    api = FastAPI(openapi_url=None)

    @api.post("/recommend")
    def recommend(asked: Asked) -> dict[str, list[str]]:
        _, places = index.search(users[asked.user_id], asked.n)
        return {"items": [item_ids[place] for place in places[0].tolist()]}

    @api.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return api


def main(vectors: Path, port: int) -> None:
    """Serve until told to stop."""
    api = bare_api(np.load(vectors, allow_pickle=False))
    uvicorn.run(api, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
