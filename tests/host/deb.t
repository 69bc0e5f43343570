#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make deb: the package is what it should be, and in a bare Debian 12 it can be installed and runs a box.
. "$(dirname "$0")/lib.sh"
. "$top/scripts/arch.sh"
PATH=$PATH:/usr/sbin:/sbin
for program in dpkg-deb dpkg-gencontrol mke2fs debugfs; do
	command -v "$program" >/dev/null || skip_all "there is no $program"
done
make -s -C "$top" deb >"$tmp/said" 2>&1
is $? 0 "make deb"
deb=$top/$(tail -n 1 "$tmp/said")

field() {
	dpkg-deb -f "$deb" "$1"
}
is "$(field Version)" "$(sed 's/-/~/g' "$top/VERSION")" "its version"
is "$(field Architecture)" "$(dpkg --print-architecture)" "its architecture"
like "$(field Depends)" "libc6 (>= 2.*)" "it depends on the C library only"
like "$(field Recommends)" "*libslirp0*passt*" "an engine of --net is recommended, and what the other one needs"
is "$(dpkg-deb -c "$deb" | awk '$2 != "root/root"')" "" "all is root's"
is "$(dpkg-deb -c "$deb" | grep -v '^[d-]rwxr-xr-x\|^-rw-r--r--')" "" "and everybody's to read"

# In the box's image there is one program.
mkdir -p "$tmp/files/bin"
debugfs -R "dump /bin/busybox $tmp/files/bin/busybox" "$image" 2>/dev/null
chmod 755 "$tmp/files/bin/busybox"
truncate -s 16M "$tmp/img"
mke2fs -q -t ext4 -d "$tmp/files" "$tmp/img"

# What is done in the Debian; each line of it that counts begins with a colon.
cat >"$tmp/do" <<'END'
set -e
dpkg -i /kbox.deb >/dev/null
echo ":installed"
echo ":$(kbox --version)"
echo ":$(kbox -S /img --ephemeral --mem 256M -- /bin/busybox echo up)"
echo ":$(dpkg --verify kbox)"
dpkg -r kbox >/dev/null
echo ":$(find / -xdev -name '*kbox*' ! -path '/var/lib/dpkg/*' ! -path /kbox.deb | tr '\n' ' ')"
END
if ! command -v mmdebstrap >/dev/null; then
	count=$((count + 1))
	echo "ok $count - it is installed # SKIP there is no mmdebstrap"
	done_testing
fi
debian_sources bookworm >"$tmp/sources"
set --
[ ! -s "$tmp/sources" ] || set -- "$tmp/sources"
# shellcheck disable=SC2016 # mmdebstrap's hooks expand it
timeout "$limit" mmdebstrap --quiet --variant=essential --format=null \
	--customize-hook="upload '$deb' /kbox.deb" --customize-hook="upload '$tmp/img' /img" \
	--customize-hook="upload '$tmp/do' /do" --customize-hook='echo :bare; chroot "$1" /bin/sh /do' \
	bookworm /dev/null "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
if ! grep -q '^:bare' "$tmp/out" "$tmp/err"; then
	count=$((count + 1))
	echo "ok $count - it is installed # SKIP no bare Debian 12 can be made: $(tail -n 1 "$tmp/err" | tr '#' ' ')"
	done_testing
fi
is "$(cat "$tmp/out" "$tmp/err" | grep '^:')" ":bare
:installed
:kbox $(cat "$top/VERSION")
:up
:
:" "in a bare Debian 12 it is installed, runs a box, is as it was packed, and is removed"
done_testing
