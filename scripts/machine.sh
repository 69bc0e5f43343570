# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154 # $top is set by who sources this
# For scripts to source after arch.sh: tests that run in a machine of scripts/qemu-machine. DIR/list
# has a line for each, its name and what tests/run is to run. What it has said is DIR/NAME.tap then,
# and tests/run gives that back, for prove to count.

# no_machine DIR WHY: that is a test that was skipped.
no_machine() {
	echo "1..0 # SKIP $(echo "$2" | tr -d '#')" >"$1/machine.tap"
	echo 0 >"$1/machine.status"
}

# run_in_machine DIR ENVIRONMENT: the tests of DIR/list, one after the other, as a user, with that in
# their environment too.
# Whether the machine came to its end is a test of its own, machine; those that it did not come to are none.
run_in_machine() {
	while read -r name rest; do
		: >"$1/$name.tap"	# one that does not come to its end has no plan
		chmod 666 "$1/$name.tap"
	done <"$1/list"
	in_machine=0
	OUT=$1 "$top/scripts/qemu-machine" -u "$2 tests/run-list" 2>"$1.log" || in_machine=$?
	mv "$1.log" "$1/qemu.log"	# $OUT comes back as it was, but for what the machine has written
	{
		echo 1..1
		if [ $in_machine = 0 ]; then
			echo "ok 1 - the machine runs all tests"
		else
			echo "not ok 1 - the machine runs all tests"
			while read -r name rest; do
				[ -e "$1/$name.status" ] || { echo "# it was at $name"; break; }
			done <"$1/list"
			sed "/TCG doesn't support/d; s/^/# /" "$1/qemu.log"
		fi
	} >"$1/machine.tap"
	echo $((in_machine != 0)) >"$1/machine.status"
	while read -r name rest; do
		[ -e "$1/$name.status" ] || [ -s "$1/$name.tap" ] || rm "$1/$name.tap"
	done <"$1/list"
}
