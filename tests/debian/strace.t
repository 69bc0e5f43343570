#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# strace -f: what it says of processes, signals and errors, what it counts, and that it can change what a call does.
. "$(dirname "$0")/lib.sh"

cat >script <<'END'
cat /no/such/file
for i in 1 2 3; do /bin/true; done
(exit 7)
sh -c 'kill -USR1 $$'
echo one | cat | cat
END
strace -f -o trace sh script >out 2>&1
is $? 0 "strace -f"
is "$(grep -c '' out) $(tail -n 1 out)" "3 one" "the script says what it always says"
is "$(grep -cE ' execve\([^<]*= 0$|<... execve resumed>.*= 0$' trace)" 8 "eight programs ran"
is "$(grep -cE ' (clone|fork|vfork)\(.*= [0-9]+$|<\.\.\. (clone|fork|vfork) resumed>.*= [0-9]+$' trace)" 9 "in nine children"
is "$(grep -oE '\+\+\+ .* \+\+\+' trace | sort | uniq -c | tr -s ' ')" " 7 +++ exited with 0 +++
 1 +++ exited with 1 +++
 1 +++ exited with 7 +++
 1 +++ killed by SIGUSR1 +++" "how all ended"
is "$(grep -c -- '--- SIGCHLD .*si_code=CLD_EXITED, .*si_status=7' trace)" 1 "what the parent was told"
is "$(grep -oE 'openat\(AT_FDCWD, "/no/such/file", O_RDONLY\) += -1 ENOENT' trace | wc -l)" 1 "a file that is not there"
is "$(awk '{ print $1 }' trace | sort -u | wc -l)" 10 "ten processes"

strace -f -c -o counts dd if=/dev/zero of=/dev/null bs=1 count=1000 2>err
is $? 0 "strace -c"
is "$(awk '$NF == "write" { print ($4 >= 1000 && $4 < 1010) }' counts)" 1 "it counts a thousand writes"
strace -o trace -e trace=write -e inject=write:error=ENOSPC:when=3 dd if=/dev/zero of=/dev/null bs=1 count=10 2>err
is "$? $(grep -c 'ENOSPC.*(INJECTED)$' trace) $(grep -c 'No space left on device' err)" "1 1 1" "a call that is made to fail"
strace -o counts -e trace=getpid,getppid -e inject=getppid:retval=4242 python3 -c 'import os; print(os.getppid(), os.getppid() == 4242, os.getpid() > 0)' >out 2>&1
is "$(cat out)" "4242 True True" "a call that is made to return something else"
strace -f -e trace=sched_yield -o trace python3 -c '
import threading, os
threads = [threading.Thread(target=os.sched_yield) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()'
is "$(grep sched_yield trace | awk '{ print $1 }' | sort -u | wc -l)" 4 "a call in each of four threads"

sleep 100 &
sleeper=$!
strace -p $sleeper -o trace 2>err &
comes "strace -p has come" grep -q attached err
kill $sleeper
wait
is "$(tail -n 1 trace)" "+++ killed by SIGTERM +++" "and sees how the process ends"
done_testing
