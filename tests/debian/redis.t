#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# redis-server on the loopback: redis-benchmark, and what is in its append-only file after a kill.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"
port=6390

cli() {
	redis-cli -p $port "$@"
}

start() {
	redis-server --bind 127.0.0.1 --port $port --dir "$tmp" --save '' --appendonly yes --appendfsync always >>log 2>&1 &
	server=$!
	comes "redis-server answers" eval '[ "$(cli ping)" = PONG ]'
}

start
is "$(cli set greeting 'hello world'; cli get greeting; cli incr n; cli rpush list a b c; cli lrange list 1 2)" "OK
hello world
1
3
b
c" "redis-cli"
redis-benchmark -p $port -n 20000 -r 1000 -c 20 -t set,incr,lpush,sadd -q --csv >bench 2>&1
is $? 0 "redis-benchmark"
is "$(cut -d, -f1 bench | tr -d '"' | tr '\n' ' ')" "test SET INCR LPUSH SADD " "all that was asked"
is "$(cli llen mylist)" 20000 "20,000 elements of a list"
is "$(cli --scan --pattern 'counter:*' | sed 's/^/get /' | cli | awk '{ sum += $1 } END { print sum }')" 20000 "counters of 20,000"
redis-benchmark -p $port -n 20000 -P 16 -q ping >/dev/null 2>&1
is $? 0 "redis-benchmark with a pipeline"
is "$(cli info commandstats | sed -n 's/^cmdstat_ping:calls=\([0-9]*\),.*/\1/p' | awk '{ print ($1 >= 20000) }')" 1 "it was counted"

# Killed while a client counts. Each answer has come after the write to the file.
yes 'incr acknowledged' | redis-cli -p $port >answers 2>&1 &	# not cli: $! is to be redis-cli itself
client=$!
comes "a thousand answers" eval '[ $(wc -l <answers) -gt 1000 ]'
digest=$(cli debug digest-value mylist greeting list)
kill -9 $server
wait $server 2>/dev/null
comes "the client notices" grep -q 'Could not connect\|closed the connection' answers
kill $client
wait
last=$(grep -E '^[0-9]+$' answers | tail -n 1)
for file in appendonlydir/*.aof; do
	passes "redis-check-aof ${file#*/}" redis-check-aof "$file"
done
start
is "$(cli debug digest-value mylist greeting list)" "$digest" "the same values after a restart"
now=$(cli get acknowledged)
is "$((now == last || now == last + 1))" 1 "all that was acknowledged is there"

# A child writes these while the server goes on.
digest=$(cli debug digest)
passes "bgrewriteaof" cli bgrewriteaof
comes "it has been rewritten" eval '[ "$(cli info persistence | grep -c "^aof_rewrite_in_progress:0")" = 1 ] && [ -e appendonlydir/appendonly.aof.2.base.rdb ]'
passes "bgsave" cli bgsave
comes "it has been saved" eval '[ "$(cli info persistence | grep -cE "^rdb_bgsave_in_progress:0|^rdb_last_bgsave_status:ok")" = 2 ]'
passes "redis-check-rdb" redis-check-rdb dump.rdb
kill $server
wait $server
is $? 0 "it ends when it is told to"
start
is "$(cli debug digest)" "$digest" "the same data after a rewrite"
cli shutdown nosave
wait $server
is "$(grep -ciE 'crash|bad file|assert' log)" 0 "nothing bad in its log"
done_testing
