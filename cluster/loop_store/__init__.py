"""The feedback loop's book: runs, the lease of its one writer, requests of people, and its state."""

from cluster.loop_store.leases import LeaseLostError, LeaseRow, LeaseStore
from cluster.loop_store.requests import Request, RequestStore
from cluster.loop_store.runs import RunStore
from cluster.loop_store.store import LoopStore

__all__ = ["LeaseLostError", "LeaseRow", "LeaseStore", "LoopStore", "Request", "RequestStore", "RunStore"]
