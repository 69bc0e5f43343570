#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The box's end from outside: SIGTERM is an orderly one, SIGKILL leaves no process.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
img=$tmp/img
cp --sparse=always "$image" "$img"

# up SCRIPT: start a box that says "up" when it is; its pid is $pid
up() {
	: >"$tmp/out"
	"$kbox" -S "$img" --mem 256M -- /bin/sh -c "$1" >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	while ! grep -q up "$tmp/out" && kill -0 $pid 2>/dev/null; do sleep 0.05; done
}
# The processes of the box: they are all called as kbox was.
left() {
	pgrep -f -- "-S $img" | wc -l
}
none_left() {
	[ "$(left)" = 0 ]
}
# ended SIGNAL STATUS NAME: it gets the signal, and ends with the status
ended() {
	kill -"$1" $pid
	wait $pid
	is $? "$2" "$3"
	is "$(left)" 0 "no process is left"
	e2fsck -fn "$img" >"$tmp/fsck" 2>&1
	is $? 0 "the file system is clean"
}

up 'echo up; exec sleep 600'
is "$(left | grep -c '^[1-9]')" 1 "the processes of a box can be counted"
ended TERM 143 "SIGTERM ends sleep: 143"
up 'trap "exit 42" TERM; echo up; while :; do sleep 0.1; done'
ended TERM 42 "a command that has its own answer to SIGTERM: its status"
up 'trap "echo bye; sleep 1; echo >/last; exit 3" TERM; echo up; while :; do sleep 0.1; done'
ended TERM 3 "a command that takes a second to clean up"
is "$(tail -n 1 "$tmp/out")" bye "it said goodbye"
is "$(debugfs -R 'cat /last' "$img" 2>/dev/null | wc -c)" 1 "its last write is in the image"
up 'trap "" TERM; echo up; while :; do sleep 600; done'
ended TERM 137 "a command that ignores SIGTERM is killed: 137"
up 'echo up; while :; do :; done'
ended TERM 143 "a busy loop"
up 'echo up; kill -STOP $$'
ended TERM 143 "a stopped command"
up '(trap "" TERM; while :; do echo x >>/log; done) & (setsid sleep 600) & echo up; exec sleep 600'
ended TERM 143 "with children that ignore it"
up 'echo up; seq 1 10000000 >/big; sync; sleep 600'
ended TERM 143 "in the middle of writing"
up 'mount -o bind /etc /mnt; cd /mnt; sleep 600 & echo up; exec sleep 600'
ended TERM 143 "with another mount"
for sig in INT HUP; do
	up "trap '' INT HUP; echo up; exec sleep 600"
	kill -$sig $pid 2>/dev/null
	wait $pid
	code=$?
	is "$((code >= 128)) $(left)" "1 0" "SIG$sig to kbox ends the box too"
	e2fsck -fn "$img" >"$tmp/fsck" 2>&1
	is $? 0 "the file system is clean"
done

# What is in a file of the image.
content() {
	debugfs -R "cat $1" "$img" 2>/dev/null
}

# Slower than the grace: it begins anew whenever one has ended.
up 'for i in 1 2 3 4 5; do (trap "sleep $((2 * i)); exit" TERM; while :; do sleep 0.1; done) & done
	trap "wait; echo all >/all; exit 3" TERM; echo up; while :; do sleep 0.1; done'
ended TERM 3 "processes that end one after another have all the time they need"
is "$(content /all)" all "and what they write then is in the image"
up 'trap "" TERM; echo long before >/before; i=0; while [ $i -lt 300 ]; do sleep 600 & i=$((i + 1)); done; echo up; wait'
ended TERM 137 "three hundred that ignore it"
is "$(content /before)" "long before" "what was written before is in the image"
is "$(cat "$tmp/err")" "" "the supervisor did not have to end it"

# Nothing ends a process that writes to a file system that is frozen, so kbox has to.
up 'dd if=/dev/zero of=/fs bs=1M count=4 2>/dev/null; mke2fs -F /fs >/dev/null 2>&1; mount -o loop /fs /mnt && fsfreeze --freeze /mnt && echo frozen >/frozen
	(echo x >/mnt/x) & echo once more >/before
	until grep -q "^State:	D" /proc/$!/status; do sleep 0.1; done; echo up; exec sleep 600'
kill $pid
wait $pid
is "$? $(left)" "143 0" "a box that cannot end is killed"
like "$(cat "$tmp/err")" "kbox: the box did not end within * s of signal 15: killed" "and kbox says so"
e2fsck -fp "$img" >"$tmp/fsck" 2>&1
is "$(content /frozen)$(content /before)" "frozenonce more" "what was written before the signal is in the image all the same"

# What was written long before is in the image however the box ends: "long" is 30 s by default.
up 'for file in expire writeback; do echo 20 >/proc/sys/vm/dirty_${file}_centisecs; done
	echo long ago >/before; until grep -q "^Dirty: *0 kB" /proc/meminfo; do sleep 0.1; done; sleep 6; echo up; exec sleep 600'
kill -9 $pid
wait $pid 2>/dev/null
soon none_left
until flock -n "$img" true; do sleep 0.1; done
e2fsck -fp "$img" >"$tmp/fsck" 2>&1
is "$(content /before)" "long ago" "what was written long before a SIGKILL is in the image"

# At any moment of its life.
bad=
for delay in 0 0.005 0.01 0.02 0.03 0.05 0.07 0.1 0.15 0.2 0.3 0.5; do
	"$kbox" -S "$img" --mem 256M -- /bin/sleep 600 >"$tmp/out" 2>"$tmp/err" </dev/null &
	pid=$!
	sleep $delay
	kill $pid
	wait $pid 2>/dev/null
	code=$?
	[ $code = 143 ] && [ "$(left)" = 0 ] && e2fsck -fn "$img" >"$tmp/fsck" 2>&1 || bad="$bad $delay:$code"
done
is "$bad" "" "SIGTERM while it starts: 143, no process, clean"

up 'echo up; exec sleep 600'
kill $pid
kill $pid 2>/dev/null
kill $pid 2>/dev/null
wait $pid
is "$? $(left)" "143 0" "SIGTERM three times"

# SIGKILL: the host processes of the guest go with kbox.
gone() {
	kill -9 $pid
	wait $pid 2>/dev/null
	soon none_left
	is "$(left)" 0 "$1"
}
up 'echo up; sleep 600'
gone "SIGKILL: no process is left"
up 'for i in 1 2 3 4 5 6 7 8; do sleep 600 & done; setsid sleep 600 & echo up; wait'
gone "nor of ten"
up 'echo up; while :; do :; done'
gone "nor of a busy loop"
up 'echo up; while :; do /bin/true; done'
gone "nor where processes come and go"
until flock -n "$img" true; do sleep 0.1; done
"$kbox" -S "$img" --mem 256M -- /bin/true
is $? 0 "the image can be used again"

# The other way: a host process of the box is killed, and the box ends, saying why.
up 'echo up; sleep 600'
for child in $(pgrep -P $pid); do
	kill -9 "$child"
	break
done
wait $pid
is "$? $(left)" "125 0" "a host process of the box is killed: 125, and no process is left"
like "$(cat "$tmp/err")" "kbox: *killed*" "and it says so"
done_testing
