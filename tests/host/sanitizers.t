#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Programs of sanitizers, which have a place of their own for each kind of memory: they find in a
# box what they find natively.
. "$(dirname "$0")/lib.sh"

# in_box PROGRAM: with its library, which the image lacks
in_box() {
	mkdir -p "$tmp/lib"
	ldd "$tmp/$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | while read -r lib; do cp -L "$lib" "$tmp/lib"; done
	cp "$tmp/$1" "$tmp/program"
	# shellcheck disable=SC2016,SC2086 # the guest expands it; two words
	tar -C "$tmp" -cf - program lib | box --mem 1G $mode --fd 5 -- /bin/sh -c \
		'cd /tmp; tar xf - <&5; LD_LIBRARY_PATH=/tmp/lib ./program; echo "status $?"' 5<&0 </dev/null 2>&1
}

# What there is to be compared: no address or process is the same twice.
essence() {
	sed -n 's/.*\(\(ERROR\|WARNING\): [A-Za-z]*: [a-z-]*\( race\)*\).*/\1/p; /^[0-9][0-9 ]* [a-z]$/p; /^status/p; /^ERROR: label/p; /FATAL/p'
}

# skip NAME FILE: the last line of it says why
skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $(tail -n 1 "$2" | tr '#' ' ')"
}

for cc in gcc clang; do
	for sanitizer in thread memory dataflow address; do
		for program in clean $sanitizer; do
			case $cc-$sanitizer in
			gcc-memory | gcc-dataflow) continue ;;
			esac
			static=
			[ $cc = clang ] || static=$(echo $sanitizer | sed 's/thread/-static-libtsan/; s/address/-static-libasan/')
			name=$cc-$sanitizer-$program
			# shellcheck disable=SC2086 # $static is an option, or none
			if ! $cc -O1 -g -pthread -fsanitize=$sanitizer $static "$top/tests/host/sanitizers/$program.c" -o "$tmp/$name" 2>"$tmp/err"; then
				skip "$name" "$tmp/err"
				continue
			fi
			natively=$( ("$tmp/$name" 2>&1; echo "status $?") 2>&1 | tee "$tmp/natively" | essence)
			# Some versions do not find their places with as much randomness as this host has.
			if grep -q -e FATAL -e '^status 1[3-5][0-9]$' "$tmp/natively"; then
				sed 's/^/natively: /' "$tmp/natively" | grep -e FATAL -e status | head -n 1 >"$tmp/err"
				skip "$name" "$tmp/err"
				continue
			fi
			modes="--syscall-mode=rewrite --syscall-mode=trap"
			[ "$program" != clean ] || modes=--syscall-mode=rewrite
			for mode in $modes; do
				is "$(in_box "$name" | essence)" "$natively" "$name: $(echo "$natively" | tr "\n" " ")($mode)"
			done
		done
	done
done
done_testing
