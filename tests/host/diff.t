#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kbox run --diff: what a box has written, as a layer of an OCI image.
# shellcheck disable=SC2016 # the guest expands it
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/root/bin" "$tmp/root/kept" "$tmp/root/gone" "$tmp/root/anew" "$tmp/root/moved" "$tmp/root/untouched" "$tmp/out"
cp "$(command -v busybox)" "$tmp/root/bin/busybox"
for applet in sh cat echo ls mkdir rm mv ln touch chmod chown mkfifo mknod dd seq find sort stat md5sum printf sleep; do ln -s busybox "$tmp/root/bin/$applet"; done
for file in kept/same kept/changed kept/gone gone/file anew/old moved/file untouched/file file; do echo "$file" >"$tmp/root/$file"; done

# changes [OPTION...] SCRIPT: in a box whose root that is; the archive is $tmp/tar
changes() {
	timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --diff "$tmp/tar" -- /bin/sh -c "$1"
}
# What is in it, by name: kinds, modes and what links say.
content() {
	python3 -c '
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    print(m.type.decode(), oct(m.mode)[2:], m.uid, m.name, *([m.linkname] if m.linkname else []), *([m.size] if m.isreg() else []))
' "$tmp/tar"
}

# All that there is below the current directory, and is of the root.
list='set -- -path ./dev -prune -o -path ./proc -prune -o -path ./sys -prune -o -path ./tmp -prune -o
	find . -mindepth 1 "$@" -type d -exec stat -c "%n %f %u %g %y" {} + | sort
	find . "$@" ! -type d -exec stat -c "%N %f %u %g %h %t:%T %y %s" {} + | sort
	find . "$@" -type f -exec md5sum {} + | sort'
# shellcheck disable=SC2089 # none of these is an option
everything='
	cd /
	echo x >>kept/changed; echo new >kept/new; rm kept/gone; mv kept/same kept/renamed
	rm -r gone; echo file >gone
	rm -r anew; mkdir anew; echo 1 >anew/new; chmod 2775 anew; chown 7:8 anew
	mv moved elsewhere; mkdir -p a/b/c/d; echo 5 >a/b/c/d/e
	rm file; mkdir file; echo 6 >file/6
	ln kept/new hard; ln hard a/hard2; ln -s /no/where link; ln link linked; chown -h 3000000:4000000 link
	mkfifo fifo; chmod 600 fifo; mknod c c 1 3; mknod b b 7 300; ln c c2
	echo x >suid; chown 5:6 suid; chmod 6755 suid
	long=$(printf %0250d 0); echo l >$long; mkdir a/$long; echo l >a/$long/$long; ln -s $long a/l; ln a/$long/$long a/m
	name=$(printf "a\377\n\303\244"); echo n >"$name"; mkdir "$name.d"; ln "$name" "$name.d/$name$long" 2>/dev/null
	mkdir many; cd many; for i in $(seq 10000); do echo $i >$i; done; cd ..
	chmod 700 untouched; touch -d "2001-02-03 04:05:06" untouched/file
	dd if=/dev/urandom of=large bs=100000 count=50 seek=3 2>/dev/null; dd if=/dev/zero of=large bs=1 count=1 seek=20000000 2>/dev/null
'$list

for hidden in '' namespaces namespaces,landlock; do
	export KBOX_HIDE=$hidden
	by=${hidden:+, without $hidden}
	changes :
	is "$? $(content)" "0 " "nothing$by"
	is "$(wc -c <"$tmp/tar")" 1024 "is an archive, too$by"
	is "$(changes 'cat /kept/same /gone/file' | wc -l) $(content)" "2 " "and so is what is read$by"
	changes 'echo x >/kept/changed; rm /kept/gone; echo new >/kept/new; chmod 640 /kept/new; chown 5:6 /kept/new; exit 3'
	is "$?" 3 "the status is COMMAND's$by"
	is "$(content)" "5 755 0 kept
0 644 0 kept/changed 2
0 644 0 kept/.wh.gone 0
0 640 5 kept/new 4" "files: changed, gone and new$by"
	is "$(tar xOf "$tmp/tar" kept/new kept/changed)" "x
new" "what is in them$by"
	changes 'rm -r /gone /anew; mkdir /anew; echo 1 >/anew/new; mv /moved /elsewhere; mkdir /fresh'
	is "$(content)" "5 755 0 anew
0 644 0 anew/.wh..wh..opq 0
0 644 0 anew/new 2
5 755 0 elsewhere
0 644 0 elsewhere/file 11
5 755 0 fresh
0 644 0 .wh.gone 0
0 644 0 .wh.moved 0" "directories: gone, made anew, moved and new$by"
	changes 'cd /kept; chmod 600 same; ln changed one; ln -s /no/where link; mkfifo fifo; mknod dev c 1 3; ln one two'
	is "$(content | grep -v '^5')" "0 644 0 kept/changed 13
3 644 0 kept/dev
6 644 0 kept/fifo
2 777 0 kept/link /no/where
1 644 0 kept/one kept/changed
0 600 0 kept/same 10
1 644 0 kept/two kept/changed" "modes, links, FIFOs and devices$by"
	long=$(printf %0150d 0)
	changes "mkdir /$long; echo long >/$long/$long; ln -s $long/$long /short; chown -h 3000000:0 /short"
	is "$(tar xOf "$tmp/tar" "$long/$long") $(content | sed -n 's/^2 //p')" "long 777 3000000 short $long/$long" "long names, large numbers$by"
	changes 'dd if=/dev/urandom of=/large bs=1M count=20 2>/dev/null; cat /large' >"$tmp/large"
	tar xOf "$tmp/tar" large | cmp - "$tmp/large"
	is $? 0 "20 MiB$by"
	changes 'echo x >/tmp/x; echo y >/dev/shm/y; echo z >/proc/self/comm'
	is "$(content)" "" "what is written elsewhere is none of the root's$by"
	(cd "$tmp/out" && timeout "$limit" "$kbox" run --mem 256M --diff "$tmp/tar" -- sh -c 'echo 1 >made')
	is "$(content | grep -c ' made\| \(.*/\)*out/made ')" 1 "on the host's own system$by"

	# What a box sees in the end is what the layer makes of the root. Both are listed by the same busybox.
	cp -a "$tmp/root" "$tmp/copy"
	changes "$everything" >"$tmp/seen"
	is $? 0 "changes of all kinds$by"
	python3 "$top/tests/host/layer.py" "$tmp/tar" "$tmp/copy"
	(cd "$tmp/copy" && PATH=$PWD/bin "$tmp/copy/bin/sh" -c "$list") >"$tmp/applied"
	is "$(diff "$tmp/seen" "$tmp/applied")" "" "the layer makes the same tree$by"
	is "$(wc -l <"$tmp/seen" | sed 's/..$/../')" 200.. "of some files$by"
	rm -rf "$tmp/copy"
	changes 'dd if=/dev/zero of=/sparse bs=1 count=1 seek=9663676416 2>/dev/null; echo x >>/sparse'
	is "$(content)" "0 644 0 sparse 9663676419" "9 GB that are a hole$by"
	is "$(du -k "$tmp/tar" | awk '{ print $1 < 1000 }')" 1 "are one in the archive$by"
	changes 'touch -d "1969-12-31 23:59:58" /old; touch -d "1901-12-31 23:59:58" /older'
	is "$(TZ=UTC tar tvf "$tmp/tar" --full-time 2>&1 | awk '{ print $4, $5, $6 }')" "1969-12-31 23:59:58 old
1901-12-31 23:59:58 older" "times before 1970$by"
	is "$(changes 'sleep 1000 & echo x >/x; kill -9 $$'; echo "$?") $(content)" "137 0 644 0 x 2" "a command that is killed$by"
	timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --diff "$tmp/tar" -- \
		/bin/sh -c 'echo x >/x; echo up; sleep 1000; echo y >/y' >"$tmp/log" &
	soon grep -q up "$tmp/log"
	kill -TERM $!
	wait $!
	is "$? $(content)" "143 0 644 0 x 2" "a box that is asked to end$by"
	is "$(timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --diff - -- /bin/sh -c 'echo said; echo x >/x' 2>"$tmp/log" | tar t; cat "$tmp/log")" "x
said" "--diff -$by"
	is "$(timeout "$limit" "$kbox" run --root "$tmp/root" --mem 256M --fd 9:1 --diff - -- /bin/sh -c 'echo said; echo x >/x' 9>"$tmp/log" | tar t; cat "$tmp/log")" "x
said" "--diff - --fd$by"
done
unset KBOX_HIDE
cd "$tmp/out" || exit 1
timeout "$limit" "$kbox" run --mem 256M --diff "$tmp/tar" -- python3 -c '
import os
for i in range(30):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
open("file", "w").close()'
cd "$tmp" || exit 1
is "$(content | grep -c "^0.*$(printf %01000d 0 | tr 0 d | sed 's/d\{250\}/&\//g').*/file 0\$")" 1 "a path longer than PATH_MAX"
if command -v setfattr >/dev/null && [ "$(id -u)" = 0 ]; then
	cd "$tmp/out" || exit 1
	timeout "$limit" "$kbox" run --mem 256M --diff "$tmp/tar" -- sh -c 'echo 1 >f; mkdir d; setfattr -n user.a -v "b
c" f; setfattr -n user.d -v "" d; setfattr -n trusted.e -v x f; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 f'
	cd "$tmp" || exit 1
	is "$(python3 -c '
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    x = {k[13:]: v for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
    if x:
        print(m.name[-5:], sorted(x.items()))
' "$tmp/tar")" "out/d [('user.d', '')]
out/f [('security.capability', '\\x01\\x00\\x00\\x02\\x00\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'), ('user.a', 'b\\nc')]" "extended attributes"
fi
if [ "$(uname -m)" = x86_64 ] && command -v mke2fs >/dev/null; then
	changes 'mkdir /made; echo 5 >/made/five'
	"$top/scripts/kbox-image" import "$tmp/tar" "$tmp/image" >"$tmp/log" 2>&1
	is "$?" 0 "kbox-image takes it"
fi

# refuses PATTERN NAME ARG...: run kbox with ARG...
refuses() {
	pattern=$1 name=$2
	shift 2
	timeout "$limit" "$kbox" "$@" >"$tmp/log" 2>"$tmp/err" </dev/null
	is $? 125 "$name: status 125"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/log")" "1 0" "$name: in one line"
}
refuses "kbox: --diff is for*" "an image" -S "$image" --ephemeral --diff "$tmp/tar" -- /bin/true
refuses "kbox: --diff is for*" "a root that is written" run --root "$tmp/root:rw" --diff "$tmp/tar" -- /bin/true
refuses "kbox: --diff and --init*" "--init" run --init --diff "$tmp/tar" -- /bin/true
refuses "kbox: --diff $tmp/none/tar: No such file*" "no such directory" run --diff "$tmp/none/tar" -- true
refuses "kbox: --diff: *: No space left on device" "a full device" run --diff /dev/full -- true
refuses "kbox: --diff $tmp/out: *" "a directory" run --diff "$tmp/out" -- true
is "$(ls -A "$tmp/out")" "" "and nothing is left there"
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	mkdir "$tmp/small"
	is "$(unshare -m sh -c 'mount -t tmpfs -o size=1m none "$1" && cd "$1" && echo old >tar
		timeout "$2" "$3" run --root "$4" --mem 256M --diff tar -- /bin/sh -c "dd if=/bin/busybox of=/x; cat /x /x >/y" 2>&1 >/dev/null | tail -n 1
		ls -A; cat tar' sh "$tmp/small" "$limit" "$kbox" "$tmp/root")" "kbox: --diff: the archive: No space left on device
tar
old" "a full disk: what there was stays"
fi
echo old >"$tmp/tar"
"$kbox" run --root "$tmp/root" --mem 256M --diff "$tmp/tar" -- /bin/sh -c 'echo x >/x; echo up; sleep 1000' >"$tmp/log" &
soon grep -q up "$tmp/log"
kill -KILL $!
wait $! 2>/dev/null
soon sh -c '! ls -A "$1" | grep -q kbox-diff' sh "$tmp"
is "$? $(cat "$tmp/tar")" "0 old" "kbox is killed: what there was stays, and no other name"
done_testing
