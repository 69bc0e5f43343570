#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What builds the kernel: how scripts/progress shows a build and passes on what it says, and which
# source scripts/fetch-linux takes. No compiler, no apt and no network: those here are played.
. "$(dirname "$0")/lib.sh"
progress=$top/scripts/progress

# --- progress ---

# A make: with -n it says what it would do, else it does it, and more as $tmp/more says.
mkdir "$tmp/bin"
cat >"$tmp/bin/make" <<'END'
#!/bin/sh
steps() {
	echo "  GEN     Makefile"
	for n in a b c; do echo "  CC      dir/$n.o"; done
	echo "  HOSTCC  scripts/tool.o"
	[ -e "$tmp/skip" ] || echo "  AS      dir/d.o"
	echo "  AR      dir/built-in.a"
}
if [ "$1" = -n ]; then
	steps | sed "s/.*/set -e;  echo '&'; true/"
	exit "$(cat "$tmp/dry" 2>/dev/null || echo 0)"
fi
steps
. "$tmp/more"
END
chmod 755 "$tmp/bin/make"
export tmp
mkdir "$tmp/dir"

# builds: its status; what it says is in out and err, with N for the seconds
builds() {
	rm -f "$tmp/dir/.progress"
	[ -z "${known:-}" ] || echo "$known" >"$tmp/dir/.progress"
	PROGRESS_SECONDS=${seconds:-60} "$progress" kernel "$tmp/dir" "$tmp/bin/make" vmlinux \
		>"$tmp/out" 2>"$tmp/err.raw"
	status=$?
	sed 's/, [0-9]* s$/, N s/' "$tmp/err.raw" >"$tmp/err"
}

: >"$tmp/more"
builds
is "$status $(cat "$tmp/out" "$tmp/err")" "0 kernel: 4 objects, N s" "one line of a build"
is "$(tr '\n' ' ' <"$tmp/dir/.progress")" "dir/a.o dir/b.o dir/c.o dir/d.o " \
	"what is named again after that is remembered"

cat >"$tmp/more" <<'END'
echo "in a.c: warning: x" >&2
echo "a word of somebody"
echo "  LD      vmlinux"
echo "  CC      init/version.o"
printf "not a line" >&2
exit 3
END
builds
is "$status" 3 "a build that fails: its status"
is "$(cat "$tmp/out")" "a word of somebody" "what is not a step of the build is shown"
is "$(cat "$tmp/err")" "in a.c: warning: x
not a line
kernel: failed after 5 of 5 objects, N s" "errors are shown in full, then how far it came"

# As the make ends by it.
# shellcheck disable=SC2016 # the make expands it
echo 'kill -TERM $$' >"$tmp/more"
builds
is "$status" 143 "a build that a signal ends"

echo 1 >"$tmp/dry"
echo exit 1 >"$tmp/more"
builds
is "$(cat "$tmp/err")" "kernel: failed after 4 objects, N s" "a build whose objects cannot be known"
rm "$tmp/dry"
known=dir/d.o builds
is "$(cat "$tmp/err")" "kernel: failed after 4 of 4 objects, N s" "what is named each time, made"
: >"$tmp/skip"
known=dir/d.o builds
is "$(cat "$tmp/err")" "kernel: failed after 3 of 3 objects, N s" "and not made"
rm "$tmp/skip"

# Until the second line has come, however long that takes.
# shellcheck disable=SC2016 # the make expands it
echo 'until grep -q "4 of 4" "$tmp/err.raw"; do sleep 0.1; done' >"$tmp/more"
seconds=0.1 builds
is "$(grep -v " [0-3] of" "$tmp/err" | sort -u)" "kernel: 4 objects, N s
kernel: 4 of 4 objects, N s" "how far it is, from time to time"

# On a terminal; and there the signal of its key.
cat >"$tmp/terminal.py" <<'END'
import os, pty, re, sys
tmp = os.environ["tmp"]
def build(stop):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], [sys.argv[1], "kernel", tmp + "/dir", tmp + "/bin/make", "vmlinux"])
    text = b""
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if not data:
            break
        text += data
        if stop and b"ready" in text:
            os.write(fd, b"\x03")
            stop = False
    status = os.waitpid(pid, 0)[1]
    print(re.sub(r", \d+ s", ", N s", repr(text)), os.waitstatus_to_exitcode(status))
build(False)
os.rename(tmp + "/more.int", tmp + "/more")
build(True)
END
echo 'sleep 1; echo warning >&2; sleep 1' >"$tmp/more"
echo 'trap "echo cleaned; exit 2" INT; echo ready; while :; do sleep 0.1; done' >"$tmp/more.int"
timeout "$limit" python3 "$tmp/terminal.py" "$progress" >"$tmp/out"
line=$(sed -n 1p "$tmp/out")
like "$line" "b'kernel: [0-4] of 4 objects, N s*\\\\r*" "on a terminal the line is written over"
like "$line" "*N s\\\\r    *    \\\\rwarning\\\\r\\\\nkernel: 4 of 4*" \
	"and taken away for what others say"
like "$line" "*\\\\rkernel: 4 objects, N s*\\\\r\\\\n' 0" "and ended"
line=$(sed -n 2p "$tmp/out")
like "$line" "*cleaned\\\\r\\\\n*" "Ctrl-C: the make ends as it likes"
like "$line" "*kernel: stopped, N s*\\\\r\\\\n' -2" \
	"Ctrl-C: the line is ended, the status that of the signal"

# --- fetch-linux ---

# A tree of its own, with a package that is played; $pool has what there is to download.
tree=$tmp/tree
dest=$tree/build/linux-6.12
pool=$tmp/pool
src=$tmp/src
mkdir -p "$tree/scripts" "$tree/kernel/arch/kbox" "$pool" "$src"
# tarball SUBLEVEL FILE
tarball() {
	mkdir -p "$tmp/t/linux-source-6.12/arch"
	printf 'VERSION = %s\nPATCHLEVEL = 12\nSUBLEVEL = %s\n' "${release:-6}" "$1" \
		>"$tmp/t/linux-source-6.12/Makefile"
	tar -C "$tmp/t" -cJf "$2" linux-source-6.12
}
for n in 5 6 7; do tarball $n "$pool/6.12.$n-1"; done
sum=$(sha256sum "$pool/6.12.6-1" | cut -d' ' -f1)
sed "s,^pinned=.*,pinned=6.12.6-1,; s,^pinned_sum=.*,pinned_sum=$sum,
	s,^installed=.*,installed=$src/linux-source-6.12.tar.xz," \
	"$top/scripts/fetch-linux" >"$tree/scripts/fetch-linux"
chmod 755 "$tree/scripts/fetch-linux"
cp "$top/scripts/arch.sh" "$tree/scripts/"
export pool src
cat >"$tmp/bin/apt-get" <<'END'
#!/bin/sh
for last; do :; done
case " $* " in
*" update "*) [ ! -e "$pool/unreached" ] || echo "W: Failed to fetch something" ;;
*)
	file=$pool/${last#*=}
	if [ ! -e "$file" ] || [ -e "$pool/unreached" ]; then
		echo "E: Version '${last#*=}' was not found"
		exit 100
	fi
	cp "$file" here.deb
	;;
esac
END
cat >"$tmp/bin/apt-cache" <<'END'
#!/bin/sh
[ -e "$pool/unreached" ] || echo "  Candidate: $(ls "$pool" | sort | tail -n 1)"
END
cat >"$tmp/bin/dpkg-deb" <<'END'
#!/bin/sh
mkdir -p "$tmp/deb/usr/src"
cp "$2" "$tmp/deb/usr/src/linux-source-6.12.tar.xz"
exec tar -C "$tmp/deb" -c ./usr
END
cat >"$tmp/bin/dpkg-query" <<'END'
#!/bin/sh
cat "$src/version"
END
cat >"$tmp/bin/dpkg" <<'END'
#!/bin/sh
cmp -s "$src/linux-source-6.12.tar.xz" "$pool/$(cat "$src/version")" || echo "??5?????? it"
END
chmod 755 "$tmp"/bin/*
# fetches [LINUX_SOURCE]: the status, the sublevel unpacked, and what it said last
fetches() {
	LINUX_SOURCE=${1:-} PATH=$tmp/bin:$PATH "$tree/scripts/fetch-linux" >"$tmp/out" 2>"$tmp/err"
	status=$?
	fetched=$(sed -n 's/SUBLEVEL = //p' "$dest/Makefile" 2>/dev/null)
	fetched="$status $fetched $(tail -n 1 "$tmp/err")"
}
# installs VERSION: as if it were installed
installs() {
	cp "$pool/$1" "$src/linux-source-6.12.tar.xz"
	echo "$1" >"$src/version"
}
p="fetch-linux: unpacking linux-source-6.12" s="fetch-linux: linux-source-6.12"

fetches
is "$fetched" "0 6 $p 6.12.6-1 (the pinned version)" "the pinned version is downloaded"
is "$(readlink "$dest/arch/kbox")" "$tree/kernel/arch/kbox" "with the port in it"
fetches
is "$fetched" "0 6 " "once"
rm -r "$tree/build"
installs 6.12.6-1
: >"$pool/unreached"
fetches
is "$fetched" "0 6 $p 6.12.6-1 (the pinned version)" "the pinned version is installed"

# Another one than the pinned.
rm "$pool/unreached"
rm -r "$tree/build"
installs 6.12.5-1
fetches
is "$fetched" "0 6 $p 6.12.6-1 (the pinned version)" \
	"another is installed: the pinned is downloaded"
rm -r "$tree/build"
mv "$pool/6.12.6-1" "$tmp/gone"
why="the pinned 6.12.6-1 could not be had"
fetches
is "$fetched" "0 7 $p 6.12.7-1 (the pinned 6.12.6-1 cannot be had)" "the pinned is gone: the newest"
like "$(cat "$tmp/err")" \
	"*the pinned 6.12.6-1 cannot be had: Version '6.12.6-1' was not found*" "and why"
fetches
is "$fetched" "0 7 $s 6.12.7-1 ($why; to try again: rm $dest/.unpacked)" "the next time"
rm -r "$tree/build"
: >"$pool/unreached"
fetches
is "$fetched" "0 5 $p 6.12.5-1 (the pinned 6.12.6-1 cannot be had, and this is installed)" \
	"nothing can be had: what is installed"
like "$(cat "$tmp/err")" "*the distribution was not reached*" "and why"
rm -r "$tree/build"
echo spoilt >>"$src/linux-source-6.12.tar.xz"
fetches
is "${fetched%% *}" 1 "what is installed is damaged: it is not taken"
like "$(cat "$tmp/err")" "*/linux-source-6.12.tar.xz is damaged: *" "and it says so"
rm "$src"/*
fetches
like "$fetched" "1  fetch-linux: there is no linux-source-6.12: it takes apt and a network or *" \
	"there is none"
rm "$pool/unreached"

# LINUX_SOURCE
mv "$tmp/gone" "$pool/6.12.6-1"
fetches
is "$fetched" "0 6 $p 6.12.6-1 (the pinned version)" "the pinned is there again"
touch -d '2004-04-04 UTC' "$dest/.unpacked"
fetches newest
is "$fetched" "0 7 $p 6.12.7-1 (the newest is wanted)" "LINUX_SOURCE=newest"
is "$(find "$dest" ! -newermt 2005-01-01)" "" "another source: all is newer than what was made"
touch -d '2004-04-04 UTC' "$dest/.unpacked"
fetches newest
is "$fetched" "0 7 $s 6.12.7-1 (the newest is wanted)" "once"
fetches 6.12.7-1
is "$fetched" "0 7 $s 6.12.7-1 (LINUX_SOURCE=6.12.7-1)" "the same by its version"
is "$(find "$dest" -name .unpacked -newermt 2005-01-01)" "" "the same source: nothing is newer"
fetches 6.12.5-1
is "$fetched" "0 5 $p 6.12.5-1 (LINUX_SOURCE=6.12.5-1)" "a version"
fetches "$pool/6.12.7-1"
is "$fetched" "0 7 fetch-linux: unpacking $pool/6.12.7-1, as LINUX_SOURCE says" "a file"
fetches 6.12.4-1
is "$fetched" "1 7 $s 6.12.4-1 cannot be had: Version '6.12.4-1' was not found" "no such version"
fetches ./none
is "$fetched" "1 7 fetch-linux: LINUX_SOURCE=./none: there is no such file" "no such file"
fetches latest
like "$fetched" "1 7 fetch-linux: LINUX_SOURCE=latest: can be newest, *" "no such word"
head -c 200 "$pool/6.12.5-1" >"$tmp/short"
fetches "$tmp/short"
is "$fetched" "1 7 fetch-linux: $tmp/short is damaged, or no archive" "a damaged file"
release=7 tarball 1 "$tmp/other"
fetches "$tmp/other"
is "$fetched" "1 7 fetch-linux: $tmp/other is not the source of a Linux 6.12" "another kernel"
echo spoilt >>"$tree/build/source/6.12.6-1.tar.xz"
fetches
is "$fetched" "0 6 $p 6.12.6-1 (the pinned version)" "a damaged download is downloaded again"
is "$(ls -A "$tree/build")" "linux-6.12
source" "nothing else is left"
is "$(PATH=$tmp/bin:$PATH "$tree/scripts/fetch-linux" --newest 2>/dev/null)" 6.12.7-1 "--newest"
done_testing
