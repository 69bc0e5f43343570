#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kbox-rewrite: what it says of real programs and of one made here, and that it refuses what it cannot analyse.
. "$(dirname "$0")/lib.sh"
tool=$top/build/kbox-rewrite
static=$top/build/tests/bench-test

# analyse ARG...: its output in out, its status in status
analyse() {
	timeout "$limit" "$tool" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	out=$(cat "$tmp/out")
}

# refuses STATUS PATTERN NAME ARG...
refuses() {
	want=$1 pattern=$2 name=$3
	shift 3
	analyse "$@"
	is $status "$want" "$name: status $want"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$name: in one line"
}

# last N: of the output
last() {
	tail -n "$1" "$tmp/out"
}

# A static program has all of its calls in it.
analyse "$static"
is $status 0 "static program: status"
like "$out" "$static: x86_64*" "static program: its name first"
like "$out" "*  COMPLEX  at*" "static program: a call with what follows it"
like "$out" "*  WRAPPER  before*" "static program: a call with its number"
like "$out" "*no: a signal trampoline*" "static program: why not"
is "$(grep -c '^ *0x' "$tmp/out")" "$(sed -n 's/^sites: \([0-9]*\) .*/\1/p' "$tmp/out")" "static program: a line for each site"
is "$(last 3)" "static: yes
no fork sites: yes
cancel_promote_allowed: 1" "static program: gates"
analyse --summary "$static"
is "$(grep -c '^ *0x' "$tmp/out")" 0 "--summary: no lines of sites"
is "$(last 1)" "cancel_promote_allowed: 1" "--summary: gates"

analyse /bin/bash
is $status 0 "dynamic program: status"
like "$(last 3)" "static: no (has PT_INTERP)*" "dynamic program: not static"
is "$(last 1)" "cancel_promote_allowed: 0" "dynamic program: gates"
analyse --summary "$static" /bin/bash
is "$(grep -c '^cancel_promote_allowed' "$tmp/out")" 2 "two files"

# word N...: little-endian words of 32 bits
word() {
	for n; do
		printf '%b' "$(printf '\\0%03o' $((n & 255)) $((n >> 8 & 255)) $((n >> 16 & 255)) $((n >> 24 & 255)))"
	done
}

# elf MACHINE INSN...: an ELF file with one segment, those instructions, at 0x400078
elf() {
	machine=$1
	shift
	word 0x464c457f 0x00010102 0 0			# 64 bits, little-endian
	word $((machine << 16 | 2)) 1 0x400078 0	# type, machine; version; entry
	word 64 0 0 0 0					# program headers, section headers, flags
	word $((56 << 16 | 64)) 1 0			# sizes and numbers
	word 1 5 120 0 0x400078 0 0x400078 0 $(($# * 4)) 0 $(($# * 4)) 0 4 0
	word "$@"
}
getpid="0xd2801588 0xd4000001 0xd65f03c0"		# mov x8, #172; svc #0; ret
clone="0xd2801b88 0xd4000001 0xb140041f 0xd65f03c0"	# mov x8, #220; svc #0; cmn x0, #1, lsl #12; ret
# shellcheck disable=SC2086 # several words
elf 183 $getpid >"$tmp/getpid"
# shellcheck disable=SC2086
elf 183 $getpid $clone >"$tmp/clone"
analyse "$tmp/getpid"
is "$out" "$tmp/getpid: aarch64
      0x40007c    172  WRAPPER  branch
sites: 1 (0 unsure), 1 WRAPPER, 0 COMPLEX
rewritable: 1 branch
not rewritable: 0
static: yes
no fork sites: yes
cancel_promote_allowed: 1" "aarch64"
like "$(elf 183 0xd2801168 0xd4000001 >"$tmp/sigreturn" && "$tool" "$tmp/sigreturn")" "*139  COMPLEX  no: a signal trampoline*" \
	"aarch64: a signal trampoline"
analyse --summary "$tmp/clone"
is "$out" "$tmp/clone: aarch64
sites: 2 (0 unsure), 1 WRAPPER, 1 COMPLEX
rewritable: 2 branch
not rewritable: 0
fork site: 0x400088  220
static: yes
no fork sites: no (1)
cancel_promote_allowed: 0" "aarch64 that clones"

# Programs for aarch64, where there is a compiler for it.
cc=aarch64-linux-gnu-gcc

# skip REASON NAME
skip() {
	count=$((count + 1))
	echo "ok $count - $2 # SKIP $1"
}

# gates WANT REASON NAME OPTION...: of the program on standard input
gates() {
	want=$1 reason=$2 name=$3
	shift 3
	cat >"$tmp/program.c"
	rm -f "$tmp/program"
	if ! command -v $cc >"$tmp/out"; then
		skip "no $cc" "$name"
	elif ! $cc -O1 "$@" -o "$tmp/program" "$tmp/program.c" 2>"$tmp/err"; then
		skip "$cc: $(head -1 "$tmp/err")" "$name"
	else
		analyse "$tmp/program"
		like "$(last 3)" "$reason" "$name: why"
		is "$(last 1)" "cancel_promote_allowed: $want" "$name"
	fi
}

gates 0 "static: no (has PT_INTERP)*" "aarch64: a dynamic program may not be promoted" <<'END'
int main(void) { return 0; }
END
gates 1 "static: yes
no fork sites: yes*" "aarch64: a static one with one thread may" -static <<'END'
#include <stdio.h>
int main(void) { return puts("x"); }
END
gates 0 "static: yes
no fork sites: no (*" "aarch64: a static one with threads may not" -static -pthread <<'END'
#include <pthread.h>
static void *thread(void *arg) { return arg; }
int main(void) { pthread_t t; return pthread_create(&t, 0, thread, 0) || pthread_join(t, 0); }
END
gates 0 "static: yes
no fork sites: no (*" "aarch64: nor one that forks" -static <<'END'
#include <unistd.h>
int main(void) { return fork(); }
END

# Both kinds of wrappers; what is left of one that sets errno; and calls that are none.
gates 1 "static: yes*" "aarch64: wrappers" -static -nostdlib -x assembler <<'END'
	.globl _start
_start:	mov x0, #63
	bl first
	mov x6, #64
	bl outer
	mov x6, #57
	bl other
	mov x6, #98
	bl inner
	mov x0, #56
	bl other
	mov x6, #24
	b inner
first:	mov x8, x0
	mov x0, x1
	mov x1, x2
	mov x2, x3
	mov x3, x4
	mov x4, x5
	mov x5, x6
	svc #0
	ret
inner:	mov x9, x6
	mov x7, x5
	mov x6, x4
	mov x5, x3
	mov x4, x2
	mov x3, x1
	mov x2, x0
	mov x1, x9
	mov x8, x1
	mov x0, x2
	mov x1, x3
	mov x2, x4
	mov x3, x5
	mov x4, x6
	mov x5, x7
	svc #0
	ret
outer:	stp x29, x30, [sp, #-16]!
	bl inner
	ldp x29, x30, [sp], #16
	cmn x0, #1, lsl #12
	b.ls 1f
	mov x0, #-1
1:	ret
other:	mov x0, x6
	ret
END
name="aarch64: wrappers: those found"
if [ -s "$tmp/program" ]; then
	is "$(grep '^cancel site\|^  [0-9]*: its\|^  [0-9]*: a tail' "$tmp/out" | sed 's/ 0x[0-9a-f]*//')" "cancel site:  63  number in x0
cancel site:  -  number in x6
cancel site:  64  no: its target does more than that, but calls a wrapper for it
cancel site:  57  no: its target makes no system call with the number it is given
cancel site:  98  number in x6
cancel site:  24  no: a tail call, which does not come back here
cancel sites: 3, refused: 3
  1: a tail call, which does not come back here
  1: its target makes no system call with the number it is given
  1: its target does more than that, but calls a wrapper for it" "$name"
	analyse --summary "$tmp/program"
	is "$(grep -c '^cancel site: ' "$tmp/out")" 0 "--summary: no lines of wrappers"
	like "$out" "*cancel sites: 3, refused: 3*" "--summary: how many there are"
else
	skip "no $cc" "$name"
fi

# What is no such file.
refuses 1 "kbox-rewrite: $tmp/none: No such file*" "missing file" "$tmp/none"
refuses 1 "kbox-rewrite: $tmp: not a file" "directory" "$tmp"
mkfifo "$tmp/fifo"
refuses 1 "kbox-rewrite: $tmp/fifo: not a file" "a named pipe" "$tmp/fifo"
: >"$tmp/empty"
refuses 1 "kbox-rewrite: $tmp/empty: not an ELF file" "empty file" "$tmp/empty"
refuses 1 "kbox-rewrite: $0: not an ELF file" "a script" "$0"
elf 3 0 >"$tmp/i386"
refuses 1 "kbox-rewrite: $tmp/i386: neither for x86_64 nor for aarch64" "another machine" "$tmp/i386"
for n in 4 63 64 119 120 131; do
	head -c $n "$tmp/getpid" >"$tmp/cut"
	refuses 1 "kbox-rewrite: $tmp/cut: truncated*" "cut off after $n bytes" "$tmp/cut"
done
head -c 4096 "$static" >"$tmp/cut"
refuses 1 "kbox-rewrite: $tmp/cut: truncated: a segment is missing" "truncated program" "$tmp/cut"
analyse "$tmp/cut" "$tmp/getpid"
is $status 1 "a bad file and a good one: status 1"
is "$(last 1)" "cancel_promote_allowed: 1" "a bad file and a good one: the good one is analysed"

# Usage.
refuses 125 "kbox-rewrite: no file given; see kbox-rewrite --help" "no file"
refuses 125 "kbox-rewrite: *--help" "unknown option" --nonsense "$static"
refuses 125 "kbox-rewrite: *--help" "a value for an option without" --summary=yes "$static"
analyse --help
is $status 0 "--help: status"
like "$out" "Usage: kbox-rewrite*" "--help"
analyse --version
like "$out" "kbox-rewrite [0-9]*" "--version"
done_testing
