# SPDX-License-Identifier: GPL-2.0-only
# For scripts to source, with $top set: what is built, and where. ARCH in the environment says for which architecture
# (x86_64 or arm64), this machine's if not.
host=$(uname -m)
[ "$host" != aarch64 ] || host=arm64
arch=${ARCH:-$host}
build=$top/build cross=
case $arch in
"$host") ;;
arm64) build=$top/build/arm64 cross=aarch64-linux-gnu- ;;
*) echo "${0##*/}: ARCH=$arch: here it can be $host or arm64" >&2; exit 1 ;;
esac

# install_packages PACKAGE...: those that this machine lacks.
install_packages() {
	need=
	for p; do
		dpkg -s "$p" >/dev/null 2>&1 || need="$need $p"
	done
	[ -n "$need" ] || return 0
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -q
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends $need
}

# The guest tests and the benchmarks, into $build/tests.
make_guests() {
	make -s -j"$(nproc)" -C "$top/tests/guest" OUT="$build/tests" ${cross:+"CROSS=$cross" "MUSL_CC=$build/musl-gcc"}
}
