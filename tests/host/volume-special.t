#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# --host-special: FIFOs of the host in a volume. Without it they are the guest's.
# shellcheck disable=SC2016,SC2086 # the guest expands it; a list of words
. "$(dirname "$0")/lib.sh"
chmod 755 "$tmp"
guest() {
	timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -v "$tmp/volume:/volume" "$@" 2>&1
}

# has_ended PID
has_ended() {
	! kill -0 "$1" 2>/dev/null
}

for hide in landlock namespaces namespaces,landlock; do
	case $hide in
	landlock) way=': by a mount namespace' ;;
	namespaces) way='(Landlock)' ;;
	*) way=': by a broker' ;;
	esac
	KBOX_HIDE=$hide "$kbox" doctor | grep -q "^ok .*$way" || continue
	export KBOX_HIDE=$hide
	rm -rf "$tmp/volume"
	mkdir "$tmp/volume"
	mkfifo "$tmp/volume/a" "$tmp/volume/b"

	# The guest reads what the host writes, and the other way round, with all that cat(1) and sh(1) do.
	seq 100000 >"$tmp/want"
	cat "$tmp/want" >"$tmp/volume/a" &
	cat "$tmp/volume/b" >"$tmp/got" &
	is "$(guest --host-special -- /bin/sh -c 'cat /volume/a >/volume/b && echo read')" read "without $hide: from host to host"
	soon has_ended $!
	is "$(cmp "$tmp/want" "$tmp/got" 2>&1)" "" "without $hide: all of it"

	# Two processes of the box meet there, too, whoever comes first, and two boxes.
	is "$(guest --host-special -- /bin/sh -c 'echo one >/volume/a & cat /volume/a; (sleep 0.2; echo two >/volume/a) & cat /volume/a')" "one
two" "without $hide: two processes of a box"
	guest --host-special -- /bin/sh -c 'cat /volume/a' >"$tmp/got" &
	guest --host-special -- /bin/sh -c 'echo three >/volume/a'
	soon has_ended $!
	is "$(cat "$tmp/got")" three "without $hide: two boxes"

	# Who does not wait is told; who waits can be interrupted.
	is "$(timeout "$limit" "$kbox" run --mem 256M --host-special -v "$tmp/volume:/volume" -- sh -c '
		dd if=/dev/zero of=/volume/a bs=1 count=1 oflag=nonblock 2>&1 | grep -o "No such device or address"
		dd if=/volume/a bs=1 count=1 iflag=nonblock 2>&1 | grep -c "^0+0 records in"
		timeout 1 cat /volume/a; echo $?
		timeout 1 sh -c "echo x >/volume/a"; echo $?' 2>&1)" "No such device or address
1
124
124" "without $hide: O_NONBLOCK, and a signal"
	is "$(guest --host-special -- /bin/sh -c 'stat -c "%F" /volume/a; echo x >>/volume/b & head -n 1 <>/volume/b')" "fifo
x" "without $hide: a FIFO is shown as one, and can be opened to read and write"

	echo four >"$tmp/volume/a" &
	is "$(timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M --host-special -v "$tmp/volume:/volume:ro" -- \
		/bin/cat /volume/a 2>&1)" four "without $hide: a volume that is not written"

	# Without the option it is the guest's: nobody outside hears of it.
	is "$(guest -- /bin/sh -c 'echo x >/volume/a & cat /volume/a')" x "without $hide: the guest's own"
	is "$(timeout 5 dd if="$tmp/volume/a" bs=1 count=1 iflag=nonblock 2>/dev/null | wc -c)" 0 "without $hide: of which the host has nothing"
done
[ $count != 0 ] || skip_all "this host can keep a box in no directory"
done_testing
