#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Random operations on a file of the host (tests/guest/fsx.c), which the host then sees as the guest
# does. FSX_SEED and FSX_OPERATIONS (1, 100000) are others.
. "$(dirname "$0")/lib.sh"
seed=${FSX_SEED:-1} operations=${FSX_OPERATIONS:-100000}
fsx=$build/tests/fsx-m

# natively OPERATIONS: what is to come of so many
natively() {
	"$fsx" run "$tmp/f" "$seed" "$1" >"$tmp/native"
	is "$("$fsx" sum "$tmp/f")" "$(cat "$tmp/native")" "seed $seed: natively, $1"
}

# fsx_in MODE FENCE OPERATIONS: in a box; what it says, and what the host says of the file
fsx_in() {
	rm -rf "$tmp/volume"
	mkdir "$tmp/volume"
	is "$(box --syscall-mode="$1" -v "$tmp/volume:/volume" -- /tests/fsx-m run /volume/f "$seed" "$3" 2>&1
		"$fsx" sum "$tmp/volume/f")" "$(cat "$tmp/native" "$tmp/native")" "seed $seed: in a box, $1, by $2, $3"
}
"$kbox" doctor >"$tmp/doctor"
namespace=$(grep '^ok .*: by a mount namespace' "$tmp/doctor")
natively "$operations"
[ -z "$namespace" ] || fsx_in rewrite "a namespace" "$operations"
natively $((operations / 5))
[ -z "$namespace" ] || fsx_in trap "a namespace" $((operations / 5))
if grep -q '^ok .*(Landlock)' "$tmp/doctor"; then
	export KBOX_HIDE=namespaces
	fsx_in rewrite Landlock $((operations / 5))
fi
export KBOX_HIDE=namespaces,landlock
if "$kbox" doctor | grep -q '^ok .*: by a broker'; then
	fsx_in rewrite "a broker" $((operations / 5))
fi
done_testing
