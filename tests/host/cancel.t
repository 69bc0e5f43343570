#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In which programs calls of libc's cancellation wrapper are promoted (docs/cancel-wrapper.md), as --stats counts them. What such
# calls do is in tests/guest/promoted.c, and what cancels in cancel.c.
. "$(dirname "$0")/lib.sh"

if [ "$(uname -m)" != aarch64 ]; then
	echo "1..0 # SKIP libc has no cancellation wrapper here"
	exit 0
fi

# stats OPTION... -- PROGRAM...: allowed, undone, promoted and calls become what --stats says, ended the exit status.
stats() {
	box --stats --syscall-mode=rewrite "$@" >"$tmp/out" 2>"$tmp/err"
	ended=$?
	# shellcheck disable=SC2046 # four words
	set -- $(sed -n 's/^kbox: cancel_promote_allowed \([0-9]*\), denied [0-9]*, undone \([0-9]*\); sites promoted \([0-9]*\), calls \([0-9]*\)$/\1 \2 \3 \4/p' "$tmp/err")
	allowed=${1:-none} undone=${2:-none} promoted=${3:-none} calls=${4:-none}
}

# some NUMBER NAME
some() {
	[ "$1" -gt 0 ] 2>/dev/null
	is $? 0 "$2"
}

stats -- /tests/promoted-m errors
is $ended 0 "a static program without fork"
some "$allowed" "it may be promoted"
some "$promoted" "it has sites"
some "$calls" "and makes its calls by them"
is "$undone" 0 "to the end"

stats -- /tests/promoted-m makes_processes
is $ended 0 "the same, where it makes a process by syscall(3)"
some "$calls" "calls before"
some "$undone" "undone"

stats -- /tests/promoted-m handler_for_cancelling
is $ended 0 "and where it can cancel itself"
some "$undone" "undone"

stats --no-cancel-promote -- /tests/promoted-m errors
is $ended 0 "--no-cancel-promote"
is "$allowed $promoted $calls" "0 0 0" "nothing is promoted"

stats --syscall-mode=trap -- /tests/promoted-m errors
is $ended 0 "by traps"
is "$promoted $calls" "0 0" "nothing is promoted"

stats -- /tests/cancel-m asleep_in_a_call
is $ended 0 "a static program with threads"
is "$allowed $promoted $calls" "0 0 0" "nothing is promoted"

stats -- /tests/promoted-g errors
is $ended 0 "a dynamic program"
is "$allowed $promoted $calls" "0 0 0" "nothing is promoted"
done_testing
