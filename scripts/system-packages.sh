#!/bin/sh
# What the test suite needs of the system: a real PostgreSQL, a browser, and the OpenMP library of LightGBM.
# Install them where we may; elsewhere the tests that need them skip or say why.
set -eu
missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="postgresql"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || missing="$missing libgomp1"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086  # a list of packages
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "not installed: $missing; tests that need it skip or fail with a message" >&2
fi
