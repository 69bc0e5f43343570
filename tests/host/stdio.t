#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Descriptors 0, 1 and 2 of the box: every byte, both ways, and their ends.
# KBOX_STDIO_MB: how much goes through the pipes (256).
. "$(dirname "$0")/lib.sh"
mb=${KBOX_STDIO_MB:-256}

# No constant, no period that divides a page: what is lost or doubled shows.
stream() {
	seq 1 99999999 | head -c $((mb << 20))
}

is "$(stream | box -- /bin/cat | sha256sum)" "$(stream | sha256sum)" "$mb MiB through cat, pipe to pipe"
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 33)' >"$tmp/bytes"
is "$(box -- /bin/cat <"$tmp/bytes" | sha256sum)" "$(sha256sum <"$tmp/bytes")" "every byte value"
is "$(printf abc | box -- /bin/sh -c 'wc -c')" 3 "end of input after three bytes"
is "$(: | box -- /bin/sh -c 'wc -c')" 0 "end of empty input"
is "$(printf 'no newline' | box -- /bin/cat)" "no newline" "the last line needs no newline"
is "$( (echo one; sleep 1; echo two) | box -- /bin/cat | tr '\n' ' ')" "one two " "a slow writer"
is "$(printf 'a\nb\n' | box -- /bin/sh -c 'read x; echo "<$x>"; cat')" "<a>
b" "two processes share the input"

box -- /bin/sh -c 'echo out; echo err >&2' >"$tmp/out" 2>"$tmp/err"
is "$(cat "$tmp/out")" out "standard output alone"
is "$(cat "$tmp/err")" err "standard error alone"
is "$(box -- /bin/sh -c 'echo out; echo err >&2; echo out' 2>&1 | tr '\n' ' ')" "out err out " "one pipe for both keeps the order"
box -- /bin/true >"$tmp/out" 2>"$tmp/err"
is "$(cat "$tmp/out" "$tmp/err")" "" "a command that says nothing: nothing is said"

is "$(box -- /bin/sh -c 'while :; do echo xxxxxxxxx; done' | head -c 10)" xxxxxxxxx "a reader that leaves ends the box"
is "$(timeout "$limit" yes | box -- /bin/cat | head -c 4)" "y
y" "a reader that leaves, input never ends"
is "$(yes | box -- /bin/sh -c 'read x; echo "$x"')" y "input that is not read to its end"

seq 1 100000 >"$tmp/in"
box -- /bin/cat <"$tmp/in" >"$tmp/out"
is "$(sha256sum <"$tmp/out")" "$(sha256sum <"$tmp/in")" "file to file"
echo first >"$tmp/out"
box -- /bin/sh -c 'echo second; echo third' >>"$tmp/out"
is "$(tr '\n' ' ' <"$tmp/out")" "first second third " "appending to a file"
box -- /bin/sh -c 'echo whole' </dev/null >/dev/null
is $? 0 "from and to /dev/null"
is "$(box -- /bin/sh -c 'wc -c' </dev/null)" 0 "/dev/null is empty"

is "$(box -- /bin/sh -c 'echo x >/dev/stdout' 2>&1)" x "/dev/stdout"
is "$(box -- /bin/sh -c 'echo x >/dev/stderr' 2>&1 >/dev/null)" x "/dev/stderr"
is "$(echo x | box -- /bin/sh -c 'cat /dev/stdin' 2>&1)" x "/dev/stdin"
is "$(box -- /bin/sh -c 'echo x >/proc/self/fd/1' 2>&1)" x "/proc/self/fd/1"

is "$(box -- /bin/sh -c 'cat 2>/dev/null | wc -c; echo y' <&-)" "0
y" "no standard input"
is "$(box -- /bin/sh -c 'echo x' 2>&-)" x "no standard error"
box -- /bin/sh -c 'exit 3' >&-; is $? 3 "no standard output"
box -- /bin/sh -c 'exit 3' <&- >&- 2>&-; is $? 3 "none of the three"

# Nor may the image be taken for a descriptor that was not open.
PATH=$PATH:/usr/sbin:/sbin
cp --sparse=always "$image" "$tmp/img"
timeout "$limit" "$kbox" -S "$tmp/img" --mem 256M -- /bin/sh -c 'seq 1 10000; seq 1 10000 >&2' >&- 2>&-
e2fsck -fn "$tmp/img" >"$tmp/out" 2>&1
is $? 0 "output that goes nowhere does not go into the image"
done_testing
