# SPDX-License-Identifier: GPL-2.0-only
# TAP for shell tests. Each test file sources this, calls the helpers, then done_testing.
top=$(cd "$(dirname "$0")/../.." && pwd)
kbox=$top/build/kbox
image=$top/build/test.img
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kbox-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

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

# A box on a throw-away copy of the test image, never longer than two minutes.
box() {
	timeout 120 "$kbox" -S "$image" --ephemeral --mem 256M "$@"
}

done_testing() {
	echo "1..$count"
	exit $failed
}
