#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# stress-ng in a Debian image, STRESS_SECONDS each (3): it is content, nothing of it goes on in the guest, the guest's kernel does
# not complain, and the host processes that it had are spares or gone.
. "$(dirname "$0")/lib.sh"
image=${IMAGE:-$build/debian.img}
seconds=${STRESS_SECONDS:-3}
[ -e "$image" ] || skip_all "there is no $image (make image-debian)"
box -- /bin/sh -c 'command -v stress-ng' </dev/null >/dev/null || skip_all "$image has no stress-ng (rm it, make image-debian)"
own_name
mkfifo "$tmp/go"
# Supervisor, watcher, kernel, init, shell and SPARES_MAX of kernel/threads.c.
most=$((5 + $(sed -n "s/^#define SPARES_MAX[^0-9]*//p" "$top/kernel/arch/kbox/kernel/threads.c")))

# In the guest; the last line is said when all is over, then it waits to be looked at.
# shellcheck disable=SC2016
guest='
	cd /var/tmp
	timeout -s KILL $limit stress-ng --timeout "$seconds" --verify "$@" >log 2>&1
	status=$?
	[ $status = 0 ] || tail -n 30 log
	for p in /proc/[0-9]*; do
		case ${p#/proc/} in
		1 | $$) ;;
		*) [ ! -s $p/cmdline ] || { echo "left:"; tr "\0" "\n" <$p/cmdline; } ;;	# not of kernel threads
		esac
	done
	dmesg | grep -E "BUG|WARNING|Oops|Call Trace|blocked for|stalls? on"
	echo "status $status"
	read -r line'

few() {
	[ "$(host_processes | wc -w)" -le "$most" ]
}

# stress NAME OPTIONS...
stress() {
	name=$1
	shift
	: >"$tmp/said"
	exec 9<>"$tmp/go"
	timeout -k 10 $((seconds * 4 + limit * 2)) "$kbox" -S "$image" --ephemeral --mem 1G -e seconds="$seconds" -e limit=$((seconds * 4 + limit)) -- \
		/bin/sh -c "$guest" sh "$@" <"$tmp/go" >"$tmp/said" 2>&1 9>&- &
	pid=$!
	while kill -0 $pid 2>/dev/null && ! grep -q '^status' "$tmp/said"; do sleep 0.1; done
	soon few
	there=$(host_processes)
	echo >&9
	wait $pid
	is "$? $(cat "$tmp/said")" "0 status 0" "$name"
	[ "$(echo "$there" | wc -w)" -le "$most" ]
	is "$? $there" "0 $there" "$name: host processes of what has ended are spares or gone"
	is "$(host_processes)" "" "$name: none of the box is left"
	exec 9>&-
}

stress vm --vm 2 --vm-bytes 128M
stress fork --fork 2 --vfork 2
stress switch --switch 2
stress pipe --pipe 2
stress mmap --mmap 2 --mmap-bytes 64M
stress futex --futex 2
stress signals --sigfd 1 --sigq 1 --sigsegv 1 --sigfpe 1 --sigpending 1 --sigsuspend 1 --kill 1
stress sockets --sock 2 --sockpair 1 --sockfd 1 --udp 1
stress hdd --hdd 2 --hdd-bytes 64M
stress threads --pthread 2 --clone 1
stress exec --exec 2
stress "all at once" --vm 1 --vm-bytes 64M --fork 1 --switch 1 --pipe 1 --mmap 1 --mmap-bytes 32M --futex 1 --sigq 1 --sock 1 --hdd 1 --hdd-bytes 16M
done_testing
