#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What processes and pages cost in host calls stays within bounds: scripts/count-host-calls. Counts, so they do not depend
# on how fast the host is.
. "$(dirname "$0")/lib.sh"

# within ROW ROUNDS
within() {
	for mode in rewrite trap; do
		is "$(timeout "$limit" "$top/scripts/count-host-calls" --check --mode $mode -n "$2" "$1" 2>&1 >/dev/null)" "" "$1, $mode"
	done
}

if ! strace -f -o /dev/null true 2>/dev/null; then
	echo "1..0 # SKIP strace does not work here"
	exit
fi
within "fork+wait" 50
within "fork+exec static" 50
within "1000 pages" 10
within "shell fork" 30
within "shell round" 30

out=$("$top/scripts/count-host-calls" --mode nothing "fork+wait" 2>&1 >/dev/null)
is "$?" 1 "a mode that does not exist is an error"
like "$out" "count-host-calls: *" "and one line says so"
out=$("$top/scripts/count-host-calls" nothing 2>&1)
is "$?" 2 "so is a row"

done_testing
