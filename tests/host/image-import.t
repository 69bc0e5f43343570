#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kbox-image import: directories, tar archives and OCI images, as root (where the tests run so) and as somebody else. What is
# in the image is looked at in a box, and the file system by e2fsck and debugfs.
# shellcheck disable=SC2086 # $as is several words
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
umask 022
tool=$top/scripts/kbox-image

has() {
	for program; do
		command -v "$program" >/dev/null || return 1
	done
}
if ! has fakeroot mke2fs debugfs; then
	echo "1..0 # SKIP fakeroot or e2fsprogs is not installed"
	exit 0
fi

# With a colon and a blank, which some of the tools below take for something else.
work="$tmp/w: k"
home=$tmp/home
mkdir "$work" "$home"
chmod 755 "$tmp"
debugfs -R "dump /bin/busybox $tmp/busybox" "$image" 2>/dev/null
chmod 755 "$tmp/busybox"

# as_user USER: who imports from here on, in a directory of its own
as_user() {
	who=$1 as=
	[ "$who" = "$(id -u)" ] || as="setpriv --reuid $who --regid $who --clear-groups"
	rm -rf "$work"
	mkdir -p "$work/tmp" "$home"
	cp "$tmp/busybox" "$work/"
	[ -z "$as" ] || chown -R "$who:$who" "$work" "$home"
}
run_as() {
	(cd "$work" && $as env "HOME=$home" "TMPDIR=$work/tmp" timeout "$limit" "$@")
}
# import ARG...: status, $tmp/out, $tmp/err
import() {
	run_as "$tool" import "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}
# imported NAME: it went well, left nothing behind, and the file system is sound
imported() {
	is "$status$(cat "$tmp/err")" 0 "$who: $1: is imported"
	is "$(find "$work/tmp" "$work" -maxdepth 1 -name '*kbox-image*')" "" "$who: $1: nothing else is left"
	e2fsck -fn "$work/img" >"$tmp/fsck" 2>&1
	is $? 0 "$who: $1: e2fsck finds nothing"
}
contents() {
	find "$work" ! -path "$work" ! -path "$work/tmp" -printf '%p %y %s %T@\n' 2>/dev/null | sort
}
# refuses STATUS PATTERN NAME ARG...: one line that says why, and nothing left
refuses() {
	want=$1 pattern=$2 name=$3
	shift 3
	contents >"$tmp/before"
	import "$@" </dev/null
	is $status "$want" "$who: $name: status $want"
	like "$(cat "$tmp/err")" "kbox-image: $pattern" "$who: $name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$who: $name: in one line"
	is "$(contents | diff "$tmp/before" -)" "" "$who: $name: nothing is left"
	rm -f "$work/none"
}
# in_box COMMAND ARG...: in a box that has the image and nothing else
in_box() {
	timeout "$limit" "$kbox" -r "$work/img" --read-only --mem 256M "$@" </dev/null
}
debug() {
	debugfs -R "$1" "$work/img" 2>/dev/null
}
# free: in MiB
free() {
	echo $(($(dumpe2fs -h "$work/img" 2>/dev/null | sed -n 's/^Free blocks: *//p') / 256))
}

# What there is under ., with $b before each command: in a box busybox has them all.
# shellcheck disable=SC2016
list='export LC_ALL=C
$b find . -path ./lost+found -prune -o -exec $b stat -c "%n %f %u %g %t:%T %Y" {} + | $b sort
$b find . ! -type d -exec $b stat -c "%n %h %s" {} + | $b sort
$b find . -type l -exec $b readlink {} \; | $b sort
$b find . -type f ! -name sparse ! -name null ! -name disk -print0 | $b sort -z | $b xargs -0 $b cat | $b sha256sum'
listed() {
	# shellcheck disable=SC2016
	in_box -e b=/busybox -- /busybox sh -c "cd / && $list"
}

# names DIR: what is awkward in a name, and whatever anybody may make
names='mkdir -p "$1/d/empty" "$1/d/deep/er" "$1/sticky" "$1/with  blanks " "$1/bare"
cd "$1"
cp ../busybox .
echo one >d/f
touch -d "2001-02-03 04:05:06 UTC" d/f
chmod 4755 d/f
ln d/f d/deep/hard
ln d/f "$(printf "hard\nlink")"
echo two >d/deep/er/two
chmod 2711 d/deep
ln -s ../../f d/deep/er/link
ln -s /etc/passwd absolute
ln -s "$(printf "%0300d" 0)" long
touch -h -d "2010-01-01 UTC" absolute
mkfifo -m 600 fifo
echo n >"$(printf "new\nline")"
echo b >"$(printf "non-UTF-8 \377\376")"
echo q >"\"quoted\" \\n it'"'"'s"
echo m >-minus
echo l >"$(printf %0255d 0)"
mkdir "$(printf "with  blanks /%0255d" 1)"
: >"with  blanks /none"
truncate -s 200M sparse
printf middle | dd of=sparse bs=1 seek=100000000 conv=notrunc status=none
printf end | dd of=sparse bs=1 seek=209715197 conv=notrunc status=none
echo 1970 >early
touch -d "1970-01-01 00:00:01 UTC" early
chmod 1777 sticky
touch -d "2005-05-05 05:05:05 UTC" d/empty d d/deep
'
# devices, owners: in fakeroot
more='mknod null c 1 3
mknod -m 660 disk b 259 300
chown 0:6 disk
chown 1000:100 d/f
chmod 6755 d/f
chown -h 7:8 absolute
chown 4000000000:3000000000 early
echo secret >none
chmod 0 none bare
chown 33:33 d/empty
touch -d "2006-06-06 UTC" d/f d/empty d
chmod 750 .
chown 5:6 .
touch -d "2007-07-07 UTC" .
'
# attributes: of a file, a directory, and one that only root may set
attributes='set -e
echo x >attr
ln attr "$(printf "attr\nlink")"
setfattr -n user.text -v "some text" attr
setfattr -n user.binary -v 0x00ff0a00 attr
mkdir attrdir
setfattr -n user.dir -v dir attrdir
setfattr -n user.root -v root .
'
acls='set -e
echo acl >acl
chmod 600 acl
setfacl -m u:1234:rw,g:77:r acl
mkdir acldir
setfacl -d -m u:99:rwx acldir
'

# same NAME: the image has what $tmp/want lists
same() {
	listed >"$tmp/got" 2>"$tmp/err"
	is "$(cat "$tmp/err"; diff "$tmp/want" "$tmp/got" | head -n 20)" "" "$who: $1: in a box all is as it was"
}
sparse() {
	is "$(in_box -- /busybox sh -c '/busybox tail -c 3 /sparse; /busybox tail -c +100000001 /sparse | /busybox head -c 6; /busybox stat -c " %s %b" /sparse')" \
		"endmiddle 209715200 16" "$who: $1: a sparse file takes two blocks"
}

# --- a tar archive ---

make_archive() {
	(cd "$work" && $as fakeroot sh -c "
		(set -- '$PWD/tree'; set -- tree; $names $more)
		(cd tree && b= && $list) >want
		$1
		tar -C tree --xattrs '--xattrs-include=*' -cSf t.tar .") >"$tmp/log" 2>&1 || cat "$tmp/log" >&2
	cp "$work/want" "$tmp/want"
}

tar_archives() {
	if has setfattr; then
		make_archive "(cd tree && $attributes
			setfattr -n security.capability -v 0x0100000201000000000000000000000000000000 attr
			setfattr -n trusted.t -v t attr
			echo acl >acl; chmod 660 acl
			setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff02000600d204000004000000ffffffff10000600ffffffff20000000ffffffff acl
			touch -d '2007-07-07 UTC' .); (cd tree && b= && $list) >want"
	else
		make_archive :
	fi
	import t.tar img --force
	imported tar
	same tar
	sparse tar
	is "$(in_box -- /busybox stat -c '%a %u:%g %F %t:%T' / /null /disk /d/f /absolute /sticky /early)" "750 5:6 directory 0:0
644 0:0 character special file 1:3
660 0:6 block special file 103:12c
6755 1000:100 regular file 0:0
777 7:8 symbolic link 0:0
1777 0:0 directory 0:0
644 4000000000:3000000000 regular file 0:0" "$who: tar: owners, modes and devices"
	is "$(stat -c %a "$work/img")" 644 "$who: tar: the image's mode is the umask's"
	if has setfattr; then
		is "$(for f in attr attrdir /; do debug "ea_list $f"; done | sed 's/^  //' | grep '(' | sort)" "$(printf '%s\n' \
			'security.capability (20) = 01 00 00 02 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ' 'trusted.t (1) = "t"' \
			'user.binary (4) = 00 ff 0a 00 ' 'user.dir (3) = "dir"' 'user.root (4) = "root"' 'user.text (9) = "some text"')" "$who: tar: extended attributes"
		is "$(for u in 1234 1235; do
			timeout "$limit" "$kbox" -r "$work/img" --ephemeral --mem 256M --change-id $u:6 -- /busybox sh -c 'echo more >>/acl && /busybox cat /acl' 2>&1
		done | sed 's/.*: //')" "acl
more
Permission denied" "$who: tar: an access control list is in force"
	else
		skip "attr is not installed" "$who: tar: extended attributes"
	fi
	like "$(free)" "6[4-9]" "$who: tar: 64 MiB are free"

	for c in gzip:.gz bzip2:.bz2 xz:.xz zstd:.zst; do
		if ! has ${c%:*}; then
			skip "${c%:*} is not installed" "$who: tar by ${c%:*}"
			continue
		fi
		${c%:*} -c <"$work/t.tar" >"$work/t.tar${c#*:}"
		import --force "t.tar${c#*:}" img
		imported "tar by ${c%:*}"
		is "$(debug 'cat /d/deep/er/two')" two "$who: tar by ${c%:*}: is unpacked"
	done
	import - img --force <"$work/t.tar"
	imported "tar on standard input"
	same "tar on standard input"
	# shellcheck disable=SC2002
	cat "$work/t.tar.gz" | { import - img --force; imported "compressed, by a pipe"; same "compressed, by a pipe"; echo "$count $failed" >"$tmp/counted"; }
	read -r count failed <"$tmp/counted"

	# What is no archive, or not all of one.
	head -c 30000 "$work/t.tar" >"$work/cut.tar"
	refuses 1 "cut.tar: Unexpected EOF*" "half a tar" cut.tar none
	head -c 3000 "$work/t.tar.gz" >"$work/cut.gz"
	refuses 1 "cut.gz: *unexpected end of file*" "half of a compressed tar" cut.gz none
	size=$(wc -c <"$work/t.tar.gz")
	{ head -c $((size / 2)) "$work/t.tar.gz"; head -c 2000 /dev/urandom; tail -c $((size / 3)) "$work/t.tar.gz"; } >"$work/bad.gz"
	refuses 1 "bad.gz: *" "a damaged one" bad.gz none
	head -c 100000 /dev/urandom >"$work/noise"
	refuses 1 "noise: neither a directory nor a tar archive nor an OCI image" "random bytes" noise none
	: >"$work/empty"
	refuses 1 "empty: is empty" "an empty file" empty none
	refuses 1 "standard input: is empty" "nothing on standard input" - none

	# What would be elsewhere. The directory for temporary files is in $work.
	mkdir "$work/h"
	echo evil >"$work/h/evil"
	ln -s "$work" "$work/h/out"
	ln -s ../../.. "$work/h/up"
	(cd "$work/h" && tar -cPf ../up.tar --transform 's,^,../../../,' evil &&
		tar -cPf ../absolute.tar --transform "s,^,$work/," evil &&
		tar -cf ../through.tar out && tar -rf ../through.tar --transform 's,^,out/,' evil &&
		tar -cf ../through2.tar up && tar -rf ../through2.tar --transform 's,^,up/,' evil)
	[ -z "$as" ] || chown -R "$who" "$work/h"
	refuses 1 "up.tar: *" "a name with .." up.tar none
	refuses 1 "through.tar: *" "a name through a link" through.tar none
	refuses 1 "through2.tar: *" "a name through a link that leads up" through2.tar none
	import absolute.tar img --force
	imported "a tar with absolute names"
	is "$(find "$tmp" -name evil)" "$work/h/evil" "$who: nothing was written elsewhere"
	rm -rf "$work/h"
}

# --- a directory ---

directories() {
	run_as sh -c "$names" sh dir
	if has setfattr && (run_as sh -c "cd dir; $attributes") 2>/dev/null; then
		attr=y
	else
		attr=
	fi
	if has setfacl && (run_as sh -c "cd dir; $acls") 2>/dev/null; then
		acl=y
	else
		acl=
	fi
	run_as touch -d '2007-07-07 UTC' dir
	run_as python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("dir/sock")' 2>/dev/null || :
	if [ "$who" = 0 ]; then
		(cd "$work/dir" && chown 5:6 d/empty && chown -h 7:8 absolute && { mknod null c 1 3 2>/dev/null || :; })
		(cd "$work/dir" && b='' && eval "$list") >"$tmp/want"
	else
		# All are the caller's, so root's in the image.
		(cd "$work/dir" && $as fakeroot sh -c "b=; $list") >"$tmp/want"
	fi
	(cd "$work" && find dir -printf '%p %C@ %T@ %U %G %m\n' | sort) >"$tmp/was"
	import dir img --force
	imported directory
	same directory
	sparse directory
	is "$(cd "$work" && find dir -printf '%p %C@ %T@ %U %G %m\n' | sort | diff "$tmp/was" -)" "" "$who: directory: is as it was"
	if [ -n "$attr" ] && { [ "$who" = 0 ] || has getfattr; }; then
		is "$(for f in attr attrdir /; do debug "ea_list $f"; done | grep 'user\.' | sed 's/^  //' | sort)" "$(printf '%s\n' \
			'user.binary (4) = 00 ff 0a 00 ' 'user.dir (3) = "dir"' 'user.root (4) = "root"' 'user.text (9) = "some text"')" "$who: directory: extended attributes"
	else
		skip "there are none here" "$who: directory: extended attributes"
	fi
	if [ -n "$acl" ]; then
		is "$(for u in 1234 1235; do
			timeout "$limit" "$kbox" -r "$work/img" --ephemeral --mem 256M --change-id $u:6 -- /busybox sh -c 'echo more >>/acl && /busybox cat /acl' 2>&1
		done | sed 's/.*: //')" "acl
more
Permission denied" "$who: directory: an access control list is in force"
		like "$(debug 'ea_list acldir')" "*system.posix_acl_default*" "$who: directory: a default one is there"
	else
		skip "there are none here" "$who: directory: access control lists"
	fi

	# A directory as such, and one that fills more than the least size.
	mkdir "$work/nothing" "$work/much"
	import nothing img --force
	imported "an empty directory"
	is "$(debug 'ls -p /' | cut -d/ -f6 | tr '\n' ' ' | tr -s ' ')" ". .. lost+found " "$who: an empty directory: is empty"
	head -c 300M /dev/zero | tr '\0' x >"$work/much/300M"
	(cd "$work/much" && seq -f %06g 1 8000 | xargs touch)
	import much img --force
	imported "300 MB and 8000 files"
	is "$(($(free) >= 75 && $(free) < 100))" 1 "$who: 300 MB: a quarter is free ($(free) MiB)"
	is "$(dumpe2fs -h "$work/img" 2>/dev/null | awk '/^Free inodes/ { print ($3 >= 2000) }')" 1 "$who: 8000 files: there is room for more"
	rm "$work"/much/0*
	refuses 1 "much: does not fit in 200M; its files need 301M*" "SIZE too small" much none --size 200M
	refuses 1 "much: does not fit in 303M; *" "SIZE too small by a little" much none --size=303M
	refuses 1 "nothing: does not fit in 1; *" "a SIZE of 1" nothing none --size 1
	refuses 1 "nothing: does not fit in 20K; *" "a SIZE of 20K" nothing none --size 20K
	rm -rf "$work/much"
	import nothing img --size 300M --force
	imported "--size 300M"
	is "$(stat -c %s "$work/img")" 314572800 "$who: --size 300M: is as large"
	import --size=2097152 -- nothing small
	is "$status $(stat -c %s "$work/small")" "0 2097152" "$who: --size in bytes"
	timeout "$limit" "$kbox" -S "$work/img" --read-only --mem 256M -- /nothing 2>/dev/null
	is $? 127 "$who: --size 300M: kbox mounts it"

	# What cannot be read.
	mkdir -p "$work/locked/a/b" "$work/locked/c"
	: >"$work/locked/c/file"
	: >"$work/locked/a/b/file"
	if [ "$who" != 0 ]; then
		[ -z "$as" ] || chown -R "$who" "$work/locked"
		chmod 0 "$work/locked/a/b"
		refuses 1 "*/locked/a/b: Permission denied*" "a subdirectory that cannot be read" locked none
		chmod 355 "$work/locked/a/b"
		refuses 1 "*/locked/a/b: Permission denied*" "a subdirectory that cannot be listed" locked none
		chmod 755 "$work/locked/a/b"
		chmod 0 "$work/locked/c/file"
		refuses 1 "*/locked/c/file: Permission denied*" "a file that cannot be read" locked none
		chmod 0 "$work/locked"
		refuses 1 "*/locked: Permission denied*" "a directory that cannot be read" locked none
		chmod 755 "$work/locked"
	fi
	refuses 1 "dir: *would be in it*" "IMAGE in SOURCE" dir dir/d/none
	mv "$work/dir" "$work/tmp/dir"
	run_as env "TMPDIR=$work/tmp/dir" "$tool" import tmp/dir none >"$tmp/out" 2>"$tmp/err"
	is $? 1 "$who: temporary files in SOURCE: status 1"
	like "$(cat "$tmp/err")" "kbox-image: tmp/dir: *would be in it*" "$who: temporary files in SOURCE: says why"
	is "$(find "$work/tmp" -name '*kbox-image*')" "" "$who: temporary files in SOURCE: nothing is left"
	mv "$work/tmp/dir" "$work/dir"

	# IMAGE.
	echo precious >"$work/there"
	refuses 1 "there: exists already; use --force to replace it" "IMAGE exists" nothing there
	ln -s nowhere "$work/dangling"
	refuses 1 "dangling: exists already*" "IMAGE is a link that leads nowhere" nothing dangling
	refuses 1 "nothing: is a directory" "IMAGE is a directory" nothing nothing --force
	mkfifo "$work/fifo"
	refuses 1 "fifo: is not a file" "IMAGE is a pipe" nothing fifo --force
	refuses 1 "*/nowhere/: No such directory" "IMAGE in no directory" nothing nowhere/img
	refuses 1 "missing: No such file or directory*" "SOURCE is missing" missing there --force
	is "$(cat "$work/there")" precious "$who: an IMAGE is replaced at the end only"
	run_as mkdir sub
	ln -s sub/real "$work/link"
	import nothing link --force
	is "$status $(readlink "$work/link") $(e2fsck -fn "$work/sub/real" >/dev/null 2>&1; echo $?)" "0 sub/real 0" "$who: IMAGE is a link: its target is made"
	import nothing "$(printf %0255d 2)"
	is "$status$(cat "$tmp/err")" 0 "$who: IMAGE has a name of 255 bytes"
	import nothing "$(printf 'new\nline')"
	is "$status$(cat "$tmp/err")" 0 "$who: IMAGE has a name of two lines"
	if [ "$who" != 0 ]; then
		mkdir -p "$work/closed"
		chmod 555 "$work/closed"
		refuses 1 "*/closed/: Permission denied" "IMAGE where nobody may write" nothing closed/img
	fi
}

# Others' files, where there can be some.
owners() {
	mkdir -p "$work/mixed/sub"
	echo 1 >"$work/mixed/mine"
	echo 2 >"$work/mixed/others"
	echo 3 >"$work/mixed/group"
	chown -R "$who:$who" "$work/mixed"
	chown 7:8 "$work/mixed/others"
	chown "$who:8" "$work/mixed/group"
	chmod 4755 "$work/mixed/mine"
	(cd "$work/mixed" && stat -c '%n %u:%g %a' . ./*) >"$tmp/was"
	import mixed img --force
	imported "others' files"
	owned() {
		for f in / /group /mine /others; do
			debug "stat $f" | sed -n 's/.*Mode: *\([0-7]*\).*/\1/p; s/^User: *\([0-9]*\) *Group: *\([0-9]*\).*/\1:\2/p'
		done | tr '\n' ' '
	}
	is "$(owned)" "0755 0:0 0644 0:8 04755 0:0 0644 7:8 " "$who: the caller's become root's, others' stay"
	import mixed img --force --keep-owner
	imported "--keep-owner"
	is "$(owned)" "0755 $who:$who 0644 $who:8 04755 $who:$who 0644 7:8 " "$who: --keep-owner"
	is "$(cd "$work/mixed" && stat -c '%n %u:%g %a' . ./* | diff "$tmp/was" -)" "" "$who: the directory is as it was"
}

# --- an OCI image ---

oci_images() {
	if ! has skopeo umoci; then
		skip "skopeo or umoci is not installed" "$who: OCI images"
		return
	fi
	umoci() {
		run_as umoci "$@" >"$tmp/log" 2>&1 || { echo "umoci $*"; cat "$tmp/log"; } >&2
	}
	# umoci knows no layout with a colon in its name.
	rm -rf "$home/lay"
	umoci init --layout "$home/lay"
	umoci new --image "$home/lay:one"
	[ -f "$work/t.tar" ] || make_archive :
	umoci raw add-layer --image "$home/lay:one" t.tar
	umoci config --image "$home/lay:one" --config.entrypoint /busybox --config.entrypoint sh --config.entrypoint -c \
		--config.cmd "echo \"\$A|\$B|\$(/busybox pwd)|\$(/busybox id -u):\$(/busybox id -g)|\$0|\$1\"" --config.cmd "it's" --config.cmd "$(printf 'two\nlines')" \
		--config.env 'A=1  2' --config.env B=x=y --config.workingdir '/d/deep' --config.user 0:0
	cp "$work/want" "$tmp/want"
	import "oci:$home/lay:one" img --force
	imported "OCI image"
	same "OCI image"
	sparse "OCI image"
	is "$(wc -l <"$tmp/out")" 1 "$who: OCI image: a line says how to run it" # of kbox -S
	is "$(debug 'ea_list attr' | grep -c 'capability\|trusted')" "$(if has setfattr; then echo 2; else echo 0; fi)" "$who: OCI image: attributes of root's"
	import "oci:$home/lay:one" img --force
	# shellcheck disable=SC2016
	like "$(cat "$tmp/out")" 'kbox -S img -e '\''A=1  2'\'' -e B=x=y -w /d/deep -- /busybox sh -c *' "$who: OCI image: how to run it"
	printf 'kbox() { timeout %s "%s" --ephemeral --mem 256M "$@"; }\n' "$limit" "$kbox" >"$tmp/line"
	cat "$tmp/out" >>"$tmp/line"
	is "$(cd "$work" && bash "$tmp/line" </dev/null)" "1  2|x=y|/d/deep|0:0|it's|two
lines" "$who: OCI image: and so it runs"

	# From layers: what is deleted, replaced, made anew. umoci as the oracle, where it can say who owns what.
	rm -rf "$work/1" "$work/2" "$work/3"
	mkdir "$work/1" "$work/2" "$work/3"
	(cd "$work/1" && mkdir -p etc opaque/sub keep tofile todir2 tmp some bin usr/lib "sp ace" && cp ../busybox . &&
		echo 'root:x:0:0:root:/root:/bin/sh
app:x:1001:1002:App:/home/app:/bin/sh' >etc/passwd && echo 'app:x:1002:
web:x:80:' >etc/group && echo a >opaque/a && echo b >opaque/sub/b && echo k >keep/k && echo x >tofile/x && echo f >todir &&
		ln -s keep linktodir && ln -s todir2 linkgone && ln -s usr/lib lib && echo h >h1 && ln h1 h2 && echo n >"$(printf 'new\nline')" && echo w >"sp ace/w" &&
		echo s >some/s && echo t >some/t && chmod 700 keep && chmod 777 tmp && touch -d '2003-03-03 UTC' ./*)
	(cd "$work/2" && mkdir -p opaque todir linktodir "sp ace" some && : >opaque/.wh..wh..opq && echo c >opaque/c && : >.wh.h1 && : >.wh.linkgone &&
		: >"$(printf '.wh.new\nline')" && : >"sp ace/.wh.w" && echo 2 >tofile && echo d >todir/d && echo l >linktodir/l && : >some/.wh.s && : >.wh.never &&
		touch -d '2004-04-04 UTC' ./*)
	(cd "$work/3" && mkdir -p tmp keep && echo i >tmp/i && echo i >keep/i)
	(cd "$work" && fakeroot tar -C 1 -cf 1.tar . && fakeroot tar -C 2 -cf 2.tar . && tar -C 3 --owner=3 --group=3 -cf 3.tar tmp/i keep/i)
	umoci new --image "$home/lay:three"
	for i in 1 2 3; do umoci raw add-layer --image "$home/lay:three" $i.tar; done
	umoci config --image "$home/lay:three" --config.entrypoint /busybox --config.cmd id --config.user app:web
	rm -rf "$home/bundle"
	# shellcheck disable=SC2046 # an option, or none
	umoci raw unpack $([ "$who" = 0 ] || echo --rootless) --image "$home/lay:three" "$home/bundle"
	if [ "$who" = 0 ]; then format='%n %f %u %g %h'; else format='%n %f %h'; fi
	layers() {
		# shellcheck disable=SC2016
		in_box -e b=/busybox -e "format=$format" -- /busybox sh -c "cd / && $1"
	}
	# shellcheck disable=SC2016
	tree='export LC_ALL=C; $b find . -path ./lost+found -prune -o ! -path . -exec $b stat -c "$format" {} + | $b sort; $b find . -type f -exec $b sha256sum {} + | $b sort'
	import "oci:$home/lay:three" img --force
	imported "three layers"
	format=${format% %h}
	# shellcheck disable=SC2034 # for eval
	(cd "$home/bundle" && b='' && eval "$tree") >"$tmp/want"
	layers "$tree" >"$tmp/got"
	is "$(diff "$tmp/want" "$tmp/got")" "" "$who: three layers: as umoci unpacks them"
	is "$(layers 'echo * opaque/* "sp ace"/* some/* tmp/* keep/*')" "bin busybox etc h2 keep lib linktodir lost+found opaque some sp ace tmp todir todir2 tofile usr opaque/c sp ace/* some/t tmp/i keep/i keep/k" \
		"$who: three layers: what is there"
	is "$(cat "$tmp/out")" "kbox -S img -e HOME=/home/app --change-id 1001:80 -- /busybox id" "$who: three layers: the user of the image"

	# A directory that is a layout, another transport, more than one image.
	import "$home/lay" img --force
	is "$status $(cat "$tmp/err")" "1 kbox-image: $home/lay: has more than one image; say which: oci:DIRECTORY:TAG" "$who: a layout of two images"
	umoci rm --image "$home/lay:one"
	umoci gc --layout "$home/lay"
	mv "$home/lay" "$work/la:y"
	import la:y img --force
	imported "a directory that is a layout"
	mv "$work/la:y" "$home/lay"
	run_as skopeo copy -q "oci:$home/lay:three" "docker-archive:$home/saved.tar:name:tag" >"$tmp/log" 2>&1 || cat "$tmp/log" >&2
	import "docker-archive:$home/saved.tar" img --force
	imported docker-archive
	layers "$tree" >"$tmp/got"
	is "$(diff "$tmp/want" "$tmp/got")" "" "$who: docker-archive: the same"
	mv "$home/saved.tar" "$work/saved.tar"
	refuses 1 "saved.tar: is a container image, saved; import docker-archive:FILE" "docker save, as a tar" saved.tar none
	(cd "$home/lay" && tar -cf "$work/saved.tar" .)
	refuses 1 "saved.tar: is an OCI image, saved; import oci-archive:FILE" "an OCI archive, as a tar" saved.tar none
	rm "$work/saved.tar"
	refuses 1 "oci:$home/lay:none: *" "no such tag" "oci:$home/lay:none" none
	refuses 1 "oci:$home/nowhere: *" "no such layout" "oci:$home/nowhere" none
	refuses 1 "debian:12: No such file or directory; an image of a registry is docker://NAME:TAG" "a name alone" debian:12 none
	blob=$(find "$home/lay/blobs" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
	cp "$blob" "$home/blob"
	chmod u+w "$blob"
	printf 'xxxx' | dd of="$blob" bs=1 seek=1000 conv=notrunc status=none
	refuses 1 "oci:$home/lay:three: *" "a damaged layer" "oci:$home/lay:three" none
	cat "$home/blob" >"$blob"

	# Layers that would reach what is outside, by a link in another one.
	mkdir "$work/victim" "$work/e1" "$work/e2"
	echo precious >"$work/victim/precious"
	[ -z "$as" ] || chown -R "$who" "$work/victim"
	ln -s "$work/victim" "$work/e1/out"
	ln -s "$work/victim" "$work/e1/opaque"
	ln -s "$work/victim/precious" "$work/e1/file"
	ln -s ../../../../../../../../../../../.. "$work/e1/up"
	mkdir -p "$work/e2/out" "$work/e2/opaque" "$work/e2/up$work/victim"
	echo evil | tee "$work/e2/out/evil" "$work/e2/file" "$work/e2/up$work/victim/evil" >/dev/null
	: >"$work/e2/out/.wh.precious"
	: >"$work/e2/opaque/.wh..wh..opq"
	(cd "$work" && tar -C e1 -cf e1.tar . &&
		(cd e2 && find . ! -type d -printf '%P\n') | tar -C e2 --no-recursion -T - -cf e2.tar)
	umoci new --image "$home/lay:evil"
	umoci raw add-layer --image "$home/lay:evil" e1.tar
	umoci raw add-layer --image "$home/lay:evil" e2.tar
	import "oci:$home/lay:evil" img --force
	imported "a layer through a link"
	is "$(ls -A "$work/victim") $(cat "$work/victim/precious")" "precious precious" "$who: a layer through a link reaches nothing outside"
	is "$(debug 'cat /out/evil')" evil "$who: a layer through a link: its files are in the image"
	n=0
	for name in .wh. .wh.. .wh...; do
		n=$((n + 1))
		rm -rf "$work/e2"
		mkdir -p "$work/e2/sub"
		: >"$work/e2/sub/$name"
		tar -C "$work/e2" -cf "$work/e2.tar" .
		umoci new --image "$home/lay:dots$n"
		umoci raw add-layer --image "$home/lay:dots$n" e1.tar
		umoci raw add-layer --image "$home/lay:dots$n" e2.tar
		refuses 1 "oci:$home/lay:dots$n: wrong whiteout: $name" "a whiteout of '${name#.wh.}'" "oci:$home/lay:dots$n" none
	done
}

# --- a signal ---

# The processes that are somewhere in $work.
there() {
	find /proc -maxdepth 2 -name cwd -lname "$work*" 2>/dev/null
}
nobody_there() {
	[ -z "$(there)" ]
}

# stopped_by SIGNAL:STATUS STAGE ARG...: kbox-image import ARG..., when STAGE has begun. The programs in $tmp/bin say so.
stopped_by() {
	signal=${1%:*} want=${1#*:} stage=$2
	shift 2
	contents >"$tmp/before"
	rm -f "$home/began"
	(cd "$work" && exec setsid env --default-signal=INT,QUIT $as env "HOME=$home" "TMPDIR=$work/tmp" "PATH=$tmp/bin/$stage:$PATH" "BEGAN=$home/began" \
		"$tool" import "$@") <"$tmp/stdin" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	soon [ -e "$home/began" ]
	kill -s "$signal" -- "-$pid"
	wait $pid
	is "$?" "$want" "$who: SIG$signal in $stage: status $want"
	is "$(contents | diff "$tmp/before" -)" "" "$who: SIG$signal in $stage: nothing is left"
	# fakeroot's daemon may take its time.
	soon nobody_there
	is "$(there)" "" "$who: SIG$signal in $stage: no process is left"
}
signals() {
	mkdir -p "$work/nothing"
	mkfifo "$tmp/stdin" 2>/dev/null
	# Keeps it open for reading and writing, so that nobody waits for the other end.
	exec 9<>"$tmp/stdin"
	for stage in mke2fs tar; do
		mkdir -p "$tmp/bin/$stage"
		printf '#!/bin/sh\n: >"$BEGAN"\nexec sleep 6000\n' >"$tmp/bin/$stage/$stage"
		chmod 755 "$tmp/bin/$stage/$stage"
	done
	tar -C "$work/nothing" -cf "$work/small.tar" .
	for by in INT:130 TERM:143 HUP:129; do
		stopped_by $by mke2fs nothing none
		stopped_by $by tar small.tar none
		stopped_by $by mke2fs small.tar none
	done
	exec 9>&-
}

if [ "$(id -u)" = 0 ]; then users="0 1000"; else users=$(id -u); fi
for user in $users; do
	as_user "$user"
	tar_archives
	directories
	oci_images
	[ "$user" = "$(id -u)" ] || owners
	signals
done

# The command line.
usage() {
	pattern=$1 name=$2
	shift 2
	"$tool" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	is "$? $(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "2 1 0" "$name: status 2, one line"
	like "$(cat "$tmp/err")" "kbox-image: $pattern" "$name: says why"
}
cd "$work" || exit 1
usage "what is to be done?*" "no arguments"
usage "export: no such command*" "another command" export a b
usage "import takes*" "import alone" import
usage "import takes*" "import of one" import a
usage "import takes*" "import of three" import a b c
usage "import takes*" "an empty name" import a ""
usage "--frobnicate: no such option*" "unknown option" import --frobnicate a b
usage "--size: what*" "--size without its value" import a b --size
for size in x -1 1.5G 64MB 0 0x1000 " 1M" 99999999999999999999; do
	usage "--size $size: not a size*" "--size '$size'" import nothing none --size "$size"
done
usage "--size 99999999G: too large*" "--size 99999999G" import nothing none --size 99999999G
"$tool" --help >"$tmp/out" 2>"$tmp/err"
is "$? $(wc -c <"$tmp/err")" "0 0" "--help"
for option in $(grep -o '^ *--[a-z-]*\|, --[a-z]*' "$tmp/out" | tr -d ' ,'); do
	grep -q -- "$(echo "$option" | sed 's/-/\\\\-/g')" "$top/man/kbox-image.1"
	is $? 0 "the manual page has $option"
done
is "$("$tool" --version | sed 's/kbox-image/kbox/')" "$("$kbox" --version)" "--version"

# What is missing here: a directory with links to all programs but those.
mkdir "$tmp/few"
for dir in /usr/bin /bin /usr/sbin /sbin; do ln -s $dir/* "$tmp/few/" 2>/dev/null; done
sed "s,^PATH=.*,PATH=$tmp/few," "$tool" >"$tmp/kbox-image"
chmod 755 "$tmp/kbox-image"
without() {
	want=$1
	shift
	rm -f "$tmp/few/fakeroot" "$tmp/few/skopeo" "$tmp/few/mke2fs"
	[ "$(sh "$tmp/kbox-image" import "$@" 2>&1)" = "$want" ]
	is $? 0 "without programs: $want"
}
tar -cf small.tar nothing
without "kbox-image: missing here: mke2fs fakeroot; apt install e2fsprogs fakeroot" small.tar none
without "kbox-image: missing here: mke2fs fakeroot skopeo; apt install e2fsprogs fakeroot skopeo" docker://localhost/none none
done_testing
