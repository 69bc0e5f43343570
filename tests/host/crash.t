#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the image holds afterwards: what was synced, whatever happened; all, after a normal
# end; nothing new, where it may not be written.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
img=$tmp/img

# on OPTIONS... -- COMMAND: a box on the copy
on() {
	timeout "$limit" "$kbox" -S "$img" --mem 256M "$@"
}
fresh() {
	cp --sparse=always "$image" "$img"
}
clean() {
	e2fsck -fn "$img" >"$tmp/fsck" 2>&1
	is $? 0 "$1"
}
sum() {
	sha256sum <"$img"
}

# A normal end.
fresh
on -- /bin/sh -c 'mkdir /d; i=0; while [ $i -lt 300 ]; do echo $i >/d/$i; i=$((i + 1)); done; seq 1 500000 >/big; ln -s big /link; mv /d/7 /seven'
is $? 0 "a box that writes"
clean "its file system is clean"
is "$(on -- /bin/sh -c 'ls /d | wc -l; cat /seven; cat /d/299; readlink /link; sha256sum </big')" "299
7
299
big
$(seq 1 500000 | sha256sum)" "and holds what was written"
on -- /bin/sh -c 'rm -r /d /big /link /seven; exit 9'
is $? 9 "a box that deletes"
clean "is clean too"
on -- /bin/sh -c '(while :; do echo x >>/log; done) & sleep 1; exit 0'
clean "and one whose children were still writing"
on -- /bin/sh -c 'echo x >/synced; sync; reboot -f' >/dev/null 2>&1
e2fsck -fy "$img" >"$tmp/fsck" 2>&1
is "$(debugfs -R 'cat /synced' "$img" 2>/dev/null)" x "a guest that reboots at once keeps what it synced"

# Death without notice, at a different moment every time.
fresh
for round in 1 2 3 4 5 6; do
	: >"$tmp/said"
	"$kbox" -S "$img" --mem 256M -- /bin/sh -c '
		i=0
		while :; do
			i=$((i + 1))
			seq $i $((i + 3000)) | dd of=/f'$round'.$i conv=fsync 2>/dev/null
			sync
			echo $i
		done' >"$tmp/said" 2>"$tmp/err" &
	pid=$!
	while [ "$(wc -l <"$tmp/said")" -lt $((round * 5)) ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
	kill -9 $pid
	wait $pid 2>/dev/null
	last=$(tail -n 1 "$tmp/said")

	# The lock goes with the box's last process.
	until flock -n "$img" true; do sleep 0.1; done
	missing=$(on -- /bin/sh -c '
		i=0
		while [ $i -lt '"$last"' ]; do
			i=$((i + 1))
			seq $i $((i + 3000)) | cmp -s - /f'$round'.$i || echo $i
		done' 2>&1)
	is "$missing" "" "killed after $last files: all of them are there"
	clean "and the file system is clean when a box has replayed the journal"
done
: >"$tmp/said"
"$kbox" -S "$img" --mem 256M -- /bin/sh -c 'seq 1 3000 | dd of=/synced conv=fsync 2>/dev/null; echo done; while :; do seq 1 90000 >/f; rm /f; done' >"$tmp/said" &
pid=$!
while [ ! -s "$tmp/said" ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
sleep 1
kill -9 $pid
wait $pid 2>/dev/null
until flock -n "$img" true; do sleep 0.1; done
e2fsck -fy "$img" >"$tmp/fsck" 2>&1
code=$?
is $((code & ~1)) 0 "e2fsck repairs what it finds, by the journal"
debugfs -R 'dump /synced '"$tmp/synced" "$img" 2>/dev/null
is "$(sha256sum <"$tmp/synced")" "$(seq 1 3000 | sha256sum)" "the host reads what was synced"

# Images that may not change.
fresh
before=$(sum)
is "$(on --ephemeral -- /bin/sh -c 'echo new >/new; rm /etc/hosts; seq 1 900000 >/big; sync; cat /new; sha256sum </big; [ -e /etc/hosts ] || echo gone')" "new
$(seq 1 900000 | sha256sum)
gone" "--ephemeral: the box sees its writes"
is "$(sum)" "$before" "--ephemeral: the image is as it was"
is "$(on --ephemeral -- /bin/sh -c 'ls /new 2>/dev/null; cat /etc/hostname')" kbox "--ephemeral: the next box sees the image"
is "$(on --read-only -- /bin/sh -c '(echo x >/new) 2>/dev/null || echo no; mount -o remount,rw / 2>/dev/null || echo no; echo x >/tmp/x && cat /tmp/x')" "no
no
x" "--read-only: no writing, no remounting; /tmp is memory"
is "$(sum)" "$before" "--read-only: the image is as it was"
on --read-only -- /bin/sh -c 'dd if=/dev/zero of=/dev/vda bs=1M count=4' >/dev/null 2>&1
is "$(sum)" "$before" "--read-only: not even through the device"
on --ephemeral -- /bin/sh -c 'dd if=/dev/zero of=/dev/vda bs=1M count=64; sync' >/dev/null 2>&1
is "$(sum)" "$before" "--ephemeral: not even through the device"
: >"$tmp/said"
"$kbox" -S "$img" --ephemeral --mem 256M -- /bin/sh -c 'seq 1 9000 >/f; sync; echo done; sleep 600' >"$tmp/said" &
pid=$!
while [ ! -s "$tmp/said" ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null
is "$(sum)" "$before" "--ephemeral: nor when it is killed"
chmod 444 "$img"
is "$(on --read-only -- /bin/cat /etc/hostname)" kbox "--read-only on a read-only file"

# An image with a journal that waits: read-only boxes must not replay it into the file.
chmod 644 "$img"
: >"$tmp/said"
"$kbox" -S "$img" --mem 256M -- /bin/sh -c 'echo x >/x; sync; echo done; while :; do echo y >>/y; sync; done' >"$tmp/said" &
pid=$!
while [ ! -s "$tmp/said" ] && kill -0 $pid 2>/dev/null; do sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null
until flock -n "$img" true; do sleep 0.1; done
before=$(sum)
on --read-only -- /bin/true
is "$? $(sum)" "0 $before" "--read-only on an image that was not shut down: runs, and leaves it"
is "$(on --ephemeral -- /bin/cat /x) $(sum)" "x $before" "--ephemeral on one: replays in memory"
is "$(on -- /bin/cat /x)" x "and a box that may write replays it"
clean "which is clean then"
done_testing
