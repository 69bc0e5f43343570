#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A box that waits does nothing: no process of it spins or wakes again and again.
. "$(dirname "$0")/lib.sh"
cp --sparse=always "$image" "$tmp/img"

# Clock ticks that all processes of the box have used, in user and in kernel mode.
ticks() {
	sum=0
	for p in $(pgrep -f -- "-S $tmp/img"); do
		# comm may hold blanks: fields are counted from the last parenthesis
		used=$(sed 's/.*) //' "/proc/$p/stat" 2>/dev/null | awk '{ print $12 + $13 }')
		sum=$((sum + ${used:-0}))
	done
	echo $sum
}

# stays_idle NAME SCRIPT [REDIRECTED STDIN]
stays_idle() {
	: >"$tmp/out"
	"$kbox" -S "$tmp/img" --ephemeral --mem 256M -- /bin/sh -c "$2" <"${3:-/dev/null}" >"$tmp/out" &
	pid=$!
	while [ ! -s "$tmp/out" ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
	sleep 1
	before=$(ticks)
	sleep 5
	used=$(($(ticks) - before))
	is "$(kill -0 $pid && echo up)" up "$1: it runs"
	[ $((used * 5)) -lt "$(getconf CLK_TCK)" ]
	is $? 0 "$1: less than 0.2 s of processor time in 5 s ($used ticks)"
	kill $pid
	wait $pid 2>/dev/null
}
mkfifo "$tmp/fifo"
sleep 600 >"$tmp/fifo" &
silent=$!

stays_idle "sleep" 'echo up; exec sleep 600'
stays_idle "ten sleepers" 'for i in 1 2 3 4 5 6 7 8 9; do sleep 600 & done; echo up; sleep 600'
stays_idle "input that does not come" 'echo up; cat' "$tmp/fifo"
stays_idle "a pipe without data" 'echo up; sleep 600 | cat'
stays_idle "a program that wakes each second" 'echo up; while :; do sleep 1; done'
stays_idle "the end of input, unread" 'echo up; exec sleep 600' /dev/null
stays_idle "input that nobody reads" 'echo up; exec sleep 600' /dev/zero
stays_idle "stopped" 'echo up; kill -STOP $$'
kill $silent
done_testing
