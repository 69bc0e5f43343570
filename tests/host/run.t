#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tests/run itself: what it makes of tests that hang, die, give up or are skipped.
. "$(dirname "$0")/lib.sh"
export KBOX_SKIPPED="$tmp/skipped" KBOX_FAILED="$tmp/failed"
seconds=$limit

# run SCRIPT...: a test of these lines; its output is in $tmp/out, what prove shows in $tmp/err
run() {
	{
		echo '#!/bin/sh'
		printf '%s\n' "$@"
	} >"$tmp/test"
	chmod +x "$tmp/test"
	: >"$KBOX_SKIPPED"
	FILE_SECONDS=$seconds "$top/tests/run" "$tmp/test" >"$tmp/out" 2>"$tmp/err"
	status=$?
}
said() {
	cat "$tmp/out"
}

run 'echo 1..2' 'echo ok 1 - a' 'echo ok 2' 'exit 0'
is "$status $(said)$(cat "$tmp/err")" "0 1..2
ok 1 - a
ok 2" "a test that passes"

run 'echo ok 1 - a' 'echo "# is 5, not 6"' 'echo not ok 2 - b' 'echo 1..2' 'exit 1'
is "$status $(said | tail -n 2)" "1 not ok 2 - b
1..2" "one that fails"
is "$(cat "$tmp/failed")" "$(cat "$tmp/err")" "what is said of it is in KBOX_FAILED, too"
is "$(cat "$tmp/err")" "# $tmp/test: is 5, not 6
# $tmp/test: not ok 2 - b" "what failed and why is on standard error"

seconds=1
run 'echo 1..3' 'echo ok 1 - a' 'exec sleep 600'
is "$status $(said)" "124 1..3
ok 1 - a
not ok 2 - $tmp/test: no end after 1 s
not ok 3 - $tmp/test: no end after 1 s" "one that hangs, with a plan"
run 'echo ok 1 - a' 'trap "" TERM' 'while :; do sleep 1; done'
is "$(said)" "ok 1 - a
not ok 2 - $tmp/test: no end after 1 s, and it had to be killed
1..2" "one that hangs and will not go, without one"
seconds=$limit

# shellcheck disable=SC2016 # the tests expand these
{
	run 'echo 1..2' 'echo ok 1 - a' 'kill -9 $$'
	is "$status $(said)" "137 1..2
ok 1 - a
not ok 2 - $tmp/test: killed" "one that is killed"
	run 'echo 1..1' 'echo ok $KBOX_SLOWNESS'
	like "$(said | tail -n 1)" "ok [1-9]*" "a number says how slow it is here"
	KBOX_SLOWNESS=17 run 'echo 1..1' 'echo ok $KBOX_SLOWNESS'
	is "$(said | tail -n 1)" "ok 17" "one that is given wins"
}

run 'echo 1..2' 'echo ok 1 - a' 'echo "Bail out! no room"' 'exit 1'
is "$status $(said)" "1 1..2
ok 1 - a
not ok 2 - no room" "one that gives up ends nobody else's run"

run 'echo 1..2' 'echo "# no tool"' 'echo "not ok 1 # SKIP first"' 'echo "ok 2 - b # SKIP why"'
is "$status $(said)" "0 1..2
# no tool
ok 1 - first # SKIP no tool
ok 2 - b # SKIP why" "what cmocka skips is skipped"
is "$(cat "$KBOX_SKIPPED")" "$tmp/test: ok 1 - first # SKIP no tool
$tmp/test: ok 2 - b # SKIP why" "what was skipped is listed"

# A whole run that has its time. This one's is another.
unset BEGUN KBOX_UNTIL KBOX_MINUTES
printf '#!/bin/sh\necho 1..1\necho ok\n' >"$tmp/test"
MINUTES=1 BEGUN=1 "$top/tests/suite" "$tmp/test" >"$tmp/out"
is "$? $(grep -c "^  .* 1 minutes have passed: tests/suite $tmp/test" "$tmp/out")" "0 1" "what would begin too late is skipped"
MINUTES=1 "$top/tests/suite" "$tmp/test" >"$tmp/out"
is "$? $(grep -c 'have passed' "$tmp/out")" "0 0" "what begins in time is not"

# Guest tests: a file, and a case.
long=timer_in_the_clock
SECONDS_LIMIT=1 "$top/tests/run" "$build/tests/rewrite-signal-m" $long >"$tmp/out" 2>"$tmp/err"
like "$(grep -v '^1\.\.' "$tmp/out")" "not ok 1 - */rewrite-signal-m: no end after 1 s*" "a box that hangs"
TAP_SECONDS=1 "$top/tests/run" "$build/tests/rewrite-signal-m" $long jumps_out >"$tmp/out" 2>"$tmp/err"
is "$(sed -n 1,3p "$tmp/out") $(grep -c 'ok 2 - ' "$tmp/out")" "1..2
# no end after 1 s
not ok 1 - $long 1" "a case that hangs: the next one runs"
HOST_LACKS=segv "$build/tests/signal-fault-m" segv >"$tmp/out"
is "$(tail -n 1 "$tmp/out")" "ok 1 - segv # SKIP it fails natively on this host" \
	"a case that the host cannot do"

done_testing
