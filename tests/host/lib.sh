# SPDX-License-Identifier: GPL-2.0-only
# TAP for shell tests. Each test file sources this, calls the helpers, then done_testing.
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/build}
kbox=$build/kbox
image=${IMAGE:-$build/test.img}
# What takes longer hangs. KBOX_SLOWNESS: how many times longer than on a plain host everything takes here (tests/run).
slowness=${KBOX_SLOWNESS:-1}
limit=${SECONDS_LIMIT:-$((600 * slowness))}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kbox-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0
# What a run of tests/run inside of a test says is that test's business.
unset KBOX_FAILED

# is GOT EXPECTED NAME
is() {
	count=$((count + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $count - $3"
	else
		failed=1
		echo "not ok $count - $3"
		printf 'got: %s\nexpected: %s\n' "$1" "$2" | sed 's/^/# /'
	fi
}

# like GOT PATTERN NAME: PATTERN is a shell pattern
like() {
	# shellcheck disable=SC2254
	case $1 in
	$2) is 1 1 "$3" ;;
	*) is "$1" "$2" "$3" ;;
	esac
}

# A box on a throw-away copy of the test image, for a limited time.
box() {
	timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M "$@"
}

# soon COMMAND...: it succeeds, after a while. Its status, in the end.
soon() {
	patience=$((60 * slowness * 20))
	until "$@"; do
		[ $patience != 0 ] || return
		patience=$((patience - 1))
		sleep 0.05
	done
}

# From here on the host processes of this test's boxes have a name of their own (a guest's have no command line).
own_name() {
	export KBOX_KERNEL="$build/vmlinux" KBOX_INIT="$build/kbox-init" KBOX_SLIRP="$build/kbox-slirp"
	cp "$kbox" "$tmp/box$$"
	kbox=$tmp/box$$
}

# All of them, also those that a lost supervisor left behind. Not zombies: some machines' init takes its time.
host_processes() {
	pgrep -r D,R,S,T -x "box$$" | tr '\n' ' '
}

# skip WHY NAME: this case cannot be tested here.
skip() {
	count=$((count + 1))
	echo "ok $count - $2 # SKIP $1"
}

# skip_all WHY: nothing here can be tested.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$count"
	exit $failed
}

# Sets as: it runs a command as a user of the host who is not root and can come to $tmp.
# shellcheck disable=SC2034 # tests use it
not_as_root() {
	as=
	[ "$(id -u)" = 0 ] || return 0
	as='setpriv --reuid 1234 --regid 1234 --clear-groups'
	chmod 755 "$tmp"
}
