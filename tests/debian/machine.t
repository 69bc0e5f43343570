#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Programs that ask what machine this is, and what its kernel has.
. "$(dirname "$0")/lib.sh"

machine=$(gcc -dumpmachine | sed 's/-.*//')
is "$(lscpu | sed -n 's/^Architecture: *//p')" "$machine" "lscpu: the architecture"
like "$(lscpu)" "*64-bit*" "and its modes"
like "$(lscpu)" "*Vendor ID:*Model name:*" "and its processor"
is "$(python3 -c 'import platform, sysconfig; print(platform.machine(), sysconfig.get_platform())')" "$machine linux-$machine" "python"
is "$(setarch -R uname -m)" "$machine" "setarch changes nothing of it"
if [ "$machine" = x86_64 ]; then
	is "$(setarch i686 uname -m)" i686 "but where it is asked to"
fi
passes "modprobe finds that loop is built in" modprobe -n loop
modprobe -n no-such-module 2>/dev/null
is $? 1 "and that another is not there"
is "$(modinfo -F filename loop)" "(builtin)" "modinfo, too"
done_testing
