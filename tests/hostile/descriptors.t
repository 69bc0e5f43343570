#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a box may do with descriptors of the host: with those that it was given, and what a program
does with a file. Neighbours of these calls end the box. They run with three pipes, a terminal and a
file, or a socket."""
import socket
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

S32 = 1 << 32
master, tty = pty.openpty()
with open(TMP + "/file", "w+") as f:
    f.write("content\n")
os.chmod(TMP + "/file", 0o666)
file = os.open(TMP + "/file", os.O_RDWR)


def given(words, fd=None):
    """The number is the word FD."""
    options = () if fd is None else ("--fd", str(fd))
    refuses([w.replace("FD", str(fd)) for w in words.split()], title=words, terminal=False, options=options,
            pass_fds=() if fd is None else (fd,))


status, lines = run(PROGRAM, "call", *"fstat 0 page , fcntl 0 3 , lseek {0} 0 0 , read {0} page 8 , pwrite64 {0} page 0 0".format(file).split(),
                    terminal=False, options=("--fd", str(file)), pass_fds=(file,))
check(status == 0 and [r for _, r in results(lines)][2:] == [0, 8, 0], "calls on a file that it was given", status, lines)

for op in (0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 15, 16, 36, 37, 38, 1024, 1025, 1026, 1027, 1030, 1031, 1032, 1033, 1034, 1036, 1038):
    given("fcntl FD %d 0" % op, file)
given("fcntl FD 4 0x2000", file)
given("fcntl FD %d 0x2000" % (S32 | 4), file)
for request in (0x5412, 0x541c, 0x5423, 0x540e, 0x5422, 0x5410, 0x541d, 0x5452, 0x5421, 0x8901, 0x8902, 0x5437, 0x540c, 0x5420, 0x5441,
                0x4b3a, 0x5606, 0x4b4d, S32 | 0x5412, 1 << 63 | 0x5412):
    given("ioctl FD %#x page" % request, tty)
for request in (0x40086602, 0x40049409, 0x4020940d, 0x1277, 0x125f, 0x2285, 0xc0045877, 0xc0185879, 0xc0189436, 0x40046604,
                0x6685, 0x00009408, 1, 0x5382):
    given("ioctl FD %#x page" % request, file)
for line in ("preadv2 FD page 0 0 0 1", "preadv2 FD page 0 0 0 2", "pwritev2 FD page 0 0 0 1", "pwritev2 FD page 0 0 0 0x40",
             "mmap hole 4096 1 0x12 FD", "mmap 0 4096 1 1 FD", "mmap hole 4096 1 0x2011 FD", "mmap hole 4096 0x1000001 0x11 FD",
             "dup FD", "dup3 FD 100 0x80000", "dup3 FD 0 0x80000", "dup3 nullfd FD 0x80000", "dup3 nullfd 0 0", "dup3 memfd 0 0x80000",
             "openat FD :x 0", "statx FD : 0x1000 0xfff page", "fchmod FD 0777", "fchown FD 0 0", "fchdir FD", "flock FD 1",
             "getdents64 FD page 4096", "fsetxattr FD :user.a page 1 0", "futimesat FD :x page", "utimensat FD 0 page 0", "readahead FD 0 1",
             "fadvise64 FD 0 0 4", "sync_file_range FD 0 0 1", "syncfs FD", "fstatfs FD page", "sendfile 1 FD 0 1", "splice FD 0 1 0 1 0",
             "vmsplice 1 page 1 0", "execveat FD : page page 0x1000", "finit_module FD : 0", "close_range 0 1000 0", "poll page 1 0",
             "select 1 page 0 0 page", "epoll_create1 0", "io_uring_setup 8 page"):
    given(line, file)
for line in ("socket 1 1 0", "sendto 1 page 1 0 0 0", "sendmsg 1 page 0", "recvmsg 0 page 0", "bind 0 page 0",
             "connect 0 page 0", "getsockopt 0 1 3 page page", "setsockopt 0 1 2 page 4"):
    given(line)

# A socket that has no other end than the test's.
ours, theirs = socket.socketpair()
for line in ("sendmsg FD page 0x4000000", "sendmsg FD page 0x20000000", "sendmsg FD page %d" % (S32 | 0x4000000), "accept4 FD 0 0 0", "accept FD 0 0",
             "bind FD page 2", "connect FD page 2", "setsockopt FD 1 26 page 16", "setsockopt FD 1 50 page 4", "setsockopt FD 1 36 page 4",
             "setsockopt FD 1 25 page 4", "setsockopt FD 0 64 page 4", "setsockopt FD 41 64 page 4", "setsockopt FD 6 31 page 4", "setsockopt FD 6 38 page 4",
             "setsockopt FD 1 32 page 4", "setsockopt FD 270 1 page 4", "ioctl FD 0x8914 page", "ioctl FD 0x8902 page", "sendto FD page 1 0 0 0",
             "recvfrom FD page 1 0 0 0", "sendmmsg FD page 1 0", "recvmmsg FD page 1 0 0", "socketpair 1 1 0 page", "socket 2 1 0"):
    given(line, theirs.fileno())

# A device that is memory is none of the box's.
zero = os.open("/dev/zero", os.O_RDWR)
words = "mmap hole 0x10000000 3 0x11 {0} , madvise = 0x10000000 23 , getppid".format(zero).split()
with Box(PROGRAM, "call", *words, terminal=False, options=("--fd", str(zero)), pass_fds=(zero,)) as b:
    status = b.wait()
    got = dict(results(b.lines()))
    check(was_refused(status, b.lines()) or got.get("mmap", 0) < 0 or got.get("madvise", 0) < 0, "memory from /dev/zero, where that was given",
          status, b.lines())

# What was not given is out of reach, and so is what was given to others.
os.set_inheritable(file, True)
for words in ("read %d page 8" % file, "lseek %d 0 2" % file, "ftruncate %d 0" % file, "fstat %d page" % file):
    with Box(PROGRAM, "call", *words.split(), terminal=False, pass_fds=(file,)) as b:
        status = b.wait()
        check(dict(results(b.lines())).get(words.split()[0]) == -9, "not given: " + words, status, b.lines())
with open(TMP + "/file") as f:
    check(f.read() == "content\n", "the file is as it was")
done()
