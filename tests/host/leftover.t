#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Nothing of a box stays behind on the host: no process, no file.
. "$(dirname "$0")/lib.sh"

PATH=$PATH:/usr/sbin:/sbin
cp --sparse=always "$image" "$tmp/img"
image=$tmp/img
own_name
left() {
	host_processes
}
shared() {
	ls -A /dev/shm
	find "${TMPDIR:-/tmp}" "$HOME" -maxdepth 1 -iname '*kbox*' ! -name 'kbox-test*' 2>/dev/null | sort
}
before=$(shared)

"$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sleep 600 &
three() {
	[ "$(left | wc -w)" -ge 3 ]
}
soon three
is $? 0 "the processes of a box can be counted: supervisor, kernel, command"
kill -9 $!
wait $! 2>/dev/null
none() {
	[ -z "$(left)" ]
}
soon none
is "$(left)" "" "kill -9 of the supervisor leaves none"

bad=0
for i in $(seq 200); do
	box -- /bin/true </dev/null || bad=$((bad + 1))
	[ -z "$(left)" ] || bad=$((bad + 1))
done
is $bad 0 "200 boxes, one after the other: all well, no process left after any"

pids=
for i in 1 2 3 4 5 6 7 8; do
	box -- /bin/sh -c "for i in 1 2 3 4; do /bin/true; done; exit $i" </dev/null &
	pids="$pids $!"
done
got=
for p in $pids; do
	wait "$p"
	got="$got$? "
done
is "$got" "1 2 3 4 5 6 7 8 " "8 boxes at once on one image: each its own status"
is "$(left)" "" "no process left"

box -- /bin/sh -c 'for i in 1 2 3 4 5 6 7 8; do (trap "" TERM HUP INT; sleep 600) & done; setsid sleep 600 & exit 3'
is "$? $(left)" "3 " "nor where the command leaves children"
box -- /bin/nothing 2>/dev/null
is "$? $(left)" "127 " "nor where there is no command"
box -k 'init=/none rdinit=/none' -- /bin/true 2>/dev/null
is "$? $(left)" "120 " "nor after a panic"
box -- /bin/sh -c 'while :; do echo y; done' | head -c 3 >/dev/null
is "$(left)" "" "nor when the reader left"

is "$(shared)" "$before" "nothing new in /dev/shm, the directory for temporary files and the home"
is "$(cd "$tmp" && echo *)" "box$$ img" "nothing new beside the image"
done_testing
