#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What holds a guest that owns its kernel: the supervisor locks itself in, and the box's processes are bounded.
# shellcheck disable=SC2016,SC2086,SC2317 # the guest expands it; $as is several words; functions that seem unused
. "$(dirname "$0")/lib.sh"
own_name
chmod 755 "$tmp"
user=
[ "$(id -u)" != 0 ] || user='setpriv --reuid 65533 --regid 65533 --clear-groups'

# start [OPTION...] -- COMMAND...: a box in the background, with its supervisor's number
start() {
	: >"$tmp/up"
	$as "$kbox" -S "$image" --ephemeral --mem 256M "$@" >"$tmp/up" 2>&1 &
	supervisor=$!
	soon test -s "$tmp/up"
}
end() {
	kill -9 $supervisor
	wait $supervisor
} 2>/dev/null
field() {
	awk -v key="$1:" '$1 == key { print $2 }' "$2"
}
of_threads() {
	for t in "/proc/$supervisor/task"/*; do
		echo "$(field Seccomp "$t/status")$(field NoNewPrivs "$t/status")"
	done | sort | uniq -c | tr -s ' '
}

as=
start -- /bin/sh -c 'echo up; sleep 600'
threads=$(find "/proc/$supervisor/task" -mindepth 1 -maxdepth 1 | wc -l)
is "$(of_threads)" " $threads 21" "all threads of the supervisor have a filter and no new privileges ($threads)"
is "$(awk '/^Max core/ { print $5 $6 }' /proc/$supervisor/limits)" 00 "it dumps no core"
end
# Of a process that cannot be dumped the files in /proc are root's.
as=$user
start -- /bin/sh -c 'echo up; sleep 600'
is "$(stat -c %u /proc/$supervisor/status)" 0 "a user's other programs do not read its memory"
end
as=
KBOX_HIDE=lock-in start -- /bin/sh -c 'echo up; sleep 600'
is "$(field Seccomp /proc/$supervisor/status)" 0 "KBOX_HIDE=lock-in: no filter"
# Without the lock-in the maps can be read, as whoever runs this.
is "$(grep -c 'memfd:kbox ' /proc/$supervisor/maps) $(grep -c '^[^ ]* ..x.*memfd:kbox ' /proc/$supervisor/maps)" "1 0" \
	"the supervisor maps guest memory once, and executes nothing of it"
end

# All that a supervisor does, it still can: what ends a box, each its way.
box --stats -- /bin/sh -c 'dd if=/dev/zero of=/f bs=64k count=100 2>/dev/null; sync; rm /f; fstrim / 2>/dev/null; exit 3' 2>"$tmp/err"
like "$? $(cat "$tmp/err")" "3 kbox: calls rewrite *sites patched*" "writing, and counters"
box -k 'init=/none rdinit=/none' -- /bin/true 2>"$tmp/err"
is "$?$(sed 's/:.*:.*//' "$tmp/err")" 120kbox "a panic"
start -- /bin/sh -c 'echo up; sleep 600'
kill $supervisor
wait $supervisor
is $? 143 "SIGTERM"
start -- /bin/sh -c 'echo up; sleep 600'
kill -9 "$(pgrep -P $supervisor | head -n 1)"
wait $supervisor
is $? 125 "a lost host process"
start -- /bin/sh -c 'echo up; sleep 600'
kill -STOP $(pgrep -P $supervisor)
kill $supervisor
wait $supervisor
is "$? $(soon test -z "$(host_processes)"; host_processes)" "143 " "a box whose processes are stopped, and does not hear"

# How many processes: the guest is told, and the box goes on.
# The boxes' groups are below one that is ours, if there can be one, since other tests have theirs beside it.
group=
in_group() {
	rmdir "$1"/test.* 2>/dev/null
	mkdir "$1/test.$$" || return
	[ -e "$1/test.$$/pids.max" ] || echo +pids >"$1/cgroup.subtree_control"
	if [ -e "$1/test.$$/pids.max" ] && echo $$ >"$1/test.$$/cgroup.procs"; then
		group=$1/test.$$
		trap 'echo $$ >"$group/../cgroup.procs"; rmdir "$group"; rm -rf "$tmp"' EXIT
	else
		rmdir "$1/test.$$"
	fi
} 2>/dev/null
in_group "/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' /proc/self/cgroup)" ||
	in_group "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)"
groups() {
	for dir in "${group:-/nonexistent}"/kbox-*; do
		[ ! -d "$dir" ] || basename "$dir"
	done
}
bomb='(n=0; while sleep 600 & do n=$((n + 1)); echo $n $! >/tmp/n; done)
read -r n last </tmp/n; kill -9 -1; while [ -e /proc/$last ]; do :; done
echo $n; ls / >/dev/null && echo usable'
for who in user group none; do
	as='' hide=''
	case $who in
	user) as=$user hide=cgroup ;;
	none) hide=cgroup ;;
	esac
	KBOX_HIDE=$hide timeout "$limit" $as "$kbox" -S "$image" --ephemeral --mem 256M --max-processes 50 -- /bin/sh -c "$bomb" >"$tmp/out" 2>"$tmp/err"
	is "$? $(tail -n 1 "$tmp/out")" "0 usable" "$who: after a fork bomb the box is usable"
	n=$(head -n 1 "$tmp/out")
	is $((n > 30 && n < 120)) 1 "$who: of 50 processes there were about as many ($n)"
	like "$(cat "$tmp/err")" "*can't fork: Resource temporarily unavailable*" "$who: then there were no more"
	is "$(host_processes)" "" "$who: no process is left"
	is "$(groups)" "" "$who: nor a control group"
done
is "$(box --max-processes 20 -- /bin/sh -c 'cat /proc/sys/kernel/threads-max')" 84 "--max-processes: the guest's kernel knows"

# On the host: by a control group, or by the user's limit.
if [ -n "$group" ]; then
	start --max-processes 50 -- /bin/sh -c 'echo up; sleep 600'
	name=$(groups)
	is "$(cat "$group/$name/pids.max")" 66 "the box's control group has a bound"
	list=$group/$name/tasks
	[ -e "$list" ] || list=$group/$name/cgroup.threads
	# All that the supervisor has started but the watcher, which is outside of the fences.
	threads() {
		for thread in $(ps -L --ppid $supervisor -o lwp= | sort -n); do
			! grep -qs '^Seccomp:.*2' /proc/"$thread"/status || echo "$thread"
		done
	}
	all_in() {
		[ "$(sort -n "$list")" = "$(threads)" ]
	}
	soon all_in
	is $? 0 "all host processes of the box are in it, and the supervisor is not"
	end
	is "$(groups | wc -l)" 1 "kill -9 of the supervisor leaves the group"
	# It cannot before the host has done with the last process that was in it.
	removed() {
		[ "$(box -- /bin/echo up)$(groups)" = up ]
	}
	soon removed
	is $? 0 "which the next one removes"
	start -- /bin/sh -c 'echo up; sleep 600'
	is "$(box -- /bin/echo up) $(groups | wc -l)" "up 1" "but not that of one that runs"
	kill $supervisor
	wait $supervisor
	box -k 'init=/none rdinit=/none' -- /bin/true 2>/dev/null
	is "$? $(groups)" "120 " "nor does a panic leave any"
fi
if [ -n "$user" ] || [ "$(id -u)" != 0 ]; then
	as=$user
	KBOX_HIDE=cgroup start --max-processes 50 -- /bin/sh -c 'echo up; sleep 600'
	max=$(awk '/^Max processes/ { print $4 }' "/proc/$(pgrep -P $supervisor | head -n 1)/limits")
	has=$(ps -L -u "$(stat -c %u "/proc/$(pgrep -P $supervisor | head -n 1)")" -o lwp= | wc -l)
	is $((max >= 50 && max <= has + 50 + 64)) 1 "without a control group: the limit of the user's processes ($max, with $has now)"
	end
	as=
fi

# The doctor, and who insists.
"$kbox" doctor >"$tmp/out" 2>&1
like "$(sed -n '/^what holds/,/^$/p' "$tmp/out" | cut -c 1-8 | sort | uniq -c | tr -s ' ' | tr '\n' ';')" "* 1 what hol;*" "the doctor has a section"
for hide in '' landlock lock-in; do
	KBOX_HIDE=$hide "$kbox" doctor >"$tmp/out" 2>&1
	notes=$(sed -n '/^what holds/,/^$/p' "$tmp/out" | grep -c '^note')
	KBOX_HIDE=$hide "$kbox" -S "$image" --ephemeral --mem 256M --require-fence -- /bin/echo up >"$tmp/out" 2>"$tmp/err"
	case $?$notes in
	00) is "$(cat "$tmp/out" "$tmp/err")" up "--require-fence${hide:+, without $hide}: all is there" ;;
	125*)
		is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "--require-fence${hide:+, without $hide}: in one line"
		like "$(cat "$tmp/err")" "kbox: --require-fence: not on this host: *; *" "--require-fence${hide:+, without $hide}: says what there is not, and what to do"
		;;
	*) is "$notes" 0 "--require-fence${hide:+, without $hide}: as the doctor says" ;;
	esac
	[ -z "$hide" ] || is $((notes > 0)) 1 "the doctor notes $hide"
done
if [ "$(id -u)" = 0 ]; then
	KBOX_HIDE=cgroup "$kbox" -S "$image" --ephemeral --require-fence -- /bin/true >"$tmp/out" 2>&1
	is "$?$(grep -c '^kbox: --require-fence: not on this host: ' "$tmp/out")" 1251 "--require-fence: root without a control group"
	is "$(KBOX_HIDE=cgroup "$kbox" doctor | grep -c '^note .*host processes')" 1 "which the doctor says, too"
fi
is "$(box --max-processes 8 -- /bin/sh -c '(echo up) | cat')" up "--max-processes 8"

# Containers that refuse a fence have a box without it.
filter=$top/tests/host/under-filter
if "$filter" -- true 2>/dev/null; then
	for words in landlock_create_ruleset=EPERM landlock_add_rule=EPERM landlock_restrict_self=EPERM 'seccomp=EINVAL:1&1=1'; do
		for as in '' "$user"; do
			is "$($as "$filter" "$words" -- "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c '(echo up) | cat' 2>&1)" up \
				"$words${as:+, a user}: a box runs"
		done
		as=
	done
	"$filter" landlock_restrict_self=EPERM -- "$kbox" doctor >"$tmp/out"
	is "$? $(grep -c '^note .*Landlock' "$tmp/out")" "0 1" "and the doctor says what there is not"
fi
done_testing
