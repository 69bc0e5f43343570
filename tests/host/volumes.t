#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Directories of the host in a box: kbox run, -v, --root; by each fence that keeps a box in them.
# shellcheck disable=SC2016 # the guest expands it
. "$(dirname "$0")/lib.sh"

# As a user of the host: a namespace of his own is a fence of another kind than root's.
not_as_root
mkdir "$tmp/work" "$tmp/other" "$tmp/rootfs" "$tmp/work/sub"
echo text >"$tmp/work/file"
echo 5 >"$tmp/work/sub/five"
ln -s /etc/hostname "$tmp/work/absolute"
ln -s ../other/secret "$tmp/work/up"
echo secret >"$tmp/other/secret"
printf '#!/bin/sh\necho ran "$@"\n' >"$tmp/work/program"
chmod 755 "$tmp/work/program"
# A root with nothing but a busybox.
mkdir "$tmp/rootfs/bin"
cp "$(command -v busybox)" "$tmp/rootfs/bin/busybox"
for applet in sh cat echo ls id touch mkdir pwd stat rm; do ln -s busybox "$tmp/rootfs/bin/$applet"; done
[ -z "$as" ] || chown -R 1234:1234 "$tmp/work" "$tmp/other" "$tmp/rootfs"
cd "$tmp/work" || exit 1

# run [OPTION...] -- COMMAND...: as the user, here
run() {
	$as timeout "$limit" "$kbox" run --mem 256M "$@"
}
in_image() {
	$as timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M "$@"
}
# refuses PATTERN NAME ARG...: run kbox with ARG...
refuses() {
	pattern=$1 name=$2
	shift 2
	$as timeout "$limit" "$kbox" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	is $? 125 "$name: status 125"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$name: in one line"
}

# By the namespace, by Landlock alone, and by the broker.
for hidden in '' namespaces namespaces,landlock; do
	export KBOX_HIDE=$hidden
	by=${hidden:+, without $hidden}

	# The host's own system.
	is "$(run -- /bin/sh -c 'cat file; pwd; ./program 1')" "text
$tmp/work
ran 1" "run: the current directory$by"
	is "$(run -- sh -c 'echo more >>file; rm sub/five; mkdir new; cat file; ls')" "text
more
absolute
file
new
program
sub
up" "run: what is written is seen$by"
	is "$(cat file) $(ls sub)" "text five" "run: and dropped$by"
	is "$(run -- id -u) $(run -- id -g) $(run -- id -G)" "$($as id -u) $($as id -g) $($as id -G)" "run: the user$by"
	is "$(run --root-id -- id -u)" 0 "run --root-id$by"
	is "$(run --change-id 7:8 -- sh -c 'id -u; id -g; id -G')" "7
8
8" "run --change-id$by"
	is "$(A='b c' run -e D=e -- sh -c 'echo "$A $D"')" "b c e" "run: the environment$by"
	is "$(A=1 run -e A=2 -- sh -c 'echo "$A"')" 2 "run -e wins$by"
	is "$(A=1 run --clear-env -e B=2 -- sh -c 'echo "${A-none} $B"')" "none 2" "run --clear-env$by"
	is "$(umask 027; run -- sh -c umask)" 0027 "run: the umask$by"
	is "$(run -w sub -- cat five)" 5 "run -w, below the current directory$by"
	is "$(run -w / -- sh -c 'pwd; ls -d usr etc bin lib')" "/
bin
etc
lib
usr" "run -w /$by"
	is "$(run -- stat -c '%u %g %A' /usr /etc /bin/sh)" "$(stat -c '%u %g %A' /usr /etc /bin/sh)" "run: the system's owners$by"
	is "$(run -- stat -c '%u %g %A' / /tmp /var /home .)" "$(stat -c '%u %g %A' / /tmp /var /home .)" "run: those of what is around it$by"
	is "$(run -- sh -c 'echo x >/usr/x' 2>/dev/null; echo $?)" 2 "run: a user does not write to the system$by"
	is "$(run --root-id -- sh -c 'echo x >/usr/x; cat /usr/x; echo y >>/etc/passwd; tail -n 1 /etc/passwd')" "x
y" "run --root-id: root does, and it is seen$by"
	is "$(ls /usr/x 2>/dev/null; grep -c '^y$' /etc/passwd)" 0 "and dropped$by"
	is "$(run -- sh -c 'echo a >/tmp/a; cat /tmp/a')" a "run: /tmp$by"
	is "$(run -- ls "$tmp/other" 2>/dev/null; echo $?)" 2 "run: the rest of the host is not there$by"
	is "$(HOME=/home/kbox-test run -- sh -c 'ls -d "$HOME" 2>/dev/null')" "" "run: nor a home directory that the host has not$by"
	run -- sh -c 'exit 7'
	is $? 7 "run: exit status$by"
	run -- ./none 2>/dev/null
	is $? 127 "run: a command that is not there$by"

	# Volumes.
	is "$(run -v .:. -- sh -c 'echo new >made; cat file')" text "-v .:.$by"
	is "$(cat made) $(stat -c %u made)" "new $($as id -u)" "it is written through$by"
	rm -f made
	is "$(run -v .:.:ro -- sh -c 'cat file; echo x >made' 2>"$tmp/err"; grep -c Read-only "$tmp/err")" "text
1" "-v .:.:ro$by"
	is "$(run -v .:ro -- sh -c 'pwd; echo x >made' 2>"$tmp/err"; grep -c Read-only "$tmp/err")" "$tmp/work
1" "-v .:ro$by"
	is "$(run -v ../other:sub/deep/down -- cat sub/deep/down/secret; ls sub)" "secret
five" "-v SRC:DST, where no directory is$by"
	is "$(run -v "$tmp/other" -- cat "$tmp/other/secret" up)" "secret
secret" "-v SRC alone$by"
	is "$(run -v "$tmp/other" -- stat -c '%u %a' "$tmp/other/secret")" "$(stat -c '%u %a' "$tmp/other/secret")" "-v: owner and mode$by"
	is "$(run -v ../other:/a -v .:/b:ro -v ../rootfs:/c -- sh -c 'cat /a/secret /b/file; touch /b/x 2>/dev/null || echo no; touch /c/x && echo yes')" "secret
text
no
yes" "three volumes, written and not$by"
	rm -f "$tmp/rootfs/x"
	is "$(run -v .:/b -v ../other:/b/sub -- cat /b/sub/secret)" secret "one in another$by"
	mkdir "$tmp/co:lon"
	echo c >"$tmp/co:lon/c"
	is "$(run -v "$tmp/co\\:lon:/d" -- cat /d/c)" c "a path with a colon$by"
	rm -r "$tmp/co:lon"

	# Files.
	$as sh -c 'echo one >one'
	is "$(run -v one:/x/y/z -v program:ro -- sh -c 'cat /x/y/z; echo two >>/x/y/z; ls /x/y; (echo >program) 2>/dev/null || echo no'; cat one)" "one
z
no
one
two" "a file$by"
	is "$(run -v one:/etc/hostname:ro -- cat /etc/hostname)" "one
two" "a file in the place of another$by"
	is "$(in_image -v one:/etc/passwd:ro -- /bin/head -n 1 /etc/passwd)" one "a file in an image$by"
	rm one

	# Nothing leads out: a path of the volume's is one of the guest's.
	is "$(run -v .:/a -- cat /a/absolute 2>/dev/null)" "$(cat /etc/hostname)" "an absolute symlink is the guest's$by"
	is "$(in_image -v .:/a -- /bin/cat /a/absolute)" kbox "also in an image$by"
	is "$(run -v .:/a -- cat /a/up /a/../other/secret 2>/dev/null; echo $?)" 1 "and so is what leads up$by"
	is "$(run -v .:/a -- sh -c 'mkfifo /a/fifo; echo x >/a/fifo & cat /a/fifo'; stat -c %F fifo)" "x
fifo" "a FIFO is the guest's, and a name on the host$by"
	is "$(echo host >fifo & run -v .:/a:ro -- sh -c 'timeout 1 cat /a/fifo || echo nobody'; cat fifo)" "nobody
host" "one of the host's has nobody at its other end$by"
	rm fifo
	mkdir real
	echo inside >real/file
	ln -s ../other aside
	echo outside >../other/file
	(until [ -e "$tmp/enough" ]; do mv -T real race && mv -T race real && mv -T aside race && mv -T race aside; done) &
	swapper=$!
	is "$(run -v .:/a -- sh -c 'for i in $(seq 3000); do cat /a/race/file; done 2>/dev/null | sort -u')" inside "a directory that turns into a symlink$by"
	: >"$tmp/enough"
	wait $swapper
	rm -r "$tmp/enough" real aside ../other/file

	# In an image.
	is "$(in_image -v .:/src -w /src -- /bin/sh -c 'cat file; echo i >made; id -u')" "text
0" "-S -v$by"
	is "$(cat made) $(stat -c %u made)" "i $($as id -u)" "-S -v: it is the user's$by"
	is "$(in_image -v .:/src -- /bin/sh -c 'ls -ln /src/made' | awk '{ print $3, $4 }')" "0 0" "-S -v: and root's in the guest$by"
	rm -f made

	# A directory as root.
	is "$(run --root "$tmp/rootfs" -- /bin/sh -c 'id -u; pwd; echo x >/bin/x; cat /bin/x; ls /')" "0
/
x
bin
dev
proc
sys
tmp" "--root$by"
	is "$(ls "$tmp/rootfs") $(ls "$tmp/rootfs/bin/x" 2>/dev/null)" "bin " "--root: what is written is dropped$by"
	is "$(A=1 run --root "$tmp/rootfs" -v .:/src:ro -w /src -- /bin/sh -c 'cat file; echo ${A-none}')" "text
none" "--root -v -w$by"
	is "$(run --root "$tmp/rootfs:rw" -- /bin/sh -c 'echo x >/made; ls -ln /made' | awk '{ print $3, $4 }'; cat "$tmp/rootfs/made"; stat -c %u "$tmp/rootfs/made")" "0 0
x
$($as id -u)" "--root DIR:rw$by"
	is "$(run --root "$tmp/rootfs:rw" -v .:/src -- cat /src/file)" text "--root DIR:rw -v$by"
	rm -rf "$tmp/rootfs/src" "$tmp/rootfs/made" "$tmp/rootfs/dev" "$tmp/rootfs/proc" "$tmp/rootfs/sys" "$tmp/rootfs/tmp"
	like "$(run --root "$tmp/rootfs" --overlay-size 1M -- /bin/sh -c 'cat /bin/busybox /bin/busybox >/big' 2>&1)" "*No space left*" "--overlay-size$by"
done
unset KBOX_HIDE

# What cannot be.
refuses "kbox: -v $tmp/none: $tmp/none: No such file*" "a volume that is not there" run -v "$tmp/none" -- true
mkfifo "$tmp/fifo"
refuses "kbox: -v $tmp/fifo:/x: $tmp/fifo is neither*" "a FIFO" run -v "$tmp/fifo:/x" -- true
refuses "kbox: -v file:/usr: /usr: *" "a file in the place of a directory" run -v file:/usr -- true
refuses "kbox: -v .:/etc/passwd: /etc/passwd: Not a directory" "a directory in the place of a file" run -v .:/etc/passwd -- true
refuses "kbox: --root file: is a file*" "a file as root" run --root file -- true
refuses "kbox: -v file/x:/x: file/x: Not a directory" "below a file" run -v file/x:/x -- true
refuses "kbox: -v .: * another volume already" "twice the same" run -v ../other:. -v . -- true
refuses "kbox: -v .:/x/../y: *" "the same target by another name" run -v ../other:/y -v .:/x/../y -- true
refuses "kbox: -v .:/: *--root*" "root by -v" run -v .:/ -- true
refuses "kbox: -v .:x: *" "a relative target in an image" -S "$image" --ephemeral -v .:x -- true
refuses "kbox: -v .:/x:wr: *ro*" "neither ro nor rw" run -v .:/x:wr -- true
refuses "kbox: -v .:/x:ro:: *" "too many colons" run -v .:/x:ro: -- true
refuses "kbox: -v :/x: a path is empty*" "an empty path" run -v :/x -- true
refuses "kbox: --root $tmp/none: *No such file*" "a root that is not there" run --root "$tmp/none" -- true
refuses "kbox: --root and -r or -S*" "two kinds of root" run --root . -S "$image" -- true
refuses "kbox: --root: give one*" "two roots" run --root . --root . -- true
refuses "kbox: --read-only and --ephemeral*" "--ephemeral without an image" run --ephemeral -- true
refuses "kbox: --overlay-size is for*" "--overlay-size of nothing" run --root .:rw --overlay-size 1G -- true
refuses "kbox: -v ../other:/etc/passwd/x: */etc/passwd/x: Not a directory" "a target below a file" run -v ../other:/etc/passwd/x -- true
refuses "kbox: -v ../other:/b/no: */b/no is in another volume, and not there*" "a mount point that a volume lacks" run -v .:/b -v ../other:/b/no -- true
is "$(ls)" "absolute
file
program
sub
up" "which was not made"
# shellcheck disable=SC2046 # many words
refuses "kbox: *too many volumes*" "70 volumes" run $(seq -f '-v .:/%g' 70) -- true
if [ "$as" ]; then
	mkdir -m 700 "$tmp/closed"
	refuses "kbox: -v $tmp/closed: *: Permission denied" "a directory of another's" run -v "$tmp/closed" -- true
fi
KBOX_HIDE=namespaces,landlock,broker refuses "kbox: *neither*broker*" "no fence" run -- true
KBOX_HIDE=namespaces,landlock,user-notif refuses "kbox: *neither*broker*" "nor a listener for a broker" run -- true
KBOX_HIDE=namespaces refuses "kbox: --require-fence: *volumes*" "--require-fence without a namespace" run --require-fence -- true
is "$(run --require-fence -- echo up)" up "--require-fence with one"
is "$("$kbox" doctor | grep -c 'nothing is seen but volumes.*by a mount namespace')" 1 "doctor says which"
is "$(KBOX_HIDE=namespaces "$kbox" doctor | grep -c 'NOT: .* nothing is seen but volumes')" 1 "and that there is none"
is "$(KBOX_HIDE=namespaces,landlock "$kbox" doctor | grep -c 'nothing is seen but volumes.*by a broker')" 1 "and that it is a broker"
is "$(KBOX_HIDE=namespaces,landlock,broker "$kbox" doctor | grep -c 'NOT: .* nothing is seen but volumes')" 1 "and that there is none of these"
mkdir "$tmp/gone"
cd "$tmp/gone" || exit 1
rmdir "$tmp/gone"
refuses "kbox: the current directory: *" "a current directory that is gone" run -- true
done_testing
