# SPDX-License-Identifier: GPL-2.0-only
# For the tests of real programs. They run in a box of the Debian image (tests/run), where this directory and tests/host/lib.sh
# are copied to; natively on a Debian 12 they have to pass as well.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../host/lib.sh"
export LC_ALL=C HOME="$tmp"
cd "$tmp" || exit

# passes NAME COMMAND...: its exit status is 0; what it says is shown where it is not.
passes() {
	name=$1
	shift
	"$@" >"$tmp/passes.out" 2>&1
	status=$?
	[ $status = 0 ] || tail -n 30 "$tmp/passes.out" | sed 's/^/# /'
	is $status 0 "$name"
}

# comes NAME COMMAND...: it succeeds, after a while.
comes() {
	name=$1
	shift
	soon "$@" >/dev/null 2>&1
	is $? 0 "$name"
}
