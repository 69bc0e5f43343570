#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kbox run --diff: what a box has written, as a layer of an OCI image.
# shellcheck disable=SC2016 # the guest expands it
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/root/bin" "$tmp/root/kept" "$tmp/root/gone" "$tmp/root/anew" "$tmp/root/moved" "$tmp/out"
cp "$(command -v busybox)" "$tmp/root/bin/busybox"
for applet in sh cat echo ls mkdir rm mv ln touch chmod chown mkfifo mknod dd; do ln -s busybox "$tmp/root/bin/$applet"; done
for file in kept/same kept/changed kept/gone gone/file anew/old moved/file; do echo "$file" >"$tmp/root/$file"; done

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

for hidden in '' namespaces; do
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
done
unset KBOX_HIDE
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
refuses "kbox: --diff: *: No space left on device" "a full disk" run --diff /dev/full -- true
done_testing
