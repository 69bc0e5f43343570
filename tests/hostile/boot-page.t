#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The boot page is the guest's to write to. What the supervisor reads there it prints as text of one
line, if it does, and takes for no more than it says."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

PANIC = b"kbox: kernel panic: "


def plain(text):
    """Printable ASCII, line by line."""
    return all(32 <= c < 127 or c == 10 for c in text)


for first, step in (("27", "0"), ("1", "1"), ("128", "1"), ("255", "0"), ("10", "0"), ("65", "0"), ("13", "251"), ("37", "78")):
    with Box(PROGRAM, "panic", first, step, terminal=False) as b:
        status = b.wait()
        said = [line for line in b.text.split(b"\n") if line.startswith(PANIC)]
        check(status == 120 and plain(b.text) and len(said) == 1 and len(said[0]) <= len(PANIC) + 256 and b.text.count(b"\n") == 1,
              "a panic for no reason that is a text (from %s in steps of %s)" % (first, step), status, b.text)
bad = []
for i in range(20):
    with Box(PROGRAM, "flip", terminal=False) as b:
        status = b.wait()
        if status != 120 or not plain(b.text) or b.text.count(b"\n") != 1 or len(b.text) > len(PANIC) + 257:
            bad.append((status, b.text))
check(not bad, "20 panics whose reason changes meanwhile", *bad[:3])

with Box(PROGRAM, "counters", terminal=False, options=("--stats",)) as b:
    status = b.wait()
    check(status is not None and plain(b.text) and b"kbox: calls rewrite" in b.text, "--stats with counters that have no names", status, b.text)

# The end is one, whatever kind of one is written there.
for kind, number in (("1", "0x700"), ("1", "-1"), ("1", "0x7f"), ("1", "0xff7f"), ("1", "0x80"), ("3", "0"), ("77", "0x700"), ("-1", "9")):
    status, lines = run(PROGRAM, "end", kind, number)
    check(status is not None and status >= 0, "an end of kind %s with status %s" % (kind, number), status, lines)
status, lines = run(PROGRAM, "boot")
check(status == 7 or was_refused(status, lines), "a page in which all is wrong, and an end of status 7, or of a call with such a number", status, lines)
check(soon(lambda: not processes()), "none is left", processes())
done()
