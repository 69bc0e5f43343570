#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# --init: the command is the guest's first process.
. "$(dirname "$0")/lib.sh"

# ends OPTION...: what it says, and its exit status
ends() {
	box --init "$@" 2>&1
	echo "[$?]"
}

# inittab LINE...: what runs busybox's init with it
inittab() {
	printf "printf '%%s\\\\n'"
	printf " '%s'" "$@" ::shutdown:'/bin/echo shut down'
	echo ' >/etc/inittab; exec /sbin/init'
}

is "$(ends -- /bin/sh -c 'echo $$ $PPID $(cut -d" " -f6-7 /proc/1/stat) $HOME; poweroff -f; sleep 1000')" "1 0 0 0 /root
[0]" "it has no parent, session or terminal; power off is the end"
is "$(ends -- /bin/sh -c 'reboot -f; sleep 1000')" "[0]" "and so is a reboot"
is "$(ends -- /bin/sh -c 'halt -f; sleep 1000')" "[0]" "and a halt"
is "$(ends -- /bin/sh -c 'exit 3')" "kbox: kernel panic: Attempted to kill init! exitcode=0x00000300
[120]" "its exit is a panic"
is "$(ends -- /no)" "kbox: /no: No such file or directory
[127]" "a command that is not there"
is "$(ends -- /etc/passwd)" "kbox: /etc/passwd: Permission denied
[126]" "one that cannot be run"
is "$(ends -w /no -- /bin/sh)" "kbox: /no: No such file or directory
[125]" "no such directory"
is "$(box --init -e A=b -w /tmp --hostname first --fd 5 -- /bin/sh -c 'echo $A $PWD $(hostname); cat <&5; poweroff -f; sleep 1000' 5<"$0" | sed -n '1p;2q')" "b /tmp first" "with the other options"
# A child of it whose parent has ended is its own.
is "$(ends -- /bin/sh -c 'sh -c "(sleep 0.2; cut -d\" \" -f4 /proc/self/stat) &"; wait; sleep 1; poweroff -f; sleep 1000')" "1
[0]" "who has lost a parent gets it"

is "$(ends -- /bin/sh -c "$(inittab '::sysinit:/bin/echo hello' ::once:/sbin/poweroff)" | grep -vE 'The system|Sent|Requesting')" "hello
shut down
[0]" "busybox's init"

for signal in TERM INT HUP QUIT; do
	: >"$tmp/out"
	"$kbox" -S "$image" --ephemeral --mem 256M --init -- /bin/sh -c "$(inittab '::sysinit:/bin/echo hello' '::respawn:/bin/sleep 1000')" >"$tmp/out" 2>/dev/null &
	process=$!
	soon grep -q hello "$tmp/out"
	kill -$signal $process
	wait $process
	is "$? $(tail -n 1 "$tmp/out")" "0 shut down" "SIG$signal: it is shut down by its poweroff program"
done
cp "$image" "$tmp/image"
: >"$tmp/out"
"$kbox" -S "$tmp/image" --mem 256M --init -- /bin/sh -c "$(inittab '::sysinit:/bin/sh -c "echo written >/root/file; echo hello"' '::respawn:/bin/sleep 1000')" >"$tmp/out" 2>/dev/null &
process=$!
soon grep -q hello "$tmp/out"
kill $process
wait $process
is "$? $("$kbox" -S "$tmp/image" --read-only --mem 256M -- /bin/cat /root/file)" "0 written" "what was written is in the image"
done_testing
