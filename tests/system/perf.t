#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# perf with software events and tracepoints; bpftrace on tracepoints.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"

# counts FILE EVENT: of perf stat -x,
counts() {
	awk -F, -v event="$2" '$3 ~ "^" event { print int($1) }' "$1"
}
passes "perf stat" perf stat -x, -o stat -e task-clock,context-switches,page-faults,cpu-migrations sh -c 'sleep 0.2; dd if=/dev/zero of=/dev/null bs=8M count=20 2>/dev/null'
is "$(counts stat task-clock | awk '{ print ($1 > 0 && $1 < 600000) }') $(counts stat context-switches | awk '{ print ($1 >= 1) }') $(counts stat page-faults | awk '{ print ($1 > 100) }') $(counts stat cpu-migrations)" "1 1 1 0" "software events"
passes "perf stat of tracepoints" perf stat -x, -o stat -e syscalls:sys_enter_write,sched:sched_process_fork,sched:sched_process_exec dd if=/dev/zero of=/dev/null bs=1 count=500
is "$(counts stat syscalls:sys_enter_write | awk '{ print ($1 >= 500 && $1 < 510) }') $(counts stat sched:sched_process_fork) $(counts stat sched:sched_process_exec)" "1 0 1" "500 writes, no process, one program"
passes "perf stat -a" perf stat -a -x, -o stat -e sched:sched_switch,context-switches sleep 0.5
is "$(counts stat sched:sched_switch | awk '{ print ($1 >= 2) }')" 1 "of the whole system"
is "$(perf stat -e cycles true 2>&1 | grep -c 'not supported.* cycles')" 1 "the processor's counters are not there"

# Where a program is when a clock of the processor's time ticks.
passes "perf record -e cpu-clock" perf record -q -e cpu-clock -F 500 -g -o data bash -c 'for ((i = 0; i < 300000; i++)); do :; done'
is "$(perf report -i data --stdio --no-children -g none --sort comm,dso 2>/dev/null | awk '$2 == "bash" && $3 == "bash" { print (int($1) >= 20) }')" 1 "where it was: in the shell"
is "$(perf script -i data -F comm,event 2>/dev/null | sort | uniq -c | awk '{ print ($1 > 20), $2, $3 }' | sed 's/:.*/:/')" "1 bash cpu-clock:" "samples"
passes "perf record of a tracepoint" perf record -q -e sched:sched_process_exec -o data /bin/sh -c '/bin/true; /bin/echo hello'
is "$(perf script -i data -F trace 2>/dev/null | grep -o 'filename=[^ ]*' | tr '\n' ' ')" "filename=/bin/sh filename=/bin/true filename=/bin/echo " "which programs were run"
is "$(perf list tracepoint 2>/dev/null | grep -oE ' (sched|syscalls|block|net|signal|task):' | sort -u | tr -d ' \n')" "block:net:sched:signal:syscalls:task:" "perf list"

# A distribution's kernel describes its types (BTF); this one does not, so those of a tracepoint's
# fields are said here.
printf '#include <linux/types.h>\ntypedef __s64 s64; typedef __u64 u64; typedef __u32 u32; typedef unsigned short umode_t; typedef unsigned long size_t;\n' >types.h
bpftrace() {
	command bpftrace --include "$tmp/types.h" "$@"
}
is "$(bpftrace -e 'tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { printf("%s %s\n", comm, str(args->filename)); }' -c "/bin/cat /etc/hostname" 2>err | grep hostname; head -n 5 err)" "cat /etc/hostname" "bpftrace: who opens what"
is "$(bpftrace -e 'tracepoint:syscalls:sys_enter_write /comm == "dd"/ { @writes = count(); @bytes = sum(args->count); }' -c '/bin/dd if=/dev/zero of=/dev/null bs=10 count=100 status=none' 2>&1 | grep -E '^@')" "@bytes: 1000
@writes: 100" "bpftrace: counts and sums"
echo '/bin/true; /bin/true; exec /bin/sleep 1000' >script
is "$(bpftrace -e 'tracepoint:sched:sched_process_exit /comm == "true"/ { @ended++; } interval:s:1 /@ended == 2/ { exit(); }' -c "/bin/sh $tmp/script" 2>&1 | grep -E '^@')" "@ended: 2" "bpftrace: until a timer finds that both have ended"
done_testing
