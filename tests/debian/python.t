#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Python's own tests of what asks much of a kernel, four modules at a time: they sleep a lot. Arguments: modules to run
# instead of those that have no file of their own beside this one, as python3 -m test has them (test_os). What is left out
# is in python.leave-out. test_sqlite3 is not in Debian's package.
. "$(dirname "$0")/lib.sh"

# Each with how many tests of it run here at least; others are skipped, for want of a network or of memory, for example.
modules='test_asyncio 2250
test_multiprocessing_spawn 100
test_multiprocessing_forkserver 100
test_multiprocessing_fork 330
test_multiprocessing_main_handling 39
test_signal 49
test_subprocess 290
test_socket 570
test_threading 190
test_os 260
test_mmap 35
test_select 6
test_epoll 10
test_tempfile 100
test_shutil 130'
if [ $# != 0 ]; then
	modules=$(printf '%s\n' "$modules" | grep -wE "$(IFS='|'; echo "$*")")
else
	modules=$(printf '%s\n' "$modules" | grep -vE '_asyncio|_multiprocessing')
fi

# --timeout is for a module, and how long its tests wait for something is a part of that. Many have times of their own, which
# four modules on a busy host do not keep: what fails is run once more, by itself (-w).
sed 's/ *#.*//; /^$/d' "$here/python.leave-out" >leave-out
printf '%s\n' "$modules" | cut -d' ' -f1 | xargs python3 -m test -v -w -j4 --timeout $((600 * slowness)) --ignorefile leave-out --tempdir "$tmp" >out 2>&1
status=$?
printf '%s\n' "$modules" >modules
while read -r module least; do
	# What it said comes after how it ended.
	awk -v module="$module" '/^[0-9:]+ .*\[ *[0-9]+\/[0-9]+(\/[0-9]+)?\] / { mine = index($0, "] " module " ") } mine' out >said
	how=$(head -n 1 said | grep -o ' passed') again=0
	[ "$status$how" != 0 ] || { how=' passed' again=1; }	# the second time, which is all that was said of it
	is "$how" " passed" "$module"
	ran=$(awk '/^Ran [0-9]+ tests? in/ { ran += $2 } /^OK \(skipped=/ { gsub(/[^0-9]/, ""); ran -= $0 } END { print ran }' said)
	is "$((again || ran >= least))" 1 "$module: at least $least tests ran${ran:+ ($ran)}"
	grep -aE "^(test.*\.\.\. (FAIL|ERROR)|(FAIL|ERROR): |Timeout )|skipped '(timeout|machine too slow)" said | sed 's/^/# /'
done <modules
is "$(grep -aE "skipped '(timeout|machine too slow)" out)" "" "no test gave up waiting"
is $status 0 "the exit status"
[ $status = 0 ] || tail -n 20 out | sed "s/^/# /"
done_testing
