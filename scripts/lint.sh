# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # $top is set by who sources this
# For checks of the port to source, with $top set: they go with make, which knows each file's flags.

# check_port CHECKER: it is called as sparse is, for each C file of the port, with all architectures'
# kernels that are built. What it says of the port's files is printed, a line once.
check_port() {
	[ -e "$top/build/kernel/vmlinux" ] || {
		echo "there is no build/kernel/vmlinux: make kernel"
		return 77
	}
	check_kernel "$top/build/kernel" "$(uname -m)" '' "$1"
	[ "$(uname -m)" != x86_64 ] || [ ! -e "$top/build/arm64/kernel/vmlinux" ] ||
		check_kernel "$top/build/arm64/kernel" arm64 aarch64-linux-gnu- "$1"
}

check_kernel() {
	env -u MAKEFLAGS -u MFLAGS make -s -k -j"$(nproc)" -C "$1" ARCH=kbox ISA="$2" CROSS_COMPILE="$3" \
		C=2 CHECK="$4" arch/kbox/ 2>&1 |
		sed -n 's,^.*/arch/kbox/\([^ ]*:[0-9]*:[0-9]*: \(warning\|error\)\),kernel/arch/kbox/\1,p; /^make.*Error/p' |
		sort -u
}
