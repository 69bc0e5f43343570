#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The device mapper on loop devices: LUKS, verity, snapshots.
# shellcheck disable=SC2154 # loop() sets $loop and $file
. "$(dirname "$0")/lib.sh"

printf secret >key
printf wrong >wrong
fast="--pbkdf pbkdf2 --pbkdf-force-iterations 1000"
seq 100000 >plain
for type in luks1 luks2; do
	loop 64M
	case $type in
	luks1) options=$fast ;;
	luks2) options='--pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 8192 --pbkdf-parallel 1' ;;
	esac
	# shellcheck disable=SC2086
	passes "$type: luksFormat" cryptsetup -q luksFormat --type $type $options "$loop" key
	passes "$type: open" cryptsetup open --key-file key "$loop" "secret-$type"
	is "$(cryptsetup status "secret-$type" | sed -n 's/^ *\(type\|cipher\|device\|mode\): *//p' | tr '\n' ' ' | tr "[:upper:]" "[:lower:]")" "$type aes-xts-plain64 $loop read/write " "$type: status"
	passes "$type: mkfs" mkfs.ext4 -q "/dev/mapper/secret-$type"
	mkdir -p mnt
	passes "$type: mount" mount "/dev/mapper/secret-$type" mnt
	cp plain mnt/
	passes "$type: umount" umount mnt
	passes "$type: close" cryptsetup close "secret-$type"
	sync
	is "$(grep -ac 99998 "$file") $(grep -ac 99998 plain)" "0 1" "$type: the file does not say it"
	cryptsetup open --key-file wrong "$loop" "secret-$type" 2>err
	is "$? $(cat err)" "2 No key available with this passphrase." "$type: a wrong passphrase"
	# shellcheck disable=SC2086
	passes "$type: another key" cryptsetup -q luksAddKey --key-file key $fast "$loop" wrong
	passes "$type: open with that" cryptsetup open --readonly --key-file wrong "$loop" "secret-$type"
	passes "$type: mount again" mount -o ro "/dev/mapper/secret-$type" mnt
	is "$(sha256sum <mnt/plain)" "$(sha256sum <plain)" "$type: what was written"
	umount mnt
	passes "$type: fsck" fsck.ext4 -fn "/dev/mapper/secret-$type"
	cryptsetup close "secret-$type"
	losetup -d "$loop"
done
# What is on the disk is what the cipher makes of it: sector 0 of aes-cbc-essiv:sha256.
printf 0123456789abcdef0123456789abcdef >raw
hex() {
	od -An -v -tx1 | tr -d ' \n'
}
salt=$(sha256sum <raw | cut -d' ' -f1)
vector=$(head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$salt" | hex)
loop 16M
passes "plain: open" cryptsetup open --type plain --cipher aes-cbc-essiv:sha256 --key-size 256 --key-file raw "$loop" plain
head -c 1M plain | dd of=/dev/mapper/plain conv=fsync 2>/dev/null
passes "plain: close" cryptsetup close plain
is "$(head -c 512 "$file" | sha256sum)" "$(head -c 512 plain | openssl enc -aes-256-cbc -nopad -K "$(hex <raw)" -iv "$vector" | sha256sum)" "plain: as the cipher says"
losetup -d "$loop"

# verity: a changed byte is an error where it is read.
loop 16M
data=$loop data_file=$file
cp plain "$data_file"
truncate -s 16M "$data_file"
losetup -c "$data"
loop 16M
hash=$(veritysetup format "$data" "$loop" | sed -n 's/Root hash:[[:space:]]*//p')
passes "verity: open" veritysetup open "$data" checked "$loop" "$hash"
is "$(head -c "$(stat -c %s plain)" /dev/mapper/checked | sha256sum)" "$(sha256sum <plain)" "verity: what it was made from"
veritysetup close checked
printf X | dd of="$data_file" bs=1 seek=20000 conv=notrunc 2>/dev/null
passes "verity: open again" veritysetup open "$data" checked "$loop" "$hash"
is "$(dd if=/dev/mapper/checked bs=4096 count=4 2>/dev/null | wc -c) $(dd if=/dev/mapper/checked bs=4096 skip=4 count=1 2>&1 >/dev/null | grep -o 'Input/output error')" "16384 Input/output error" "verity: a changed byte"
veritysetup close checked
losetup -d "$loop" "$data"

# A snapshot: what is written goes elsewhere.
loop 16M
origin=$loop
dd if=plain of="$origin" bs=64k count=8 2>/dev/null
loop 4M
passes "dmsetup create" dmsetup create snap --table "0 32768 snapshot $origin $loop N 8"
printf changed | dd of=/dev/mapper/snap conv=fsync,notrunc 2>/dev/null
is "$(head -c 7 /dev/mapper/snap) $(head -c 7 "$origin" | tr '\n' ' ') $(dmsetup status snap | awk '{ print $3 }')" "changed 1 2 3 4 snapshot" "a snapshot"
passes "dmsetup remove" dmsetup remove snap
is "$(dmsetup create lin --table "0 16 linear $origin 8" && head -c 4096 /dev/mapper/lin | sha256sum)" "$(head -c 8192 plain | tail -c 4096 | sha256sum)" "a part of it"
dmsetup remove lin
done_testing
