#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Boxes that are large, small, or hit: what tests/guest/load.c needs more or less memory for, what becomes of a box
# one of whose host processes is killed, and of one for which the host has no more processes.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
own_name

# load "MEMORY [OPTION...]" TEST...: all of these, and none is skipped.
load() {
	mem=$1
	shift
	KBOX=$kbox KBOX_FLAGS="--mem $mem" SECONDS_LIMIT=$((limit * 2)) "$top/tests/run" "$build/tests/load-m" "$@" >"$tmp/said" 2>&1
	is "$? $(grep -v '^1\.\.' "$tmp/said")" "0 $(i=0; for t; do i=$((i + 1)); echo "ok $i - $t"; done)" "--mem $mem: $*"
	is "$(host_processes)" "" "no host process is left"
}

# large NEEDED-MIB MEMORY TEST...: the host's OOM killer is to have no part in this.
large() {
	needed=$1
	shift
	if [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge "$needed" ]; then
		load "$@"
	else
		count=$((count + 1))
		echo "ok $count - --mem $* # SKIP less than $needed MiB of memory available"
	fi
}

large 2500 1G two_thousand_processes seventy_thousand_holes fork_among_holes random_touches shared_touches sparse_touches
large 5000 3G two_gib
load "64M --overlay-size 256M" file_larger_than_memory
load 64M out_of_memory fork_bomb
load 512M pages_nobody_asked_for

# A host that has no more processes: RLIMIT_NPROC, which root is free of.
cp "$build/vmlinux" "$build/kbox-init" "$tmp/"
chmod 755 "$tmp"
cat >"$tmp/limited" <<'EOF'
import os, resource, subprocess, sys
have = 0
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(54321)
    os.setuid(54321)
else:
    have = len(os.popen("ps -L -u %d" % os.getuid()).readlines())
resource.setrlimit(resource.RLIMIT_NPROC, (have + int(sys.argv[1]), have + int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
EOF
for n in 20 30 40; do
	is "$(KBOX_KERNEL=$tmp/vmlinux KBOX_INIT=$tmp/kbox-init timeout "$limit" python3 "$tmp/limited" $n "$kbox" -S "$image" --ephemeral --mem 128M -- \
		/tests/load-m spawned_until_refused 2>&1)" "1..1
ok 1 - spawned_until_refused" "at most $n processes on the host: the guest's EAGAIN"
done

# The guest's OOM killer does not reach the box itself, and its disk is as it should be.
img=$tmp/img
on() {
	timeout "$limit" "$kbox" -S "$img" --mem 96M "$@"
}
cp --sparse=always "$image" "$img"
is "$(on -e KBOX_HOST_PID=1 -- /bin/sh -c '
	seq 1 100000 >/before
	/tests/load-m out_of_memory
	seq 1 100000 | cmp - /before && dmesg | grep -c "Out of memory: Killed process"')" "1..1
ok 1 - out_of_memory
8" "memory runs out: those go that take it, the command goes on"
e2fsck -fn "$img" >"$tmp/fsck" 2>&1
is $? 0 "its file system is clean"

# kill -9 of each of the box's host processes in turn: those of the kernel, init, the shell, what it has started, the spares.
killed() {
	: >"$tmp/said"
	"$kbox" -S "$img" --mem 96M -- /bin/sh -c '
		sleep 600 &
		sh -c "while :; do :; done" &
		for i in 1 2 3; do /bin/true; done
		i=0
		while :; do
			i=$((i + 1))
			seq $i $((i + 3000)) | dd of=/f'"$1"'.$i conv=fsync 2>/dev/null
			echo $i
		done' </dev/null >"$tmp/said" 2>"$tmp/err" &
	pid=$!
	while [ "$(wc -l <"$tmp/said")" -lt 5 ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
	victim=$(pgrep -P $pid | sed -n "$1p")
	[ -n "$victim" ] || { kill $pid; wait $pid; return 1; }
	kill -"$2" "$victim"
	wait $pid
	is "$? $(cat "$tmp/err")" "125 kbox: a host process of the box was killed (signal $3); the box ends" "host process $1 of a box gets signal $3: it ends, and says why"
	is "$(host_processes)" "" "no other one is left"
	last=$(tail -n 1 "$tmp/said")
	is "$(on -- /bin/sh -c '
		i=0
		while [ $i -lt '"$last"' ]; do
			i=$((i + 1))
			seq $i $((i + 3000)) | cmp -s - /f'"$1"'.$i || echo $i
		done; rm /f*' 2>&1)" "" "what had been synced is there"
	e2fsck -fn "$img" >"$tmp/fsck" 2>&1
	is $? 0 "and the journal leaves a clean file system"
}
n=1
while killed $n KILL 9; do n=$((n + 1)); done
[ $n -gt 6 ]
is $? 0 "that were all of them"
killed 3 USR1 10

done_testing
