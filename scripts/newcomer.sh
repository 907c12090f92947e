#!/bin/sh
# The newcomer's path, timed: a fresh clone, the installation, two CSV files, lists with reasons.
#   sh scripts/newcomer.sh [CATALOG EVENTS]        (without files: those of the built-in shop)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
folder=${FOLDER:-$(mktemp -d)}
catalog=${1:+$(realpath "$1")}
events=${2:+$(realpath "$2")}
begun=$(date +%s)

step() { # NAME COMMAND...: run it and say how long it took
	name=$1
	shift
	before=$(date +%s)
	"$@"
	echo "== $name: $(($(date +%s) - before)) s"
}

step clone git clone --quiet "$here" "$folder/recommender"
cd "$folder/recommender"
step install make --quiet install
installed=$(date +%s)
. .venv/bin/activate
[ -n "$catalog" ] || step files recsys shop example --items 300 --shoppers 200 --now 2026-11-20 --csv
step demo recsys demo --catalog "${catalog:-example/catalog.csv}" --events "${events:-example/orders.csv}" \
	--currency EUR --port "${PORT:-8000}" --stop
ended=$(date +%s)
echo "== from the clone to lists: $((ended - begun)) s, $((installed - begun)) s of them clone and installation"
