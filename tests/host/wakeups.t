#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Whoever parks last waits for the next event himself: a sleeper is woken up by the host, not by Z,
# the idle thread, in addition. How often each has waited is counted. Z is told of ticks, of which
# there are fewer than of sleeps of a millisecond.
. "$(dirname "$0")/lib.sh"
own_name

# How often the main threads of these processes have waited.
waits() {
	for p in "$@"; do
		cat "/proc/$p/status" 2>/dev/null
	done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum + 0 }'
}

# Its timers are all that goes on in the box, and its times are none of this test's.
timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c 'echo up; exec /tests/bench-wake 100000' >"$tmp/out" &
soon grep -q up "$tmp/out"
pid=$(pgrep -x "box$$" -P $!)
children=$(pgrep -P "$pid" | sort -n)
z=$(echo "$children" | head -n 1)
others=$(echo "$children" | tail -n +2)
slept_enough() {
	# shellcheck disable=SC2086
	[ "$(waits $others)" -ge "$1" ]
}

slack="the host adds no slack to the guest's"
if ns=$(cat "/proc/$z/timerslack_ns" 2>"$tmp/err"); then
	is "$ns" 1 "$slack"
else
	count=$((count + 1))
	echo "ok $count - $slack # SKIP $(tail -n 1 "$tmp/err")"
fi
# It has come to rest after its start.
# shellcheck disable=SC2086
soon slept_enough $(($(waits $others) + 300))
before=$(waits "$z")
# shellcheck disable=SC2086
start=$(waits $others)
soon slept_enough $((start + 1000))
is $? 0 "it sleeps, and wakes up"
# shellcheck disable=SC2086
slept=$(($(waits $others) - start))
woken=$(($(waits "$z") - before))
[ $woken -lt $slept ]
is $? 0 "Z wakes up less often than the sleeper ($woken times, $slept sleeps)"
kill "$pid"
wait
done_testing
