#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What is built into the kernel (docs/kernel.md), by the names under which programs look for it; and
# that the small one boots.
. "$(dirname "$0")/lib.sh"

# missing FILE WORD...: those of the words that no line of the box's FILE has as one
# shellcheck disable=SC2016
missing() {
	box -- /bin/sh -c 'file=$0; for w; do grep -qw -- "$w" "$file" || echo "$w"; done' "$@" | tr '\n' ' '
}
is "$(missing /proc/filesystems xfs btrfs erofs squashfs vfat exfat iso9660 udf nfs nfs4 autofs configfs securityfs debugfs tracefs bpf fuse overlay)" "" \
	"file systems"
is "$(missing /proc/crypto aes chacha20 xxhash64 sha1 sha256 sha512 blake2b-256 crc32c stdrng)" "" "ciphers"
is "$(missing /proc/misc device-mapper loop-control fuse autofs)" "" "devices"
is "$(missing /proc/cgroups cpu cpuacct blkio memory devices freezer net_cls perf_event net_prio pids misc)" "" "controllers"
is "$(box -- /bin/sh -c 'mount -t securityfs none /mnt && cat /mnt/lsm')" "capability,landlock" "security modules"
is "$(box -- /bin/sh -c 'zcat /proc/config.gz | grep -c "^CONFIG_NF_TABLES=y"')" 1 "/proc/config.gz"
is "$(box -- /bin/sh -c 'for k in bridge vlan macvlan ipvlan vxlan wireguard; do ip link add link lo name $k type $k 2>&1 | grep -q "not supported" && echo $k; done; :')" "" \
	"kinds of network devices"

# What is set up when somebody asks for it, as by a module: it is listed before, and once.
is "$(box -- /bin/sh -c 'for i in 1 2; do grep -cw btrfs /proc/filesystems; grep -c btrfs-control /proc/misc; : </dev/btrfs-control; done')" "1
0
1
1" "btrfs is set up when its device is opened"
is "$(box -- /bin/sh -c 'mount -t btrfs /dev/loop0 /mnt 2>/dev/null; grep -cw btrfs /proc/filesystems; grep -c btrfs-control /proc/misc')" "1
1" "or when one is to be mounted"

is "$(box -- /bin/sh -c 'mount -t nfs4 none /mnt 2>/dev/null; grep -cw nfs4 /proc/filesystems; ls -d /proc/fs/nfsfs /proc/sys/sunrpc')" "1
/proc/fs/nfsfs
/proc/sys/sunrpc" "NFS is, when such a file system is to be mounted"

# Tracing is set up when somebody looks at it, by one way or by the other.
is "$(box -k 'initcall_debug loglevel=8' -- /bin/true 2>&1 | grep -c 'initcall tracer_init_tracefs')" 0 "events are not made at boot"
is "$(box -- /bin/sh -c 'mount -t tracefs none /mnt && ls /mnt/events/sched /mnt/events/syscalls | grep -cE "^(sched_switch|sys_enter_openat)$"; grep -c "{ 0, .HI. }" /mnt/events/irq/softirq_entry/format')" "2
1" "but when tracefs is mounted, with the numbers of what has names"
is "$(box -- /bin/sh -c 'mount -t debugfs none /mnt && ls /mnt/tracing/events/sched | grep -cx sched_switch')" 1 "or debugfs"

# What natively comes with a module is in no namespace unasked.
is "$(box -- /bin/sh -c 'unshare -n ls /sys/class/net; unshare -n cat /proc/net/dev | grep -c :')" "$(box -- ls /sys/class/net)
1" "a new network namespace has its loopback device, and nothing else"

# A sixth of the file were the names for debuggers (tests/host/gdb.t: gdb finds them).
if command -v readelf >/dev/null; then
	is "$(readelf -SW "$build/vmlinux" | grep -oE '\.(symtab|gnu_debugdata) ')" ".gnu_debugdata " \
		"the kernel's file has them compressed"
fi

if [ -n "${FULL:-}" ]; then
	make -s -C "$top" kernel-small >"$tmp/made" 2>&1
	is "$?" 0 "make kernel-small"
fi
small=$build/kernel-small/vmlinux
if [ -e "$small" ]; then
	is "$(KBOX_KERNEL=$small box -- /bin/sh -c 'grep -c nft /proc/kallsyms; grep -c -w xfs /proc/filesystems; echo up')" "0
0
up" "a box of the small kernel"
else
	count=$((count + 1))
	echo "ok $count - a box of the small kernel # SKIP it is not built: make kernel-small, or FULL=1"
fi
done_testing
