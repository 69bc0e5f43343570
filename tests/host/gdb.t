#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# scripts/gdb/kbox.py: what it says of a box that is at rest.
. "$(dirname "$0")/lib.sh"
command -v gdb >/dev/null || skip_all "there is no gdb"
own_name
# As box() does it, but so that $! is no subshell, whose end would leave the box behind.
timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c 'echo up; exec sleep 1000' \
	>"$tmp/up" 2>"$tmp/err" &
box=$!
trap 'kill $box 2>/dev/null; wait; rm -rf "$tmp"' EXIT
soon [ -s "$tmp/up" ]
# Those of its processes that the guest's kernel is in, which others may debug.
pids=
for pid in $(host_processes); do
	if grep -q ' r-xs .*/memfd:' "/proc/$pid/maps" 2>/dev/null; then
		pids="$pids $pid"
	fi
done
# shellcheck disable=SC2086 # several words
set -- $pids
processes=$#
pid=$1

# debug COMMAND...: what gdb says of them, without what it says of itself
debug() {
	for command; do
		set -- "$@" -ex "$command"
		shift
	done
	timeout "$limit" gdb -nx -batch -p "$pid" -x "$top/scripts/gdb/kbox.py" "$@" \
		>"$tmp/said" 2>"$tmp/gdb.err" </dev/null
	sed '/^0x.* in /d; /^\[/d' "$tmp/said"
	cat "$tmp/gdb.err"
}
# numberless TEXT: each number of the host's is N
numberless() {
	for p in $pids; do
		set -- "$(echo "$1" | sed "s/\<$p\>/N/g")"
	done
	echo "$1"
}

debug kbox-cpu >/dev/null
if grep -q 'ptrace: ' "$tmp/gdb.err"; then
	skip_all "nobody may be debugged here: $(grep -m 1 'ptrace: ' "$tmp/gdb.err" | tr '#' ' ')"
fi

is "$(cat "$tmp/up" "$tmp/err") $processes" "up 3" "a box, three host processes: of Z, init and sleep"

# A timer of the kernel's may just be due.
at_rest() {
	cpu=$(debug kbox-cpu)
	case $cpu in *"current   0 swapper"*) ;; *) return 1 ;; esac
}
soon at_rest
is "$(numberless "$cpu" | sed '/^watcher/d; s/N (Z)/N/')" "lock      free: user code runs, or all are at rest
host      N
current   0 swapper
entrants  none
pending   0x0" "kbox-cpu"

threads=$(debug kbox-threads)
is "$(numberless "$(echo "$threads" | cut -c 1-43)" | sed 's/^[* ] *//; s/  *$//; s/N  *N/N N/; s/\<[0-9][0-9]* sleep/P sleep/')" \
	"tid    tgid  task
N N  Z
N N  1 init
N N  P sleep" "kbox-threads"
is "$(echo "$threads" | grep -c '^\* .*')" 1 "kbox-threads: one has the CPU"
like "$threads" "*Z  * HT_KERNEL idle*init  * HT_KERNEL GRANT_[AW]* arrived*sleep  * HT_KERNEL GRANT_[AW]* arrived*" "kbox-threads: states"

task=$(echo "$threads" | sed -n 's/.* \([0-9]*\) sleep .*/\1/p')
regs=$(debug "kbox-regs $task")
# Where a sleeper is: in clock_nanosleep(2), of no clock but CLOCK_REALTIME.
case $(uname -m) in
x86_64) like "$regs" "$task sleep on host thread *di = 0x0, orig_ax = 0xe6,*" "kbox-regs" ;;
*) like "$regs" "$task sleep on host thread *syscallno = 0x73*" "kbox-regs" ;;
esac
is "$(debug "kbox-regs 2" "kbox-regs 999999" | grep -v '^Error')" \
	"2 kthreadd is a thread of the kernel's
kbox-regs PID: the number of a task, as kbox-threads lists them" "kbox-regs of what has none"
kill -0 "$box"
is $? 0 "the box goes on"
done_testing
