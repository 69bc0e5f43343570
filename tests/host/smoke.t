#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# One box, end to end: a real kernel answers, and only its own world is seen.
. "$(dirname "$0")/lib.sh"

is "$(box -- /bin/sh -c 'uname -n; uname -s')" "kbox
Linux" "uname is the guest kernel's"
is "$(box -- /bin/sh -c 'echo a b c | tr " " "\n" | sort -r | tr "\n" " "')" "c b a " "a pipeline of four processes"
is "$(box -- /bin/bash -c 'echo $((6*7)); /bin/ls -d /proc')" "42
/proc" "dynamic glibc programs"
like "$(box -- /bin/sh -c 'cat /proc/self/status')" "*Name:*cat*" "/proc is the guest's"
is "$(box -- /bin/sh -c 'cat /proc/1/comm; cd /proc; ls -d ../../../..')" "init
../../../.." "pid 1 is ours, .. stays inside"
is "$(echo through | box -- /bin/cat)" through "stdin and stdout"
box -- /bin/sh -c 'exit 7'; is $? 7 "exit status"
box -- /bin/sh -c 'kill -9 $$'; is $? 137 "death by signal"
box -- /no/such/thing 2>"$tmp/err"; is $? 127 "no such command"
like "$(cat "$tmp/err")" "kbox: /no/such/thing: No such file*" "and it says so"
box -- /etc/passwd 2>/dev/null; is $? 126 "not executable"

# A directory of the host, and a program in it.
mkdir "$tmp/volume"
cp "$(command -v busybox)" "$tmp/volume/sh"
echo host >"$tmp/volume/a"
is "$(box -v "$tmp/volume:/v" -- /v/sh -c 'cd /v && cat a && mkdir b && echo guest >b/c && mv b/c d && rmdir b && ln -s d e && cat e' 2>&1)" \
	"host
guest" "a program of a volume, and its files"
is "$(cat "$tmp/volume/d") $(readlink "$tmp/volume/e")" "guest d" "what it writes is there"
box -v "$tmp/volume:/v:ro" -- /bin/sh -c '! touch /v/f' 2>/dev/null; is $? 0 "it is read-only if it has to be"
done_testing
