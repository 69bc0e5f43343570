#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Under the host's resource limits a box runs, or kbox says in one line which limit is in its way.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
chmod 755 "$tmp"

# run WHO LIMITS [OPTION...] -- COMMAND...: kbox without --mem
run() {
	case $1 in
	root) as= ;;
	*) as=$user ;;
	esac
	limits=$2
	shift 2
	# shellcheck disable=SC2086 # these are several words
	timeout "$limit" $as prlimit $limits "$kbox" -S "$image" "$@"
}
# runs WHO LIMITS [OPTION...]
runs() {
	is "$(run "$@" -- /bin/sh -c '(echo up) | cat' 2>&1)" up "$*: a box runs"
}
# refuses WHO LIMITS PATTERN [OPTION...]: in one line
refuses() {
	who=$1 limits=$2 pattern=$3
	shift 3
	run "$who" "$limits" "$@" -- /bin/true >"$tmp/out" 2>"$tmp/err"
	is $? 125 "$who $limits $*: status 125"
	like "$(cat "$tmp/err")" "$pattern" "$who $limits $*: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$who $limits $*: in one line"
}
# As a user, and as root if this is root.
if [ "$(id -u)" = 0 ]; then
	whos='root user' user='setpriv --reuid 65533 --regid 65533 --clear-groups'
else
	whos=user user=
fi

# shellcheck disable=SC2016,SC2086 # who is one word; the guest expands the others
for who in $whos; do
	# Address space: memory that fits into it.
	runs $who --as=2000000000 --ephemeral
	runs $who --as=1000000000 --ephemeral
	runs $who --as=100000000 --ephemeral
	kib=$(run $who --as=1000000000 --ephemeral -- /bin/awk '/^MemTotal/ { print $2 }' /proc/meminfo)
	is $((kib > 100000 && kib < 1000000000 / 1024 / 4)) 1 "$who --as=1000000000: a quarter of it is the guest's memory ($kib KiB)"
	refuses $who --as=36000000 "kbox: *ulimit -v*" --ephemeral
	refuses $who --as=1000000000 "kbox: cannot map 2048 MiB *ulimit -v*; try a smaller --mem" --ephemeral --mem 2G
	runs $who --data=4000000 --ephemeral
	refuses $who --data=600000 "kbox: *ulimit -d" --ephemeral

	# File size: soft limits give way, hard ones bound the memory.
	runs $who --fsize=4096: --ephemeral
	runs $who --fsize=100000000 --read-only
	kib=$(run $who --fsize=100000000 --read-only -- /bin/awk '/^MemTotal/ { print $2 }' /proc/meminfo)
	is $((kib < 100000000 / 1024)) 1 "$who --fsize=100000000: the guest's memory is a file of less ($kib KiB)"
	refuses $who --fsize=100000000 "kbox: $image: *ulimit -f*" --ephemeral
	refuses $who --fsize=1000000 "kbox: cannot have 32 MiB *ulimit -f*" --read-only
	: >"$tmp/file"
	chmod 666 "$tmp/file"
	run $who --fsize=8192: --ephemeral -- /bin/sh -c 'head -c 100000 /dev/zero; echo $? >&2' >"$tmp/file" 2>"$tmp/err"
	is "$(wc -c <"$tmp/file")" 8192 "$who --fsize=8192: nor does the guest write more to the host's file"
	is "$(tail -n 1 "$tmp/err")" 1 "$who --fsize=8192: it is an error, and no end"

	# Open files, pending signals.
	runs $who --nofile=4: --ephemeral
	refuses $who --nofile=8 "kbox: *: too many open files; see ulimit -n" --ephemeral
	runs $who --sigpending=0: --ephemeral

	# What a guest has of its own, or of which there is no need.
	runs $who --memlock=0 --ephemeral
	runs $who --stack=200000 --ephemeral
	runs $who --core=0 --ephemeral
	runs $who --msgqueue=0 --ephemeral
	runs $who --rttime=1 --ephemeral
done

# A stack without limit, or with a certain one, brings other things to other addresses, also where they are in the way.
# shellcheck disable=SC2016
calls='for ((i = 0; i < 2000; i++)); do t=$EPOCHREALTIME; done'
calls() {
	run user "$1" --ephemeral --stats -- /bin/bash -c "$calls" 2>&1 | sed -n 's/^kbox: calls rewrite \([0-9]*\) trap \([0-9]*\) .*/\1 + \2/p'
}
few=$(($(calls --core=0)))
many=$(($(calls --stack=unlimited)))
is "$((many > 0 && many < few + 1000))" 1 "--stack=unlimited: the time is no system call ($few, $many)"
if [ "$(uname -m)" = x86_64 ]; then
	# With this one the libraries are where the guest's kernel has its vmalloc space.
	is "$(setarch -R prlimit --stack=8761733283840 "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/echo up 2>&1)" up \
		"libraries in the way of the guest's kernel: a box runs"
	setarch -R prlimit --stack=8761733283840 "$kbox" doctor >"$tmp/out" 2>&1
	is $? 0 "and the doctor says so"
fi

# Processes. How many are enough depends on what else the user runs.
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	run user --nproc=$n --ephemeral -- /bin/echo up >"$tmp/out" 2>"$tmp/err"
	case $?$(cat "$tmp/out") in
	0up) is "$(cat "$tmp/err")" "" "--nproc=$n: a box runs" ;;
	*) like "$(wc -l <"$tmp/err") $(cat "$tmp/err")" "1 kbox: *ulimit -u*" "--nproc=$n: says why, in one line" ;;
	esac
done
runs user --nproc=500 --ephemeral
runs user --nproc=1:500 --ephemeral

# A control group with less memory than the host has.
group=/sys/fs/cgroup
[ -e $group/cgroup.controllers ] || group=$group/memory
if [ "$(id -u)" = 0 ] && mkdir $group/kbox-test.$$ 2>/dev/null; then
	group=$group/kbox-test.$$
	for file in memory.max memory.limit_in_bytes; do
		[ ! -e $group/$file ] || echo 400M >$group/$file
	done
	in_group() {
		sh -c 'echo $$ >'$group'/cgroup.procs; exec "$@"' x "$@"
	}
	if in_group true 2>/dev/null && grep -q 419430400 $group/memory.max $group/memory.limit_in_bytes 2>/dev/null; then
		# shellcheck disable=SC2016
		kib=$(in_group "$kbox" -S "$image" --ephemeral -- /bin/awk '/^MemTotal/ { print $2 }' /proc/meminfo)
		is $((kib > 50000 && kib <= 102400)) 1 "a control group of 400 MiB: the guest has a quarter ($kib KiB)"
		# Who is killed is the host's choice; if that is kbox itself, only the shell can say so.
		in_group "$kbox" -S "$image" --ephemeral --mem 2G -- /bin/dd if=/dev/zero of=/tmp/f bs=1M count=900 >"$tmp/out" 2>"$tmp/err"
		case $? in
		137) is 137 137 "a guest with more memory than the group: kbox is killed" ;;
		*) like "$(tail -n 1 "$tmp/err")" "kbox: a host process of the box was killed (signal 9, the host or its control group has no more memory)*" \
			"a guest with more memory than the group: says what has happened" ;;
		esac
		like "$(in_group "$kbox" doctor)" "*ok*100 MiB of guest memory*(of 400 MiB: the memory limit of its control group)*" "the doctor says so"
	fi
	while ! rmdir $group 2>/dev/null; do sleep 0.1; done
fi
done_testing
