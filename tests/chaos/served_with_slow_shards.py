"""`recsys serve` with shards whose edge can be disturbed; arguments are those of the command."""

from __future__ import annotations

import sys

from cluster.runtime import prepare_serve

if __name__ == "__main__":
    prepare_serve()
    from jobs.cli import main
    from serve_app import app
    from tests.chaos.slow_shard import SlowShard

    setattr(app, "ShardServer", SlowShard)  # noqa: B010  # the graph takes the class from there
    sys.argv[0] = "recsys"
    main()
