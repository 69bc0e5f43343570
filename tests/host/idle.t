#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A box that waits does nothing: no process of it spins or wakes again and again. All wait side by side. What is measured is
# processor time, of which a wake costs more on a slow host. One that has not come to rest, on a busy host, gets more time.
# shellcheck disable=SC2154 # eval sets what it asks of each box
. "$(dirname "$0")/lib.sh"

# Nanoseconds that all host processes of the box of supervisor $1 have used: its children are all there are.
used() {
	for p in $1 $(pgrep -P "$1"); do
		cat /proc/"$p"/task/*/schedstat 2>/dev/null
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# wait_in NAME PERCENT SCRIPT [REDIRECTED STDIN]
boxes=0
wait_in() {
	boxes=$((boxes + 1))
	"$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c "$3" <"${4:-/dev/null}" >"$tmp/out$boxes" &
	eval "pid$boxes=$! name$boxes=\$1 permille$boxes=$(($2 * slowness))"
}
mkfifo "$tmp/fifo"
sleep 600 >"$tmp/fifo" &
silent=$!

wait_in "sleep" 1 'echo up; exec sleep 600'
wait_in "ten sleepers" 1 'for i in 1 2 3 4 5 6 7 8 9; do sleep 600 & done; echo up; sleep 600'
wait_in "input that does not come" 1 'echo up; cat' "$tmp/fifo"
wait_in "a pipe without data" 1 'echo up; sleep 600 | cat'
wait_in "a program that wakes each second" 30 'echo up; while :; do sleep 1; done'
wait_in "the end of input, unread" 1 'echo up; exec sleep 600' /dev/null
wait_in "input that nobody reads" 1 'echo up; exec sleep 600' /dev/zero
wait_in "stopped" 1 'echo up; kill -STOP $$'

for i in $(seq $boxes); do
	eval "pid=\$pid$i"
	while [ ! -s "$tmp/out$i" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
done
# 10 s, and whether one of them has used more than it may.
measure() {
	for i in $(seq $boxes); do
		eval "before$i=\$(used \$pid$i)"
	done
	sleep 10
	more=
	for i in $(seq $boxes); do
		eval "ns$i=\$((\$(used \$pid$i) - before$i)); [ \$ns$i -lt \$((permille$i * 10000000)) ] || more=1"
	done
}
sleep 2
for try in 1 2 3 4 5 6; do
	measure
	[ -n "$more" ] || break
	echo "# after $((try * 10)) s not all of them were at rest"
done
for i in $(seq $boxes); do
	eval "pid=\$pid$i name=\$name$i permille=\$permille$i ns=\$ns$i"
	is "$(kill -0 "$pid" && echo up)" up "$name: it runs"
	[ "$(pgrep -P "$pid" | wc -l)" -ge 2 ] && [ "$ns" -lt $((permille * 10000000)) ]
	is $? 0 "$name: less than $permille/1000 of a processor in 10 s ($ns ns)"
	kill "$pid"
	wait "$pid" 2>/dev/null
done
kill $silent
done_testing
