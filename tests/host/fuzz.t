#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A short run of make fuzz, the same each time, and whether it sees bugs that are planted in the code under test.
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MAKELEVEL
site=$top/kernel/arch/kbox/x86_64/site.c
SEEDS=$tmp/seeds
export SEEDS

if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -x c -fsanitize=fuzzer,address -o "$tmp/empty" - 2>/dev/null; then
	echo "1..0 # SKIP clang or its runtime for fuzzing (clang, libclang-rt-14-dev) is not installed"
	exit 0
fi

# fuzz SITE NAME: what the run says, and its exit status
fuzz() {
	make -s -C "$top" FUZZ="$tmp/$2" FUZZ_SITE="$1" "$tmp/$2" >"$tmp/log" 2>&1 || { sed 's/^/# /' "$tmp/log"; return 99; }
	FUZZ=$tmp/$2 CORPUS=$tmp/corpus-$2 timeout "$limit" "$top/tests/fuzz/run" -runs=15000 -seed=1 >"$tmp/log" 2>&1
}

# planted NAME SCRIPT WHAT: sed's script makes a bug, and it is found.
planted() {
	sed "$2" "$site" >"$tmp/$1.c"
	cmp -s "$site" "$tmp/$1.c"
	is $? 1 "$3: planted"
	fuzz "$tmp/$1.c" "$1"
	like "$(grep FINDING "$tmp/log" || tail -n 3 "$tmp/log")" "FINDING: *" "$3: found"
}

fuzz "$site" right
is "$?" 0 "no difference in 15000 runs"
grep -A 8 -E 'FINDING|ERROR|error' "$tmp/log" | sed 's/^/# /'
planted displacement 's/return put_rel(p + disp, addr + len, target)/return put_rel(p + disp, addr + len - 1, target)/' "a wrong displacement"
planted jcc 's/^\t\t\treturn MOVE_JCC;/\t\t\treturn MOVE_COPY;/' "a branch that is copied as it is"
planted landing 's/0xea, 0xf4, 0xfa, 0xfb,/0xea, 0xf4, 0xfa, 0xfb, 0x90,/' "a byte that does not fault"
planted boundary 's/^\t\tif (!hit)/\t\tif (!hit \&\& 0)/' "bytes that can be read in two ways"
done_testing
