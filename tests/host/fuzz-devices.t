#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A short run of make fuzz-devices, the same each time, and whether it sees bugs that are planted.
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MAKELEVEL

if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -x c -fsanitize=fuzzer,address -o "$tmp/empty" - 2>/dev/null; then
	skip_all "clang or its runtime for fuzzing (clang, libclang-rt-14-dev) is not installed"
fi

# fuzz SRC NAME RUNS: what the run says, and its exit status
fuzz() {
	mkdir "$tmp/$2"
	make -s -C "$top" FUZZ_DEVICES="$tmp/$2/fuzz" FUZZ_DEVICES_SRC="$1" "$tmp/$2/fuzz" >"$tmp/log" 2>&1 || { sed 's/^/# /' "$tmp/log"; return 99; }
	FUZZ=$tmp/$2/fuzz CORPUS=$tmp/$2/corpus timeout "$limit" "$top/tests/fuzz/devices/run" -runs="$3" -seed=1 >"$tmp/log" 2>&1
}

# planted NAME FILE SCRIPT WHAT: sed's script makes a bug, and it is found: mostly in some 50,000
# runs, but where in memory things are, and so what is tried, is never the same.
planted() {
	mkdir "$tmp/src-$1"
	cp "$top"/src/*.[ch] "$tmp/src-$1"
	sed -i "$3" "$tmp/src-$1/$2"
	cmp -s "$top/src/$2" "$tmp/src-$1/$2"
	is $? 1 "$4: planted"
	fuzz "$tmp/src-$1" "$1" 1000000
	grep -qE '^FINDING:|ERROR: AddressSanitizer|: runtime error:' "$tmp/log"
	is $? 0 "$4: found"
}

fuzz "$top/src" right 90000
is "$?" 0 "nothing in 90000 runs"
grep -A 8 -E 'FINDING|ERROR|error' "$tmp/log" | sed 's/^/# /'
planted segment virtqueue.c 's/len > q->mem_size - phys/len > q->mem_size/' "a segment that ends outside memory"
planted twice virtqueue.c 's/q->size = hw.size;/q->size = q->hw->size;/' "a queue that is read again after the check"
planted batch devices.c 's/n < BATCH && //' "requests without end"
planted image disk.c 's/n <= d->size - off/n <= d->size/' "a transfer beyond the image"
planted overlay disk.c 's/if (more > d->room)/if (more > d->room + 1)/' "an overlay that takes a block too much"
planted holes disk.c 's/d->room += has(/d->room += !has(/' "holes that count as memory"
planted entropy virtio_rng.c 's/MAX_BYTES - done;/MAX_BYTES;/' "entropy without a bound"
planted ending devices.c 's/ && !has_ended(d->box); n++/; n++/' "requests after the end"
planted reset devices.c 's/^\t\tvq_stop(.*;$//' "queues that go on after a reset"
planted loopback policy.c 's/if (is_loopback(&p.to))/if (0)/' "a frame to the host's loopback"
planted port policy.c 's/allow_has_port(a, port_of(p)) && is_learned/is_learned/' "a port that is not on the list"
done_testing
