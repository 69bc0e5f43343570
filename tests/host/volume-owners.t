#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Owners, suid bits and devices in a volume: the guest's root sees them as on a disk of its own, also
# from the next box on, and so where the user who runs kbox is nobody on the host.
# shellcheck disable=SC2016 # the guest expands it
. "$(dirname "$0")/lib.sh"
chmod 755 "$tmp"
as=''
[ "$(id -u)" != 0 ] || as='setpriv --reuid=1000 --regid=1000 --clear-groups'

fresh() {
	rm -rf "$tmp/volume"
	mkdir "$tmp/volume"
	[ -z "$as" ] || chown 1000:1000 "$tmp/volume"
}

# guest SCRIPT [ARG...], with the volume as ACCESS says
access=
guest() {
	script=$list$1
	shift
	$as timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -v "$tmp/volume:/volume$access" -- \
		/bin/sh -c "$script" "$@" 2>&1
}

# For the guest: what there is in a directory. A symbolic link or a FIFO has no attributes on the
# host, which would say whose it is.
list='list() {
	(cd "$1" && find . | sort | while read -r f; do
		if [ -L "$f" ]; then
			echo "$f -> $(readlink "$f")"
		elif [ -p "$f" ]; then
			stat -c "%n %f" "$f"
		else
			stat -c "%n %f %u %g %h %t:%T" "$f"
		fi
	done)
}
'
make='cd "$1" && mkdir tree && cd tree && umask 022
echo text >file
echo text >owned; chown 12:34 owned; chmod 640 owned
echo text >suid; chown 1:2 suid; chmod 6755 suid
chmod 1777 .
mkdir dir; chown 5:6 dir; chmod 2770 dir
mkdir dir/sub; echo x >dir/sub/f; chown -R 7:8 dir/sub
mknod null c 1 3; chmod 666 null
mknod disk b 7 200; chown 0:6 disk
mkfifo fifo; chown 9:9 fifo; chmod 600 fifo
ln -s owned link; chown -h 3:3 link
ln owned dir/hard
ln dir/hard hard2; chown 13:13 hard2
mv suid dir/moved
cp -a dir copy
echo more >>dir/moved
echo hello >null; echo yes >>dir/sub/f
rm -f file; echo new >file; chown 21:21 file; chmod 400 file
echo over >over; chown 22:22 over; mv over file
'

for way in namespaces landlock broker; do
	if [ $way = namespaces ]; then
		hide=landlock
		KBOX_HIDE=$hide $as "$kbox" doctor | grep -q '^ok .*: by a mount namespace' || continue
	elif [ $way = broker ]; then
		hide=namespaces,landlock
		KBOX_HIDE=$hide $as "$kbox" doctor | grep -q '^ok .*: by a broker' || continue
	else
		hide=namespaces
		KBOX_HIDE=$hide $as "$kbox" doctor | grep -q '^ok .*(Landlock)' || continue
	fi
	export KBOX_HIDE=$hide
	fresh
	guest "$make list ." sh /var/tmp >"$tmp/want"
	is "$(guest "$make" sh /volume)" "" "without $hide: all is made"
	is "$(guest 'list /volume/tree' | diff "$tmp/want" -)" "" "without $hide: the next box sees the same"
	access=:ro
	is "$(guest 'list /volume/tree' | diff "$tmp/want" -)" "" "without $hide: and a volume that is not written"
	access=
	cp "$(command -v busybox)" "$tmp/volume/busybox"
	is "$($as "$kbox" run --mem 256M --root "$tmp/volume" -- /busybox sh -c "$list list /tree" 2>&1 | diff "$tmp/want" -)" "" \
		"without $hide: and --root"
	is "$(guest 'cd /volume/tree; cat owned file dir/hard dir/sub/f; echo x >null; cat null; head -c 0 null && echo read')" "text
over
text
x
yes
read" "without $hide: contents, and a device that works"
	is "$(find "$tmp/volume/tree" -type b -o -type c -o -perm /6000 ! -type d | wc -l)" 0 "without $hide: the host has no devices and no suid programs of it"
	[ -z "$as" ] || is "$(find "$tmp/volume/tree" ! -uid 1000)" "" "without $hide: to the host they are the user's"

	guest 'tar -C /volume -cf /volume/t.tar tree && mkdir /volume/x && tar -C /volume/x -xf /volume/t.tar && mkdir /volume/y && cp -a /volume/tree /volume/y/' >"$tmp/out"
	is "$(cat "$tmp/out")" "" "without $hide: tar c, tar x, cp -a"
	for dir in x y; do
		is "$(guest "list /volume/$dir/tree" | diff "$tmp/want" -)" "" "without $hide: they see the same ($dir)"
	done
	is "$(guest 'cd /volume && chmod 0 tree/file tree/dir && cat tree/file && ls tree/dir | wc -l && rm -rf x y tree t.tar busybox && ls -A')" "over
3" "without $hide: root's files of no mode"
	is "$(ls -A "$tmp/volume")" "" "without $hide: nothing is left"
done
[ $count != 0 ] || skip_all "this host can keep a box in no directory"
done_testing
