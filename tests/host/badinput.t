#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What kbox cannot work with: one line that says why, status 125, and nothing written.
# shellcheck disable=SC2086 # $run and $as are several words
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# refuses PATTERN NAME ARG...: run kbox with ARG...
refuses() {
	pattern=$1 name=$2
	shift 2
	timeout "$limit" "$kbox" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	is $? 125 "$name: status 125"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$name: in one line"
}
run='-- /bin/true'

# Images.
refuses "kbox: $tmp/none: No such file*" "missing image" -S "$tmp/none" $run
: >"$tmp/empty"
refuses "kbox: $tmp/empty: is empty*" "empty image" -S "$tmp/empty" $run
refuses "kbox: $tmp: is a directory*" "directory" --read-only -S "$tmp" $run
refuses "kbox: $tmp: *irectory*" "directory, to be written" -S "$tmp" $run
mkfifo "$tmp/fifo"
refuses "kbox: $tmp/fifo: is not a file*" "a named pipe" -S "$tmp/fifo" $run
refuses "kbox: /dev/zero: is not a file*" "a device that is no disk" -S /dev/zero $run
refuses "kbox: : No such file*" "empty name" -S "" $run
head -c 100 /dev/zero >"$tmp/tiny"
refuses "kbox: $tmp/tiny: is not an ext4*" "100 bytes" -S "$tmp/tiny" $run
head -c 1M /dev/urandom >"$tmp/noise"
refuses "kbox: $tmp/noise: is not an ext4*" "random bytes" -S "$tmp/noise" $run
truncate -s 16M "$tmp/blank"
refuses "kbox: $tmp/blank: is not an ext4*" "zeroes" -S "$tmp/blank" $run
refuses "kbox: /bin/sh: is not an ext4*" "a program for an image" --read-only -S /bin/sh $run
head -c 128M "$image" >"$tmp/half"
sum=$(sha256sum <"$tmp/half")
refuses "kbox: $tmp/half: is truncated*" "truncated image" -S "$tmp/half" $run
refuses "kbox: $tmp/half: is truncated*" "truncated image, --ephemeral" --ephemeral -S "$tmp/half" $run
is "$(sha256sum <"$tmp/half")" "$sum" "truncated image is as it was"
cp --sparse=always "$image" "$tmp/img"

# A good superblock, and nothing else: the guest's kernel refuses, not the launcher.
cp --sparse=always "$image" "$tmp/shell"
dd if=/dev/zero of="$tmp/shell" bs=1k seek=2 count=64 conv=notrunc status=none
sum=$(sha256sum <"$tmp/shell")
refuses "kbox: cannot mount the image: *" "damaged image" --read-only -S "$tmp/shell" $run
is "$(sha256sum <"$tmp/shell")" "$sum" "damaged image is as it was"

# Sizes.
for size in x "" -1 1.5G 64X 64MB " 64M" 0x4000000 99999999999999999999 99999999999G; do
	refuses "kbox: --mem $size: not a size*" "--mem '$size'" -S "$tmp/img" --mem "$size" $run
done
for size in 0 1 1K 31M 33554431; do
	refuses "kbox: --mem $size: too little*" "--mem $size" -S "$tmp/img" --mem "$size" $run
done
for size in 1000000G 8000000000G; do
	refuses "kbox: *--mem*" "--mem $size" -S "$tmp/img" --mem "$size" $run
done

# The command line.
refuses "*--frobnicate*" "unknown option" -S "$tmp/img" --frobnicate $run
refuses "*'Z'*" "unknown letter" -S "$tmp/img" -Z $run
refuses "*--mem*" "an option without its value" -S "$tmp/img" --mem
refuses "*'S'*" "-S without its value" -S
refuses "kbox: no command*" "no command" -S "$tmp/img"
refuses "kbox: no command*" "nothing after --" -S "$tmp/img" --
refuses "kbox: no image*" "no image" $run
refuses "kbox: no image*" "no arguments"
refuses "kbox: -r and -S*" "two images" -S "$tmp/img" -r "$tmp/img" $run
refuses "kbox: -e NOEQUALS:*" "-e without =" -S "$tmp/img" -e NOEQUALS $run
refuses "kbox: -e =x:*" "-e without a name" -S "$tmp/img" -e =x $run
for ids in x 1 1: :1 1:x -1:1 1:-1 1:1:1 4294967295:0 0:4294967295 99999999999999999999:0; do
	refuses "kbox: --change-id $ids:*" "--change-id $ids" -S "$tmp/img" --change-id "$ids" $run
done
for map in x 1 1: 1:2:0 1:2:3:4 4294967295:0; do
	refuses "kbox: --map-id $map:*" "--map-id $map" --root "$tmp" --map-id "$map" $run
done
refuses "kbox: --map-id 5:9:2: one of these numbers is given already" "a number of the host twice" \
	--root "$tmp" --map-id 6:0 --map-id 5:9:2 $run
refuses "kbox: --map-id 5:9:2: one of these numbers is given already" "a number of the guest twice" \
	--root "$tmp" --map-id 1:10:3 --map-id 5:9:2 $run
maps=$(seq 0 16 | sed 's/.*/--map-id &:&/')
refuses "kbox: --map-id 16:16: give 16 at most" "17 times --map-id" --root "$tmp" $maps $run
refuses "kbox: --host-special is for*" "--host-special with an image alone" -S "$tmp/img" --host-special $run
refuses "kbox: --map-id is for files of this machine*" "--map-id with an image alone" -S "$tmp/img" --map-id 1:2 $run
refuses "kbox: --hostname:*" "empty host name" -S "$tmp/img" --hostname "" $run
refuses "kbox: --hostname:*" "host name of 65" -S "$tmp/img" --hostname "$(printf %065d 0)" $run
refuses "kbox: --syscall-mode=magic:*" "unknown mode" -S "$tmp/img" --syscall-mode=magic $run
refuses "kbox: -k:*" "kernel command line too long" -S "$tmp/img" -k "$(printf %03000d 0)" $run
refuses "kbox: /no/such: *" "no such working directory" -S "$tmp/img" --ephemeral -w /no/such $run

# The kernel and the init beside kbox.
KBOX_KERNEL=$tmp/none refuses "kbox: $tmp/none: No such file*" "missing kernel" -S "$tmp/img" $run
KBOX_KERNEL=$tmp/noise refuses "kbox: $tmp/noise: not a kernel*" "kernel that is none" -S "$tmp/img" $run
KBOX_KERNEL=/bin/true refuses "kbox: /bin/true: *" "a program for a kernel" -S "$tmp/img" $run
KBOX_KERNEL=$tmp/empty refuses "kbox: $tmp/empty: truncated*" "empty kernel" -S "$tmp/img" $run
KBOX_INIT=$tmp/none refuses "kbox: $tmp/none: No such file*" "missing init" -S "$tmp/img" $run

is "$(sha256sum <"$tmp/img")" "$(sha256sum <"$image")" "all that left the image as it was"

# Who may write.
"$kbox" -S "$tmp/img" --mem 256M -- /bin/sh -c 'echo up; sleep 600' >"$tmp/up" 2>&1 &
writer=$!
while [ ! -s "$tmp/up" ] && kill -0 $writer; do sleep 0.1; done
refuses "kbox: $tmp/img: in use*" "a second writer" -S "$tmp/img" $run
refuses "kbox: $tmp/img: in use*" "a reader beside a writer" --read-only -S "$tmp/img" $run
kill $writer
wait $writer
"$kbox" -S "$tmp/img" --ephemeral --mem 256M -- /bin/sh -c 'echo up; sleep 600' >"$tmp/up" 2>&1 &
reader=$!
while [ "$(wc -c <"$tmp/up")" -lt 3 ] && kill -0 $reader; do sleep 0.1; done
refuses "kbox: $tmp/img: in use*" "a writer beside a reader" -S "$tmp/img" $run
timeout "$limit" "$kbox" -S "$tmp/img" --ephemeral --mem 256M $run
is $? 0 "two readers"
kill $reader
wait $reader
timeout "$limit" "$kbox" -S "$tmp/img" --mem 256M $run
is $? 0 "a writer when they are gone"

# Permissions, as somebody who is not root.
chmod 755 "$tmp"
chmod 444 "$tmp/img"
if [ "$(id -u)" = 0 ]; then
	as='setpriv --reuid 65534 --regid 65534 --clear-groups'
else
	as=
fi
sum=$(sha256sum <"$tmp/img")
$as timeout "$limit" "$kbox" -S "$tmp/img" --mem 256M $run >"$tmp/out" 2>"$tmp/err"
is $? 125 "an image that may not be written: status 125"
like "$(cat "$tmp/err")" "kbox: $tmp/img: Permission denied; use --read-only*" "an image that may not be written: says what to do"
is "$($as timeout "$limit" "$kbox" --read-only -S "$tmp/img" --mem 256M -- /bin/echo read)" read "--read-only reads it"
is "$($as timeout "$limit" "$kbox" --ephemeral -S "$tmp/img" --mem 256M -- /bin/sh -c 'echo a >/a; cat /a')" a "--ephemeral seems to write it"
is "$(sha256sum <"$tmp/img")" "$sum" "and it is as it was"
chmod 0 "$tmp/img"
$as timeout "$limit" "$kbox" --read-only -S "$tmp/img" --mem 256M $run 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "125 kbox: $tmp/img: Permission denied" "an image that may not be read"
done_testing
