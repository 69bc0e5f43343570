#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A bash script of 200 lines: all that it prints is known.
. "$(dirname "$0")/lib.sh"

mkdir work
(cd work && bash "$here/script.bash") >out 2>err
is $? 42 "its exit status"
passes "what it prints" diff "$here/script.expected" out
is "$(cat err)" "" "no errors"
done_testing
