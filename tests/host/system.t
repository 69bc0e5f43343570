#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a program finds in a box that a distribution's boot would have made elsewhere.
. "$(dirname "$0")/lib.sh"

is "$(box -- /bin/sh -c 'uname -m; cat /proc/sys/kernel/arch')" "$(uname -m)
$(uname -m)" "the machine's name is the host's"
is "$(box -- /bin/sh -c 'stat -c "%a %F" /dev/fuse /dev/net/tun')" "666 character special file
666 character special file" "/dev/fuse and /dev/net/tun are for everyone"
is "$(box --change-id 5:5 -- /bin/sh -c ': <>/dev/fuse && : <>/dev/net/tun && echo both')" both "and they open"
is "$(box -- /bin/sh -c 'awk "\$2 == \"/sys/fs/cgroup\" { print \$3 }" /proc/mounts; mkdir /sys/fs/cgroup/a && echo $$ >/sys/fs/cgroup/a/cgroup.procs && cat /proc/self/cgroup')" \
	"cgroup2
0::/a" "control groups are mounted"
is "$(box -- /bin/cat /sys/hypervisor/type)" kbox "/sys/hypervisor says what it is"

# There need not be a terminal. More than a ring's worth goes nowhere then.
is "$(box -- /bin/sh -c 'dd if=/dev/zero bs=65536 count=4 >/dev/console 2>/dev/null && echo written' </dev/null 2>/dev/null)" written "/dev/console takes what is written"

is "$(box -- /bin/sh -c 'grep -c /loop.ko "/lib/modules/$(uname -r)/modules.builtin"')" 1 "the image knows what is built in"
is "$(box -- /bin/sh -c 'ls "/lib/modules/$(uname -r)"' | grep -cx 'modules\.\(dep.bin\|builtin\|builtin.bin\|builtin.modinfo\|order\)')" 5 "and depmod has been there"

# Memory grows for them as well.
is "$(box -- /bin/sh -c 'cat /proc/sys/vm/nr_hugepages; echo 40 >/proc/sys/vm/nr_hugepages; cat /proc/sys/vm/nr_hugepages; grep -E "^Huge(Pages_Free|pagesize)" /proc/meminfo | tr -s " "')" \
	"0
40
HugePages_Free: 40
Hugepagesize: 2048 kB" "huge pages can be had"
done_testing
