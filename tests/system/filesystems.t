#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# btrfs and xfs: made, mounted, filled, checked; and what each can do beside.
# shellcheck disable=SC2154 # loop() sets $loop and $file
. "$(dirname "$0")/lib.sh"
mkdir mnt
chmod 755 "$tmp"

# check FS DEVICE
check() {
	case $1 in
	btrfs) btrfs check --readonly "$2" ;;
	xfs) xfs_repair -n "$2" ;;
	esac
}

for fs in btrfs xfs; do
	loop 400M
	case $fs in
	btrfs) passes "mkfs.btrfs" mkfs.btrfs -q "$loop" ;;
	xfs) passes "mkfs.xfs" mkfs.xfs -q "$loop" ;;
	esac
	passes "$fs: mount" mount -t $fs "$loop" mnt
	is "$(findmnt -no FSTYPE mnt)" $fs "$fs: it is one"

	# Files of many kinds, and what they were.
	mkdir -p mnt/many mnt/deep/er/and/deeper
	for i in $(seq 1000); do echo "$i" >"mnt/many/$i"; done
	rm mnt/many/*7
	ln mnt/many/1 mnt/deep/hard
	ln -s ../many/2 mnt/deep/soft
	mkfifo mnt/deep/fifo
	truncate -s 1G mnt/sparse
	echo end >>mnt/sparse
	seq 100000 >mnt/numbers
	passes "$fs: attributes" sh -c 'chown 7:8 mnt/numbers && chmod 2750 mnt/deep && touch -d "2001-02-03 04:05:06.789" mnt/many/3'
	python3 -c 'import os
os.setxattr("mnt/numbers", "user.kbox", b"value" * 50)
os.posix_fallocate(os.open("mnt/allocated", os.O_CREAT | os.O_RDWR), 0, 10 << 20)'
	passes "$fs: cp --reflink" cp --reflink=always mnt/numbers mnt/clone
	echo more >>mnt/clone
	(cd mnt && find . ! -name sparse -type f -exec sha256sum {} + | sort) >sums
	(cd mnt && find . -printf '%y %m %U %G %n %p %l %s\n' | sort) >tree

	# Until it is full; then there is room again.
	dd if=/dev/urandom of=mnt/full bs=1M 2>err
	is "$(grep -o 'No space left on device' err)" "No space left on device" "$fs: it is filled"
	is "$(df --output=pcent mnt | tail -n 1 | tr -dc 0-9 | awk '{ print ($1 > 90) }')" 1 "$fs: df"
	sum=$(sha256sum <mnt/full)
	sync mnt
	passes "$fs: umount" umount mnt
	passes "$fs: it is checked" check $fs "$loop"
	passes "$fs: mount again" mount "$loop" mnt
	is "$(sha256sum <mnt/full)" "$sum" "$fs: what filled it is there"
	passes "$fs: rm" rm mnt/full
	is "$(cd mnt && sha256sum --quiet -c ../sums 2>&1; find . ! -path ./full -printf '%y %m %U %G %n %p %l %s\n' | sort | diff - ../tree)" "" "$fs: all as it was"
	is "$(stat -c %y mnt/many/3 | cut -c1-23) $(python3 -c 'import os; print(len(os.getxattr("mnt/numbers", "user.kbox")))') $(tail -c 4 mnt/sparse) $(stat -c %s mnt/sparse)" \
		"2001-02-03 04:05:06.789 250 end 1073741828" "$fs: a time, an attribute, a file with a hole"
	is "$(python3 -c '
import mmap, os
f = os.open("mnt/mapped", os.O_CREAT | os.O_RDWR)
os.ftruncate(f, 1 << 20)
m = mmap.mmap(f, 1 << 20)
m[5000:5005] = b"hello"
m.flush()
print(os.pread(f, 5, 5000).decode())
d = os.open("mnt/mapped", os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 4096)
page[:6] = b"direct"
print(os.pwrite(d, page, 8192), m[8192:8198].decode())')" "hello
4096 direct" "$fs: a mapping, direct writes"
	for i in 1 2 3 4; do (for j in $(seq 200); do echo "$j" >"mnt/w$i.$j" && mv "mnt/w$i.$j" "mnt/w$i"; done) & done
	wait
	is "$(cat mnt/w1 mnt/w2 mnt/w3 mnt/w4 | tr '\n' ' ')" "200 200 200 200 " "$fs: four writers at once"

	case $fs in
	btrfs)
		passes "btrfs: a subvolume" btrfs -q subvolume create mnt/sub
		echo before >mnt/sub/file
		passes "btrfs: a snapshot" btrfs -q subvolume snapshot -r mnt/sub mnt/snap
		echo after >mnt/sub/file
		is "$(cat mnt/snap/file mnt/sub/file) $(touch mnt/snap/new 2>&1 | sed 's/.*: //')" "before
after Read-only file system" "btrfs: it stays"
		passes "btrfs send" sh -c 'btrfs -q send -f stream mnt/snap'
		mkdir mnt/received
		passes "btrfs receive" btrfs -q receive -f stream mnt/received
		is "$(cat mnt/received/snap/file)" before "btrfs: the same"
		passes "btrfs: compression" mount -o remount,compress=zstd mnt
		seq 1000000 >mnt/compressed
		sync mnt
		is "$(btrfs filesystem du --raw -s mnt/compressed >/dev/null; sha256sum <mnt/compressed)" "$(seq 1000000 | sha256sum)" "btrfs: it is there"
		is "$(btrfs scrub start -BR mnt 2>&1 | sed -n 's/^[[:space:]]*\(csum_errors\|verify_errors\): /\1 /p' | tr '\n' ' ')" "csum_errors 0 verify_errors 0 " "btrfs scrub"
		# A second device, and a mirror.
		first=$loop
		loop 400M
		passes "btrfs device add" btrfs -q device add -K "$loop" mnt
		# What was full is all data.
		passes "btrfs balance: room" btrfs -q balance start -dusage=30 mnt
		passes "btrfs balance" btrfs -q balance start -mconvert=raid1 mnt
		is "$(btrfs filesystem df mnt | grep -c 'Metadata, RAID1')" 1 "btrfs: a mirror of what it knows"
		umount mnt
		passes "btrfs: checked again" check btrfs "$first"
		;;
	xfs)
		truncate -s 600M "$file"
		losetup -c "$loop"
		passes "xfs_growfs" xfs_growfs mnt
		is "$(df --output=size -m mnt | tail -n 1 | awk '{ print ($1 > 450) }')" 1 "xfs: larger"
		passes "xfs: frozen and thawed" sh -c 'fsfreeze -f mnt && fsfreeze -u mnt'
		passes "xfs: quotas" sh -c "umount mnt && mount -o uquota $loop mnt && xfs_quota -x -c 'limit bhard=1m 1234' mnt"
		mkdir -m 777 mnt/open
		setpriv --reuid 1234 --clear-groups dd if=/dev/zero of=mnt/open/big bs=64k count=100 2>err
		is "$(grep -oE 'Disk quota exceeded' err) $(stat -c %s mnt/open/big)" "Disk quota exceeded 1048576" "xfs: a quota"
		umount mnt
		passes "xfs: checked again" check xfs "$loop"
		# What is in its journal when it is cut off.
		mount "$loop" mnt
		for i in $(seq 500); do echo "$i" >"mnt/open/$i"; done
		sync -f mnt
		passes "xfs: it is shut down" xfs_io -x -c 'shutdown' mnt
		is "$(touch mnt/more 2>&1 | sed 's/.*: //')" "Input/output error" "xfs: nothing is written any more"
		umount mnt
		passes "xfs: its journal is replayed" mount "$loop" mnt
		is "$(cat mnt/open/500)" 500 "xfs: what was synced"
		umount mnt
		passes "xfs: checked a third time" check xfs "$loop"
		;;
	esac
	losetup -D
done
done_testing
