#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The exit status is the command's, or says why there was none.
. "$(dirname "$0")/lib.sh"

for n in 0 1 2 119 120 124 125 126 127 128 200 255; do
	box -- /bin/sh -c "exit $n"
	is $? $n "exit $n"
done
box -- /bin/true; is $? 0 "true"
box -- /bin/false; is $? 1 "false"
for n in 1 2 4 6 7 8 9 10 11 13 14 15; do
	box -- /bin/sh -c "kill -$n \$\$; sleep 10"
	is $? $((128 + n)) "ended by signal $n"
done
box -- /bin/sh -c 'sh -c "exit 9"; exit $?'; is $? 9 "a grandchild's, handed on"
box -- /bin/sh -c 'sh -c "sleep 300" & exit 4'; is $? 4 "a child that stays behind does not count"
box -- /bin/sh -c 'trap "" TERM HUP; (trap "" TERM; sleep 300) & (setsid sleep 300) & exit 5'; is $? 5 "nor one that refuses to go"

# fails STATUS PATTERN NAME COMMAND...: no run, and one line that says why
fails() {
	want=$1 pattern=$2 name=$3
	shift 3
	box -- "$@" >"$tmp/out" 2>"$tmp/err"
	is $? "$want" "$name: status $want"
	like "$(cat "$tmp/err")" "$pattern" "$name: says why"
	is "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0" "$name: in one line"
}
fails 127 "kbox: /no/such: No such file*" "no such path" /no/such
fails 127 "kbox: nosuchcommand: No such file*" "not in PATH" nosuchcommand
fails 127 "kbox: : No such file*" "an empty name" ""
fails 126 "kbox: /etc/passwd: Permission denied" "not executable" /etc/passwd
fails 126 "kbox: /etc: Permission denied" "a directory" /etc
fails 126 "kbox: /etc/passwd/x: Not a directory" "a path through a file" /etc/passwd/x
box -- true; is $? 0 "a name is looked up in PATH"

# Programs that cannot be run, brought into the image with debugfs.
PATH=$PATH:/usr/sbin:/sbin
cp --sparse=always "$image" "$tmp/img"
image=$tmp/img
printf '#!/no/such/interpreter\n' >"$tmp/script"
printf '#!/bin/sh\nexit $1\n' >"$tmp/good"
printf 'exit 6\n' >"$tmp/plain"
: >"$tmp/empty"
head -c 100 /bin/true >"$tmp/cut"
python3 - "$tmp" <<'END'
import sys
b = bytearray(open('/bin/true', 'rb').read())
machine = b[18]		# e_machine: x86_64 or AArch64
b[18] = 183 + 62 - machine
open(sys.argv[1] + '/foreign', 'wb').write(b)
b[18] = machine
b[b.index(b'/lib64/ld-' if machine == 62 else b'/lib/ld-')] = ord('!')
open(sys.argv[1] + '/noloader', 'wb').write(b)
END
for f in script good plain empty cut foreign noloader; do
	echo "write $tmp/$f /$f"
	echo "set_inode_field /$f mode 0100755"
done | debugfs -wf - "$image" >"$tmp/out" 2>&1

fails 126 "kbox: /script: *interpreter*" "a script's interpreter is missing" /script
fails 126 "kbox: /noloader: *interpreter*" "a program's loader is missing" /noloader
fails 126 "kbox: /foreign: *machine*" "a program of another machine" /foreign
fails 126 "kbox: /cut: *" "a truncated program" /cut
fails 126 "kbox: /empty: *" "an empty file" /empty
fails 126 "kbox: /plain: *" "text without an interpreter" /plain
box -- /good 33; is $? 33 "a script with an interpreter"
is "$(box -- /bin/bash -c '/foreign 2>/dev/null; echo $?')" 126 "and so says the guest's shell"
done_testing
