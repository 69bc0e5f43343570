# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # $top is set by who sources this
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

# install_packages PACKAGE...: those that this machine lacks. What apt says is shown where it fails.
install_packages() {
	# shellcheck disable=SC2016
	have=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
		sed -n 's/ installed$//p' | tr '\n' ' ')"
	need=
	for p; do
		case $have in *" $p "*) ;; *) need="$need $p" ;; esac
	done
	[ -n "$need" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing here, and there is no apt to install them:$need" >&2
		return 1
	fi
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	echo "installing$need"
	apt_log=$(mktemp)
	# One list of many that cannot be had may be none that these need.
	$sudo apt-get -qq update >"$apt_log" 2>&1 </dev/null || :
	# A machine that has just started may be installing something itself.
	# shellcheck disable=SC2086
	if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qqy -o DPkg::Lock::Timeout=600 \
		--no-install-recommends install $need >>"$apt_log" 2>&1 </dev/null; then
		cat "$apt_log" >&2
		rm -f "$apt_log"
		echo "cannot install (see above); as root: apt-get install$need" >&2
		return 1
	fi
	rm -f "$apt_log"
}

# apt_apart DIR COMMAND [ARG...]: apt-get and its like with this machine's sources, but with lists and
# a cache of their own in DIR, and as if nothing were installed. That takes no root.
apt_apart() {
	apt_dir=$1 apt_command=$2
	shift 2
	mkdir -p "$apt_dir/state/lists/partial" "$apt_dir/cache/archives/partial"
	: >"$apt_dir/status"
	"$apt_command" -qq -o Dir::State="$apt_dir/state" -o Dir::State::status="$apt_dir/status" \
		-o Dir::Cache="$apt_dir/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
}

# debian_sources SUITE: Debian's own of this machine's sources, as lines for mmdebstrap; without one, nothing, for its default.
debian_sources() {
	# shellcheck disable=SC2016 # apt-get expands them
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
		grep -E "^deb [^ ]+ $1(-updates|-security)? main$" | sort -u || :
}

# The guest tests and the benchmarks, into $build/tests, and the attacks, into $build/hostile.
make_guests() {
	echo "${0##*/}: tests and benchmarks for the guest"
	make -s -j"$(nproc)" -C "$top/tests/guest" OUT="$build/tests" ${cross:+"CROSS=$cross" "MUSL_CC=$build/musl-gcc"}
	make -s -C "$top/tests/hostile" OUT="$build/hostile" ${cross:+"CROSS=$cross" "MUSL_CC=$build/musl-gcc"}
}

# add_modules TREE: the image's /lib/modules for the kernel as it is built now. It has no modules,
# but programs (modprobe, modinfo, test suites) ask there what is built in.
add_modules() {
	install_packages kmod
	release=$(cat "$build/kernel/include/config/kernel.release")
	mkdir -p "$1/lib/modules/$release"
	cp "$build/kernel/modules.builtin" "$build/kernel/modules.builtin.modinfo" "$1/lib/modules/$release/"
	: >"$1/lib/modules/$release/modules.order"
	depmod -b "$1" "$release"
}
