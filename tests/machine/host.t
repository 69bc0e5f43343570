#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A host is the one that tests/hosts.list describes, and says of itself that a box runs there, by jumps. HOST_CPUS,
# HOST_CLOCK, HOST_SYSCTLS, HOST_HAS and HOST_LACKS are what is there (scripts/check-hosts).
. "$(dirname "$0")/../host/lib.sh"

flags=" $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo | head -n 1) "
clock=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
is "$(nproc)" "$HOST_CPUS" "processors"
for flag in $HOST_HAS; do
	like "$flags" "* $flag *" "a processor with $flag"
done
for flag in $HOST_LACKS; do
	is "$(echo "$flags" | grep -o " $flag ")" "" "a processor without $flag"
done
is "$clock" "$HOST_CLOCK" "the clock"
for setting in $HOST_SYSCTLS; do
	is "$(cat "/proc/sys/$(echo "${setting%%=*}" | tr . /)")" "${setting#*=}" "$setting"
done

said=$("$kbox" doctor 2>&1); is $? 0 "the doctor finds all that a box needs"
like "$said" "*system calls go by way of: rewrite*" "and that calls can go by jumps"
echo "$said" | sed 's/^/# /'
is "$(box --syscall-mode=rewrite -- /bin/sh -c 'echo $((6*7))')" 42 "by jumps"
is "$(box --syscall-mode=trap -- /bin/sh -c 'echo $((6*7))')" 42 "by traps"
is "$(box -- /bin/sh -c 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource')" host "the guest's clock is the host's"

# What the host's vDSO cannot read, the guest's kernel asks the host for, and the guest's vDSO the kernel.
calls=$(box --stats -- /bin/bash -c 'for i in {1..1000}; do : $EPOCHREALTIME; done' 2>&1 |
	sed -n 's/.*calls rewrite \([0-9]*\) trap \([0-9]*\).*/\1 + \2/p')
case $clock in
tsc) is $((${calls:-1000} < 1000)) 1 "a program reads the clock without a system call" ;;
*) is $((${calls:-0} >= 1000)) 1 "a program reads the clock by system calls" ;;
esac
done_testing
