#!/bin/sh
# What `make bench` needs of the system: wrk, which sends the HTTP load, and the OpenMP library of LightGBM.
# Install them where we may; elsewhere the HTTP part fails with a message and the others run.
set -eu
missing=""
command -v wrk >/dev/null 2>&1 || missing="wrk"
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || missing="$missing libgomp1"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086  # a list of packages
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        echo "could not install: $missing; the parts that need it will fail" >&2
else
    echo "not installed: $missing; install it with the system's package manager, parts that need it will fail" >&2
fi
