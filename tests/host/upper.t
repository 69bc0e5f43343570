#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kbox run --upper: what is written to the root is kept in a directory, by each fence.
# shellcheck disable=SC2016 # the guest expands it
. "$(dirname "$0")/lib.sh"

# As a user of the host: owners and devices are attributes then.
not_as_root
mkdir -p "$tmp/root/bin" "$tmp/root/kept" "$tmp/root/gone" "$tmp/root/anew" "$tmp/root/moved" "$tmp/work"
cp "$(command -v busybox)" "$tmp/root/bin/busybox"
for applet in sh cat echo ls mkdir rm mv ln touch chmod chown mkfifo mknod dd stat rmdir find seq; do
	ln -s busybox "$tmp/root/bin/$applet"
done
for file in kept/same kept/changed kept/gone gone/file anew/old moved/file; do echo "$file" >"$tmp/root/$file"; done
[ -z "$as" ] || chown -R 1234:1234 "$tmp/root" "$tmp/work"
cd "$tmp/work" || exit 1

# with WHO... SCRIPT: in a box whose root that is
user() {
	$as timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --upper "$tmp/work/up" -- /bin/sh -c "$1"
}
root() {
	timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --upper "$tmp/work/up" -- /bin/sh -c "$1"
}
own() {
	$as timeout "$limit" "$kbox" run --mem 256M --upper up "$@"
}

check() {
	who=$1 by=$2
	rm -rf "$tmp/work/up"
	is "$($who 'echo x >>/kept/changed; rm /kept/gone; rm -r /gone /anew; mkdir /anew; echo 1 >/anew/new; mv /kept/same /kept/other
		cat /kept/changed; ls /kept /anew')" "kept/changed
x
/anew:
new

/kept:
changed
other" "a first run$by"
	is "$(cat "$tmp/root/kept/changed" "$tmp/root/anew/old")" "kept/changed
anew/old" "which leaves the root as it is$by"
	is "$($who 'cat /kept/changed /kept/other /anew/new; ls /kept /anew /gone 2>/dev/null; ls /')" "kept/changed
x
kept/same
1
/anew:
new

/kept:
changed
other
anew
bin
dev
kept
moved
proc
sys
tmp" "a second one$by"
	is "$(cat "$tmp/work/up/upper/kept/other")" kept/same "on the host it is in upper/$by"
	$who 'touch /new; chown 5:6 /new; chmod 4711 /new; mknod /dev1 c 1 3; mkfifo /fifo; ln -s /x /link; ln /new /new2; mkdir -m 1777 /t'
	is "$($who 'stat -c "%n %A %u %g %h %t" /new /new2 /dev1 /fifo /t; stat -c %N /link')" "/new -rws--x--x 5 6 2 0
/new2 -rws--x--x 5 6 2 0
/dev1 crw-r--r-- 0 0 1 1
/fifo prw-r--r-- 0 0 1 0
/t drwxrwxrwt 0 0 2 0
'/link' -> '/x'" "owners, modes, kinds and links stay$by"
	is "$($who 'echo 12345 >/size; stat -c %s /size; echo 6 >>/size; stat -c %s /size; exec 3>>/size; echo 7 >&3; stat -c %s /size
		touch -d "2001-02-03 04:05:06" /size; stat -c %Y /size; echo 8 >&3; [ "$(stat -c %Y /size)" != 981173106 ]; echo $?')" "6
8
10
981173106
0" "sizes and times are of now$by"
	is "$($who 'mkdir /many; cd /many; for i in $(seq 300); do echo $i >$i; done; rm 1 2 3; ls | wc -l') $($who 'ls /many | wc -l; rm -r /many; ls /many 2>/dev/null')" "297 297" "300 files$by"
	$who 'rmdir /moved 2>/dev/null; rm -r /moved; echo file >/moved'
	is "$($who 'cat /moved; rm /moved; mkdir /moved; ls /moved')" file "a file in the place of a directory$by"
	is "$($who 'ls /moved; echo again >/moved/again') $($who 'ls /moved')" " again" "and the reverse$by"
}

for hidden in '' namespaces namespaces,landlock; do
	export KBOX_HIDE=$hidden
	without=${hidden:+, without $hidden}
	check user "$without"
	[ "$(id -u)" != 0 ] || check root ", as root$without"
	rm -rf "$tmp/work/up"

	# The host's own system, with the directory in it.
	echo host >file
	is "$(own --root-id -- sh -c 'ls; echo box >>file; echo x >>/etc/passwd; rm -r up 2>/dev/null; ls up; rmdir /home; mkdir /home; echo h >/home/h')" "file
up" "the directory itself is empty in the box$without"
	is "$(own -- sh -c 'cat file /home/h; tail -n 1 /etc/passwd; stat -c "%u %g" /etc/passwd'; cat file)" "host
box
h
x
0 0
host" "the host's own system$without"
	is "$(own -v "$tmp/root:/src/deep" -- ls /src/deep/kept/same) $(ls up/upper/src 2>/dev/null)" "/src/deep/kept/same " "mount points are not written there$without"
	is "$(own --diff - -- sh -c 'echo said' 2>"$tmp/err" | tar t | grep -v '/$'; cat "$tmp/err")" "etc/passwd
home/.wh..wh..opq
home/h
${tmp#/}/work/file
said" "--diff has all of it$without"
	# Two boxes.
	mkfifo "$tmp/fifo"
	(own -- sh -c 'echo up; read x' <"$tmp/fifo" >"$tmp/out") &
	exec 4>"$tmp/fifo"
	soon grep -q up "$tmp/out"
	own -- true 2>"$tmp/err"
	is "$? $(cat "$tmp/err")" "125 kbox: --upper up: another box has it" "two boxes$without"
	echo end >&4
	exec 4>&-
	wait
	is "$(own -- echo free)" free "one after the other$without"
	rm -rf up "$tmp/fifo" file
done
unset KBOX_HIDE

# refuses PATTERN NAME ARG...: run kbox with ARG...
refuses() {
	pattern=$1 name=$2
	shift 2
	$as timeout "$limit" "$kbox" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	is $? 125 "$name: status 125"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$name: in one line"
}
refuses "kbox: --upper is for*" "an image" -S "$image" --ephemeral --upper up -- /bin/true
refuses "kbox: --upper is for*" "a root that is written" run --root "$tmp/root:rw" --upper up -- /bin/true
refuses "kbox: --overlay-size is for*" "--overlay-size" run --upper up --overlay-size 1G -- true
refuses "kbox: --upper $tmp/none/up: No such file*" "no such directory" run --upper "$tmp/none/up" -- true
refuses "kbox: --upper /dev/null: Not a directory" "a file" run --upper /dev/null -- true
refuses "kbox: --upper up: * same place as a volume*" "in a volume" run -v .:. --upper up -- true
$as mkdir -p around/root
refuses "kbox: --upper around: the root is in it*" "around the root" run --root around/root --upper around -- /bin/true
refuses "kbox: --upper /proc: *" "a file system that has no files" run --upper /proc -- true
done_testing
