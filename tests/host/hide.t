#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# KBOX_HIDE: a box does without each feature of the host that others lack, by both ways, and without all of them.
# shellcheck disable=SC2016,SC2317 # the guest expands it; in_box calls what seems to be unused
. "$(dirname "$0")/lib.sh"

features=$(KBOX_HIDE='?' "$kbox" 2>&1 | sed 's/.*there are //; s/, / /g')
like " $features " "* fsgsbase * noexec-seal *" "the names: $features"
for feature in $features $(echo "$features" | tr ' ' ,); do
	for mode in trap rewrite; do
		is "$(KBOX_HIDE=$feature box --syscall-mode="$mode" -- /bin/sh -c '(echo up) | cat; /bin/bash -c "echo \$((6 * 7))"')" "up
42" "$mode without $feature"
	done
	KBOX_HIDE=$feature "$kbox" doctor >"$tmp/out" 2>&1
	is $? 0 "doctor without $feature"
	is "$(grep -c MISSING "$tmp/out")" 0 "doctor without $feature: nothing is missing that a box needs"
done

# What can be seen of it.
# auxv TYPE [FEATURE]: the guest's value, in hexadecimal
auxv() {
	KBOX_HIDE=${2:-} box -- /bin/od -v -An -t x8 /proc/self/auxv |
		awk -v type="$(printf %016x "$1")" '$1 == type { print $2 } $1 ~ /^0+$/ { exit }'
}
if [ "$(uname -m)" = x86_64 ]; then
	is $((0x$(auxv 26 fsgsbase) & 2)) 0 "fsgsbase: AT_HWCAP2 does not tell of it"
	is $((0x$(auxv 51 minsigstksz))) 2048 "minsigstksz: AT_MINSIGSTKSZ is what it was before"
	is "$(KBOX_HIDE=vsyscall box -- /bin/grep -c vsyscall /proc/self/maps)" 0 "vsyscall: the guest's maps have none"
fi

# shellcheck disable=SC2016
KBOX_HIDE=lahf box --stats -- /bin/sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i + 1)); echo $i; done' 2>"$tmp/err" >/dev/null
is "$(sed -n 's/.* calls rewrite \([0-9]*\) .*/\1/p' "$tmp/err" | awk '{ print ($1 >= 300) }')" 1 "lahf: calls come by patched sites"

# The gate on a processor without FSGSBASE and without sahf is as on any other.
if [ "$(uname -m)" = x86_64 ]; then
	for test in rewrite-m rewrite-g rewrite-signal-m rewrite-thread-m signal-m signal-fault-m \
		signal-registers-m signal-busy-m thread-g exec-g; do
		KBOX_HIDE=fsgsbase,lahf "$top/tests/run" "$build/tests/$test+rewrite" >"$tmp/out" 2>&1
		is "$? $(grep -c '^ok' "$tmp/out") $(grep '^not ok' "$tmp/out")" "0 $(sed -n 's/^1\.\.//p' "$tmp/out") " "without FSGSBASE and lahf: $test"
	done
fi

# Kicks and flushes, as each kind of host has them sent (docs/security.md).
for hidden in landlock landlock,user-notif user-notif; do
	for test in thread-m+rewrite signal-g+trap signal-fault-g+trap signal-registers-g+trap \
		signal-busy-g+trap memory-m+trap memory-map-m+trap memory-access-m+trap memory-threads-m+trap; do
		KBOX_HIDE=$hidden "$top/tests/run" "$build/tests/$test" >"$tmp/out" 2>&1
		is "$? $(grep -c '^ok' "$tmp/out") $(grep '^not ok' "$tmp/out")" "0 $(sed -n 's/^1\.\.//p' "$tmp/out") " "without $hidden: $test"
	done
done

# calls [FEATURE]: how many calls a program makes that asks for the time 2000 times
calls() {
	# shellcheck disable=SC2016
	KBOX_HIDE=${1:-} box --stats -- /bin/bash -c 'for ((i = 0; i < 2000; i++)); do t=$EPOCHREALTIME; done' 2>&1 |
		sed -n 's/^kbox: calls rewrite \([0-9]*\) trap \([0-9]*\) .*/\1 + \2/p'
}
few=$(($(calls)))
for feature in vdso-clock vdso; do
	many=$(($(calls $feature)))
	is $((many >= few + 2000)) 1 "$feature: the time is a system call ($few calls, without it $many)"
done

moved=$(($(calls vdso-move)))
is $((moved < few + 1000)) 1 "vdso-move: the time is none where the vDSO stays ($few calls, then $moved)"
is "$(KBOX_HIDE=vdso-move box -- /bin/sh -c 'grep -c "\[stack\]" /proc/self/maps')" 1 "vdso-move: a program's stack is below it"

# What the host sees of a box's processes.
own_name
# in_box FEATURE COMMAND...: on the host, while a box without that feature runs, with PID for its process
in_box() {
	: >"$tmp/up"
	KBOX_HIDE=$1 "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c 'echo up; sleep 600' >"$tmp/up" 2>&1 &
	supervisor=$!
	shift
	while [ ! -s "$tmp/up" ] && kill -0 $supervisor; do sleep 0.1; done
	pid=$(pgrep -P $supervisor | head -n 1)
	"$@"
	kill $supervisor
	wait $supervisor
}
vdso() {
	grep -c '\[vdso\]' /proc/"$pid"/maps
}
mode() {
	for fd in /proc/"$pid"/fd/*; do
		case $(readlink "$fd") in
		/memfd:kbox\ *) stat -L -c %a "$fd" ;;
		esac
	done
}
# Where it is, in the upper bits of its address: in the home (uapi/asm/kbox.h), or above the
# programs' addresses.
where() {
	sed -n 's/^\([0-9a-f]*\)-.*\[vdso\]$/\1/p' /proc/"$pid"/maps
}
is "$(in_box '' vdso)" 1 "a box keeps the host's vDSO"
home=478000
[ "$(uname -m)" = x86_64 ] || home=6f8000
like "$(in_box '' where)" "$home*" "in the home"
is "$(in_box vdso-move vdso)" 1 "vdso-move: it stays"
is "$(in_box vdso-move where | grep -c "^$home")" 0 "vdso-move: where it was"
is "$(in_box vdso vdso)" 0 "vdso: a box without it"
has_fd() {
	[ -e /proc/"$pid"/fd/"$1" ] && echo yes || echo no
}
for feature in '' close-range; do
	is "$(in_box "$feature" has_fd 0 7</dev/null; in_box "$feature" has_fd 7 7</dev/null)" "yes
no" "a box has its own descriptors and not kbox's others${feature:+, without $feature}"
done
# Where the text is that a box's process executes: the kernel's, and its text at boot alone.
texts() {
	sed -n 's/^[^ ]* r-x.*memfd:kbox .*/memory/p; s/^[^ ]* r-x.*vmlinux$/file/p' /proc/"$pid"/maps | tr '\n' ' '
}
is "$(in_box map-text texts)" "memory memory " "map-text: the kernel's text is in guest memory"
is "$(in_box '' texts)" "file memory " "else it stays in its file"
is "$(in_box noexec-seal mode)" 777 "noexec-seal: the memory's file has no such seal"

# Names that there are not.
for list in x vdso,x ',' 'vdso,' 'vdso populate'; do
	KBOX_HIDE=$list "$kbox" -S "$image" --ephemeral -- /bin/true >"$tmp/out" 2>"$tmp/err"
	case $list in
	vdso,) is $? 0 "KBOX_HIDE='$list': a comma at the end is nothing" ;;
	*)
		is $? 125 "KBOX_HIDE='$list': status 125"
		like "$(cat "$tmp/err")" "kbox: KBOX_HIDE: there is no feature *; there are fsgsbase, *" "KBOX_HIDE='$list': says which there are"
		is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "KBOX_HIDE='$list': in one line"
		;;
	esac
done
for feature in $features; do
	grep -q "^.BR* $(echo "$feature" | sed 's/-/\\\\-/g')" "$top/man/kbox.1"
	is $? 0 "the manual page has $feature"
done
done_testing
