#!/bin/sh
# Run every block of the pages that no comment excludes, over a small shop with a service of its own; minutes.
#   make docs-check        PAGES="live store" runs some
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
port=${PORT:-8000}
export PYTHONPATH="$here" URL="http://127.0.0.1:$port" RECSYS_WORKSPACE="$folder/workspace" WORKSPACE="$folder/workspace"
cd "$folder"

recsys shop example --items 300 --shoppers 200 --csv
recsys shop files --items 300 --shoppers 200
recsys import items example/catalog.csv --currency EUR
recsys import events example/orders.csv
recsys embed --shards 2
recsys fit --shards 2
recsys serve --port "$port" --store --log-format json --traces "file:$RECSYS_WORKSPACE/traces" >serve.log 2>&1 &
service=$!
trap 'kill -INT $service 2>/dev/null; wait $service || true; rm -rf "$folder"' EXIT
until curl -sf "$URL/readyz" >/dev/null; do
	kill -0 $service || { cat serve.log; exit 1; }
	sleep 1
done

for page in ${PAGES:-live store operations access backup privacy private-learning threat-model less-labelling}; do
	python "$here/scripts/run_docs.py" --check "$here/docs/$page.md"
done
