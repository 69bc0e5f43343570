# SPDX-License-Identifier: GPL-2.0-only
# For the tests of what a whole system does. Each is a service in a box of the system image, with
# systemd as its first process (start). Natively, on a Debian 12 with what tests/system/packages
# names, they pass as root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../debian/lib.sh"

# small_root DIR: a root file system of busybox
small_root() {
	mkdir -p "$1/bin" "$1/dev" "$1/proc" "$1/sys" "$1/tmp" "$1/etc" "$1/root" "$1/var/tmp"
	cp /bin/busybox "$1/bin/"
	for applet in $(busybox --list); do
		[ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
	done
	echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
	echo root:x:0: >"$1/etc/group"
}

# loop SIZE: a loop device on a new file of that size, which is $file then, as $loop
# shellcheck disable=SC2034
loop() {
	file=$(mktemp "$tmp/disk.XXXXXX")
	truncate -s "$1" "$file"
	loop=$(losetup --find --show "$file")
}
