#!/bin/bash
# The topology of deploy/kuberay with three Ray nodes on one machine: a head without CPUs, a node that serves, a
# node without CPUs for `recsys serve`; token, proxy, a job over the dashboard. Then the command is ended
# as Kubernetes ends pods, and killed, while requests run; another one takes the service over each time. bash scripts/rehearse-cluster.sh FOLDER; needs 2 cores, 8 GB.
set -euo pipefail
folder=${1:?folder for workspace and logs}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
while IFS='=' read -r name value; do export "$name=$value"; done <<'ENVIRONMENT'
RAY_AUTH_MODE=token
RAY_USAGE_STATS_ENABLED=0
RAY_SERVE_THROUGHPUT_OPTIMIZED=1
RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP=1
RAY_SERVE_ENABLE_DIRECT_INGRESS=0
HF_HUB_OFFLINE=1
TOKENIZERS_PARALLELISM=false
ENVIRONMENT
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
RAY_TMPDIR=$(mktemp -d /tmp/rehearse.XXXX) # short: Ray's socket names have a limit
export RAY_AUTH_TOKEN RAY_TMPDIR RECSYS_WORKSPACE=$folder/workspace
gcs=127.0.0.1:26379 dashboard=http://127.0.0.1:28265 shop=http://127.0.0.1:28000
children=()
finish() {
    kill "${children[@]}" 2>/dev/null || true
    wait
    rm -rf "$RAY_TMPDIR"
}
trap finish EXIT

node() { # name, agent's port, further options
    ray start --block --node-ip-address=127.0.0.1 --dashboard-agent-listen-port="$2" "${@:3}" >"$folder/$1.log" 2>&1 &
    children+=($!)
    curl -sf --retry 60 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$2/api/healthz" >/dev/null
    echo "node $1: /api/healthz answers without a token"
}
serve() {
    recsys serve --address "$gcs" --door proxy --host 0.0.0.0 --port 28000 --public --no-keys --recommenders 2 >"$folder/$1.log" 2>&1 &
    serving=$!
    children+=("$serving")
    until grep -q 'serving at' "$folder/$1.log"; do kill -0 "$serving" && sleep 1; done
    echo "$1: serving"
}
ask() { # a body, an address, further options of curl
    curl -s -m 5 -o /dev/null -w '%{http_code}\n' -H 'content-type: application/json' "${@:3}" "$2" ${1:+-d "$1"}
}

node head 25236 --head --port=26379 --num-cpus=0 --dashboard-host=127.0.0.1 --dashboard-port=28265 --temp-dir="$RAY_TMPDIR"
node serving 25237 --address="$gcs" --num-cpus=4
node command 25238 --address="$gcs" --num-cpus=0
echo "jobs without a token: $(ask '' $dashboard/api/jobs/), with it: $(ask '' $dashboard/api/jobs/ -H "Authorization: Bearer $RAY_AUTH_TOKEN")"

recsys shop "$folder/shop" --items 300 --shoppers 60 >/dev/null
recsys import items "$folder"/shop/items.* --json >/dev/null
recsys import events "$folder"/shop/events.* --json >/dev/null
recsys --submit "$dashboard" embed --address "$gcs" --actors 2 --cpus 2 >"$folder/embed.log"
echo "embedded by a job"

serve first
for _ in $(seq 300); do ask '{"user_id": "shopper-0006", "n": 3}' $shop/v1/recommend && sleep 0.2; done >"$folder/codes" &
asking=$!
sleep 5
kill -TERM "$serving"
wait "$serving" || true
tail -n 1 "$folder/first.log"
sleep 3
serve second
sleep 3
kill -9 "$serving"
sleep 3
serve third
wait "$asking"
echo "answers by status while the command was ended, was killed, and others took over:"
sort "$folder/codes" | uniq -c
kill -TERM "$serving"
wait "$serving" || true
echo "after SIGTERM: $(ask '' $shop/healthz || true)"
recsys serve --address "$gcs" --down
echo "after --down: $(ask '' $shop/healthz || true)"
