#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What documents have from sources is what the sources have.
. "$(dirname "$0")/lib.sh"

[ "$(uname -m)" = x86_64 ] || skip_all "docs/security.md has the tables of x86_64"
"$top/scripts/host-calls" --check >"$tmp/diff" 2>&1
is "$(cat "$tmp/diff")" "" "docs/security.md has the tables of src/hostcalls.c (make docs)"
done_testing
