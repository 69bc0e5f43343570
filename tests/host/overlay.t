#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# --overlay-size: what is written to an ephemeral box takes so much of the host's memory and no
# more. Who writes files is told so by write(2), and what goes round that has an I/O error.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
own_name

# An image with a large file, for what is written in place.
tree=$tmp/tree
mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/tmp" "$tree/home"
chmod 1777 "$tree/home"
cp "$(command -v busybox)" "$tree/bin/busybox"
for applet in sh dd rm sync df awk cat ls stat mkdir wc sleep; do ln -s busybox "$tree/bin/$applet"; done
umask 022
head -c 60000000 /dev/urandom >"$tree/large"
mke2fs -q -t ext4 -m 5 -d "$tree" "$tmp/img" 400M
chmod 644 "$tmp/img"

# run [OPTION...] -- COMMAND...: in a box whose overlay has 32 MiB
run() {
	timeout "$limit" "$kbox" -S "$tmp/img" --ephemeral --mem 256M --overlay-size 32M "$@"
}

# MiB of the host's memory that the overlay of a box takes, rounded up, without the bits behind its
# blocks, which are at most 16 KiB for this image: only the supervisor has it.
taken() {
	for pid in $(host_processes); do
		for fd in /proc/"$pid"/fd/*; do
			case $(readlink "$fd") in
			/memfd:kbox-overlay*) stat -L -c %b "$fd" ;;
			esac
		done
	done | awk '{ print int(($1 - 32 + 2047) / 2048) }'
}

# in_box NAME SCRIPT [OPTION...]: the box goes on behind SCRIPT, and what its overlay takes then
in_box() {
	name=$1 script=$2
	shift 2
	mkfifo "$tmp/pipe"
	: >"$tmp/said"
	run "$@" -- /bin/sh -c "$script"'; echo end; read -r line; echo up' <"$tmp/pipe" >"$tmp/said" 2>"$tmp/err" &
	exec 8>"$tmp/pipe"
	until grep -qx end "$tmp/said" || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
	mib=$(taken)
	exec 8>&-
	wait $!
	is "$? $(tail -n 1 "$tmp/said")" "0 up" "$name: the box goes on"
	is "$((mib > 0 && mib <= 32))" 1 "$name: the overlay takes $mib MiB"
	rm "$tmp/pipe"
}

write='dd if=/dev/zero bs=1M'
for who in 0:0 5:5; do
	in_box "a file that is too large, $who" "$write count=100 of=/home/f; stat -c %s /home/f; rm /home/f; $write count=27 of=/home/f && sync" \
		--change-id $who
	like "$(cat "$tmp/err")" "*No space left on device*27+0 records out" "a file that is too large, $who: ENOSPC, but not again without it"
	is $(($(head -n 1 "$tmp/said") >> 20)) 28 "a file that is too large, $who: MiB that were written"
done

# shellcheck disable=SC2016 # the guest expands it
in_box "files that come and go" 'i=0; mkdir /d
	while [ $i -lt 12 ]; do dd if=/dev/zero of=/d/$i bs=1M count=20 && sync && rm /d/$i || echo failed; i=$((i + 1)); done
	while [ $i -lt 500 ]; do echo $i >/d/$i; i=$((i + 1)); done; cat /d/* | wc -l'
is "$(head -n 1 "$tmp/said")" 488 "files that come and go: 20 MiB again and again, and small ones"

in_box "a file of the image that is written anew" "$write count=57 of=/large conv=notrunc,fsync || echo failed; echo 3 >/proc/sys/vm/drop_caches
	wc -c </large"
like "$(cat "$tmp/err")" "*Input/output error*" "a file of the image that is written anew: an error"
is "$(head -n 2 "$tmp/said" | tr '\n' ' ')" "failed 60000000 " "a file of the image that is written anew: is read again"

in_box "the device" "$write of=/dev/vda seek=150 count=240 conv=notrunc,fsync || echo failed"
is "$(head -n 1 "$tmp/said")" failed "the device, written where it is free: an error"

# A journal that has to be replayed stays.
: >"$tmp/said"
"$kbox" -S "$tmp/img" --mem 256M -- /bin/sh -c 'echo 1 >/home/kept; sync; echo up; while :; do echo 2 >>/home/more; sync; done' >"$tmp/said" &
until grep -q up "$tmp/said" || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
kill -9 $!
wait $! 2>/dev/null
until flock -n "$tmp/img" true; do sleep 0.1; done
in_box "a journal" "$write count=100 of=/home/f; cat /home/kept; rm /home/f; sync"
like "$(cat "$tmp/err")" "*No space left on device*" "a journal: ENOSPC"
is "$(head -n 1 "$tmp/said")" 1 "a journal: it is replayed"
e2fsck -fy "$tmp/img" >/dev/null 2>&1

# Where there is room for all, as without.
# shellcheck disable=SC2016
is "$(run --overlay-size 1G -- /bin/sh -c "$write count=280 of=/f 2>/dev/null; stat -c %s /f")" $((280 << 20)) "more than the image has room for"
# shellcheck disable=SC2016
is "$(timeout "$limit" "$kbox" -r "$tmp/img" --ephemeral --mem 256M --overlay-size 32M -- /bin/sh -c 'ls /sys; mkdir /proc/x; echo /*')" \
	"$(cd "$tree" && mkdir -p lost+found && printf ' /%s' * | sed 's/ //')" "-r: nothing is left of /sys"
is "$(host_processes)" "" "nothing is left"
done_testing
