#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# For bench-sites: redis-server and its own benchmark over the loopback.
set -eu
cd /tmp
redis-server --bind 127.0.0.1 --port 6379 --save '' --appendonly no >redis.log 2>&1 &
server=$!
tries=0
until [ "$(redis-cli ping 2>/dev/null)" = PONG ]; do
	tries=$((tries + 1))
	if [ $tries = 200 ] || ! kill -0 $server; then
		cat redis.log >&2
		exit 1
	fi
	sleep 0.05
done
redis-benchmark -q -n 20000 -t set,get -c 10 | tr '\r' '\n' | grep 'requests per second'
redis-cli shutdown nosave
wait $server
echo "redis-server done"
