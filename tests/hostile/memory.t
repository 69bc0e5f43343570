#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A box has the memory of --mem, and no more of the host's; what it maps where is its own affair."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

MIB = 1 << 20


def total(pids):
    """Bytes of memory that belong to these processes alone, beside the memory file."""
    return sum(int((field(p, "RssAnon") or "0").split()[0]) * 1024 for p in pids)


# The file's size is what it was.
for line in ("ftruncate memfd 0", "ftruncate memfd memsize+0x40000000", "ftruncate memfd 4096",
             "fallocate memfd 1 memsize 0x1000000",
             "fcntl memfd 1033 1", "fcntl memfd 1033 0x1f", "fcntl memfd 1033 8", "pwrite64 memfd page 4096 memsize"):
    name = line.split()[0]
    with Box(PROGRAM, "call", *line.split(), ",", "getpid") as b:
        status = b.wait()
        got = dict(results(b.lines())).get(name)
        check(was_refused(status, b.lines(), name) or (got is not None and got < 0), line, status, b.lines())
with Box(PROGRAM, "beyond") as b:
    b.wait_for(b"ftruncate = ") or b.wait_for(b"which it may not")
    used, size = memory_file(processes())
    b.term()
    status = b.wait()
    check("fallocate = 0" not in b.lines() and "ftruncate = 0" not in b.lines() and size <= 64 * MIB + os.stat(IMAGE).st_size,
          "no memory beyond the end of guest memory", used, size, status, b.lines())

# All of memory is written to, and some is asked for again.
with Box(PROGRAM, "bomb", "anonymous") as b:
    full = b.wait_for(b"full")
    pids = processes()
    used, size = memory_file(pids)
    own = total(pids)
    b.term()
    b.wait()
    check(full and used <= bound(64) and own <= len(pids) * 4 * MIB, "a box that is full has its memory and little else",
          used, size, own, len(pids), b.lines())

# Its own kernel it may map as it likes. Whatever comes of that, it comes of the box.
with Bystander() as other:
    for line in ("mmap text 4096 7 0x11 memfd pagephys", "mmap text 4096 7 0x11 memfd 0x100000 , getpid",
                 "mmap kernel 0x100000 7 0x11 memfd 0", "munmap kernel memsize", "munmap 0 0x400000000000",
                 "mprotect kernel memsize 0", "mmap text 0x400000 3 0x11 memfd 0x100000", "munmap vdso 4096",
                 "mmap vdso 4096 7 0x11 memfd 0", "mmap 0xffffffffff600000 4096 7 0x11 memfd 0",
                 "mmap 0x10000 0x3fffffff0000 7 0x11 memfd 0"):
        with Box(PROGRAM, "call", "getppid", ",", *line.split()) as b:
            begun = b.wait_for(b"getppid = ")
            status = b.wait(5 * SLOWNESS)
            check(begun and not other.harm() and soon(lambda: not processes()), line + ": stays within the box", status, other.harm(),
                  processes(), b.lines())
done()
