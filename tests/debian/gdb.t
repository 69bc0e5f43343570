#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# gdb -batch: breakpoints, steps, what it reads and writes in a program, threads, a process that it attaches to, a core file.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"

passes "the program is built" gcc -g -O0 -pthread -o program "$here/program.c"

# session PROGRAM COMMAND...
session() {
	program=$1
	shift
	for command; do
		shift
		set -- "$@" -ex "$command"
	done
	# shellcheck disable=SC2086 # the program and its arguments
	timeout "$limit" gdb -q -batch -nx -iex 'set debuginfod enabled off' -iex 'set style enabled off' "$@" $program 2>err
}

# at TEXT: the line of the program that has it
at() {
	grep -n "$1" "$here/program.c" | cut -d: -f1
}

session program 'break program.c:'"$(at bottom)" run backtrace 'print *p' finish 'up 3' 'print argc' continue >out
is "$(grep -c '^Breakpoint 1, depth (n=0' out)" 1 "a breakpoint"
is "$(grep -cE '^#[0-4] .* (depth|main) \(' out)" 6 "the stack"
is "$(grep -oE '\$[123] = .*' out | sed 's/0x[0-9a-f]*/ADDRESS/')" '$1 = {first = 42, second = ADDRESS "the answer"}
$2 = 42
$3 = 1' "values"
is "$(grep -x 49 out)" 49 "what the program prints"
is "$(grep -c 'exited with code 05' out)" 1 "its exit status"

session program 'break depth' run 'set var p->first = 100' 'delete' continue >out
is "$(grep -xE '[0-9]+' out)" 107 "a variable changed"
session program 'break depth if n == 1' run 'print n' stepi nexti step 'print $_siginfo.si_signo' 'info breakpoints' kill >out
is "$(grep -E '^\$[12]' out)" '$1 = 1
$2 = 5' "a condition; steps"
is "$(grep 'breakpoint already hit' out | tr -s ' \t' ' ')" " breakpoint already hit 1 time" "how often it stopped"
session program 'break main' run 'print depth(10, &pair) - pair.first' kill >out
is "$(grep -E '^\$1' out)" '$1 = 55' "a function called by gdb"

session program 'set can-use-hw-watchpoints 0' 'break thread' run 'watch watched' continue 'info threads' 'thread apply all backtrace 1' continue continue >out
is "$(grep -cE '^Thread 2 .* hit Breakpoint 1, thread \(' out)" 1 "a breakpoint in a thread"
is "$(grep -E '^(Old|New) value' out | head -n 2)" "Old value = 48
New value = 49" "a watchpoint"
is "$(grep -cE '^[* ] [12] +Thread ' out)" 2 "two threads"

session program 'break thread' run 'watch watched' continue 'info watchpoints' 'delete' continue >out
is "$(grep -E '^(Old|New) value' out | head -n 2)" "Old value = 48
New value = 49" "a watchpoint of the hardware, in a thread"
is "$(grep -c 'hw watchpoint' out)" 1 "it is one"
session program 'break main' run 'rwatch watched' continue 'awatch watched' 'delete 2' continue >out
is "$(grep -c ' hit Hardware read watchpoint 2' out) $(grep -c ' hit Hardware access (read/write) watchpoint 3' out)" "1 1" "watchpoints for reading, and for both"
session program 'break main' run 'hbreak depth' 'hbreak thread' continue 'print n' 'ignore 2 3' continue 'info breakpoints' continue >out
is "$(grep -c 'reakpoint [23], ' out) $(grep -c 'hw breakpoint' out) $(grep -x 49 out) $(grep -E '^\$1' out)" '2 2 49 $1 = 3' "breakpoints of the hardware"

session program 'break thread' run 'print $fs_base != 0' >out
is "$(grep -E '^\$1' out)" '$1 = 1' "the thread pointer"

# What libthread_db finds out is by PTRACE_ARCH_PRCTL there.
session '' 'file ./program' 'target remote | gdbserver - ./program' 'break thread' continue 'info threads' 'watch watched' continue continue continue >out
is "$(grep -cE '^[* ] [12] +Thread ' out)" 2 "two threads by gdbserver"
is "$(grep -E '^(Old|New) value' out | head -n 2)" "Old value = 48
New value = 49" "a watchpoint by gdbserver"

session program 'catch syscall write' run 'backtrace 1' continue continue >out
is "$(grep -c "Catchpoint 1 (.* to syscall write)" out) $(grep -c "Catchpoint 1 (returned from syscall write)" out)" "1 1" "a system call, before and after"
session program 'break main' run 'python print(gdb.selected_inferior().pid > 0)' continue >out
is "$(grep -x True out)" True "a script in python"

./program wait >said &
process=$!
comes "a process waits" grep -q 49 said
session "-p $process" 'frame function main' 'print watched' 'print pair.second' 'set var argc = 1' detach >out
is "$(grep '^\$1' out) $(grep -c 'the answer' out)" '$1 = 49 1' "attached to it"
session "-p $process" "gcore $tmp/core" kill >out
wait $process
is $? 137 "killed by gdb"
session "program core" 'print watched' 'backtrace' >out
is "$(grep '^\$1' out) $(grep -c 'main (argc=1' out)" '$1 = 49 1' "its core file, by gcore"

# shellcheck disable=SC3045 # dash has it
ulimit -c unlimited
rm -f core
echo core >/proc/sys/kernel/core_pattern
./program abort >/dev/null 2>&1
is $? 134 "a program aborts"
session "program core" 'print watched' 'frame function main' 'print pair.first' >out
is "$(grep '^\$' out)" '$1 = 49
$2 = 42' "the kernel's core file"

cat >vector.c <<'EOF'
int main(void)
{
	long v[4] = { 11, 22, 33, 44 };

	if (!__builtin_cpu_supports("avx"))
		return 0;
	__asm__ volatile("vmovdqu %0, %%ymm0; int3; nop" : : "m" (v) : "xmm0");
	return 0;
}
EOF
passes "a program with a vector is built" gcc -g -O0 -mavx -o vector vector.c
rm -f core
./vector >/dev/null 2>&1
if [ $? = 133 ]; then
	# The upper half of register 0 is at 576 in the XSAVE image, on whichever processor.
	is "$(python3 -c '
import struct
core = open("core", "rb").read()
phoff, phnum = struct.unpack_from("<Q", core, 32)[0], struct.unpack_from("<H", core, 56)[0]
for i in range(phnum):
    kind, _, at, _, _, size = struct.unpack_from("<IIQQQQ", core, phoff + 56 * i)
    end = at + size
    while kind == 4 and at < end:
        name, desc, note = struct.unpack_from("<III", core, at)
        at += 12 + (name + 3 & -4)
        if note == 0x202:
            print(*struct.unpack_from("<QQ", core, at + 160), *struct.unpack_from("<QQ", core, at + 576))
        at += desc + 3 & -4')" "11 22 33 44" "a vector register in a core file"
	session "vector core" 'print $ymm0.v4_int64' >out
	# gdb 13 does not know where AMD has AVX-512.
	grep -q 'reg-xstate.* too small' err || is "$(grep -E '^\$1' out)" '$1 = {11, 22, 33, 44}' "and by gdb"
	session vector run 'print $ymm0.v4_int64' 'set var $ymm0.v4_int64 = {1, 2, 3, 4}' stepi 'print $ymm0.v4_int64' kill >out
	is "$(grep -E '^\$[12]' out)" '$1 = {11, 22, 33, 44}
$2 = {1, 2, 3, 4}' "read and changed in a process"
fi
done_testing
