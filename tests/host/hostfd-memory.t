#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Files of the host that a box has mapped."""
import fcntl
import os
import signal
import struct

from hostfd import *

PAGE = 4096
SHARED, PRIVATE, READ, WRITE = 1, 2, 1, 2       # mmap's flags, and what it protects by


@scenario
def shared_map_of_a_file(way):
    mine = file(pattern(3 * PAGE))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 3 * PAGE, READ | WRITE, SHARED, 0)
    same(a.peek(m, 0, 3 * PAGE) == pattern(3 * PAGE), True)
    same(a.poke(m, 4090, b"across pages"), 12)
    same(os.pread(mine, 12, 4090), b"across pages")
    os.pwrite(mine, b"by the host", 100)
    same(a.peek(m, 100, 11), b"by the host")
    same(a.pread(fd, 12, 4090), b"across pages")
    same(a.pwrite(fd, [b"by a call"], 200), 9)
    same(a.peek(m, 200, 9), b"by a call")
    same(a.msync(m, 4), 0)                      # MS_SYNC
    same(a.munmap(m), 0)
    same(os.fstat(mine).st_size, 3 * PAGE)


@scenario
def shared_map_that_is_not_needed_now(way):
    mine = file(pattern(PAGE))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.poke(m, 0, b"kept"), 4)
    same(a.madvise(m, 4), 0)                    # MADV_DONTNEED
    same(a.peek(m, 0, 4), b"kept")
    same(os.pread(mine, 4, 0), b"kept")


@scenario
def shared_map_is_seen_by_debuggers(way):
    mine = file(pattern(PAGE + 100))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 3 * PAGE, READ | WRITE, SHARED, 0)
    same(a.look(m, 10, 10), pattern(20)[10:])
    same(a.change(m, PAGE - 2, b"written"), 7)
    same(os.pread(mine, 7, PAGE - 2), b"written")
    same(a.peek(m, PAGE - 2, 7), b"written")
    same(a.look(m, 2 * PAGE, 10), "EIO")
    m = a.mmap(fd, PAGE, READ, PRIVATE, 0)
    same(a.change(m, 0, b"own"), 3)
    same(a.peek(m, 0, 5), b"own" + pattern(5)[3:])
    same(os.pread(mine, 3, 0), pattern(3))


@scenario
def shared_map_of_a_part(way):
    mine = file(bytes(PAGE) + b"one" + bytes(PAGE - 3) + b"two" + bytes(PAGE - 3))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 2 * PAGE)
    same(a.peek(m, 0, 3), b"two")
    same(a.poke(m, 0, b"TWO"), 3)
    same(os.pread(mine, 3, 2 * PAGE), b"TWO")
    m = a.mmap(fd, 2 * PAGE, READ, SHARED, PAGE)
    same(a.peek(m, PAGE, 3), b"TWO")
    same(a.peek(m, 0, 3), b"one")
    same(a.mmap(fd, PAGE, READ, SHARED, 100), "EINVAL")


@scenario
def shared_map_of_megabytes(way):
    mine = os.memfd_create("m")
    os.write(mine, pattern(4 << 20))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 4 << 20, READ | WRITE, SHARED, 0)
    same(a.peek(m, 0, 1 << 20) == pattern(1 << 20), True)
    for at in range(0, 4 << 20, 256 << 10):
        same(a.poke(m, at, b"%8d" % at), 8)
    same([os.pread(mine, 8, at) for at in range(0, 4 << 20, 256 << 10)], [b"%8d" % at for at in range(0, 4 << 20, 256 << 10)])
    same(a.mprotect(m, 0, 4 << 20, READ), 0)
    same(a.peek(m, 3 << 20, 8), b"%8d" % (3 << 20))


@scenario
def shared_map_of_a_memfd(way):
    mine = os.memfd_create("m")
    os.ftruncate(mine, 2 * PAGE)
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 2 * PAGE, READ | WRITE, SHARED, 0)
    same(a.poke(m, 5000, b"guest"), 5)
    same(os.pread(mine, 5, 5000), b"guest")
    os.pwrite(mine, b"host", 0)
    same(a.peek(m, 0, 4), b"host")


@scenario
def map_outlives_the_descriptor(way):
    mine = os.memfd_create("m")
    os.ftruncate(mine, PAGE)
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.close(fd), 0)
    same(a.poke(m, 0, b"still"), 5)
    same(os.pread(mine, 5, 0), b"still")
    same(a.child("poke", m, 0, b"child"), 5)
    same(a.peek(m, 0, 5), b"child")


@in_box
def map_is_a_holder_until_it_goes(way):
    mine = os.memfd_create("m")
    os.ftruncate(mine, PAGE)
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.close(fd), 0)
    same(a.hostfds().get(a.host[0]), 1)
    same(a.munmap(m), 0)
    same(a.hostfds().get(a.host[0]), None)


@scenario
def map_is_shared_by_children(way):
    mine = os.memfd_create("m")
    os.ftruncate(mine, 2 * PAGE)
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 2 * PAGE, READ | WRITE, SHARED, 0)
    same(a.poke(m, 0, b"parent"), 6)
    same(a.child("peek", m, 0, 6), b"parent")
    same(a.child("poke", m, PAGE, b"child"), 5)
    same(a.peek(m, PAGE, 5), b"child")
    same(os.pread(mine, 5, PAGE), b"child")
    os.pwrite(mine, b"host", 0)
    same(a.child("peek", m, 0, 6), b"hostnt")


@scenario
def protection_of_a_map(way):
    mine = os.memfd_create("m")
    os.write(mine, pattern(2 * PAGE))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 2 * PAGE, READ | WRITE, SHARED, 0)
    same(a.poke(m, 0, b"x"), 1)
    same(a.mprotect(m, 0, PAGE, READ), 0)
    same(a.poke(m, 10, b"x"), ("signal", signal.SIGSEGV, 2, 10))
    same(a.peek(m, 0, 1), b"x")
    same(a.poke(m, PAGE, b"y"), 1)
    same(a.mprotect(m, 0, 2 * PAGE, 0), 0)
    same(a.peek(m, PAGE, 1), ("signal", signal.SIGSEGV, 2, PAGE))
    same(a.mprotect(m, 0, 2 * PAGE, READ | WRITE), 0)
    same(a.poke(m, 10, b"z"), 1)
    same(a.peek(m, PAGE, 1), b"y")
    same(os.pread(mine, 1, 10), b"z")
    m = a.mmap(fd, PAGE, READ, SHARED, 0)
    same(a.mprotect(m, 0, PAGE, READ | WRITE), 0)
    same(a.poke(m, 0, b"written"), 7)
    same(os.pread(mine, 7, 0), b"written")


@scenario
def rights_of_a_map(way):
    a, r, w, (p, _) = *way.start(file(pattern(100), os.O_RDONLY), file(pattern(100), os.O_WRONLY)), pipe()
    same(a.mmap(r, PAGE, READ | WRITE, SHARED, 0), "EACCES")
    same(a.mmap(w, PAGE, READ, SHARED, 0), "EACCES")
    same(a.mmap(w, PAGE, READ, PRIVATE, 0), "EACCES")
    m = a.mmap(r, PAGE, READ, SHARED, 0)
    same(a.peek(m, 0, 5), pattern(5))
    same(a.mprotect(m, 0, PAGE, READ | WRITE), "EACCES")
    m = a.mmap(r, PAGE, READ | WRITE, PRIVATE, 0)
    same(a.poke(m, 0, b"own"), 3)
    a, fd, sock = way.start(p, pair()[1])
    same(a.mmap(fd, PAGE, READ, SHARED, 0), "ENODEV")
    same(a.mmap(sock, PAGE, READ, SHARED, 0), "ENODEV")


@scenario
def shared_map_of_what_cannot_be_written(way):
    mine = file(pattern(100))
    a, fd = way.start(os.open("/proc/self/fd/%d" % mine, os.O_RDONLY))
    m = a.mmap(fd, PAGE, READ, SHARED, 0)
    same(a.peek(m, 0, 5), pattern(5))
    os.pwrite(mine, b"by the host", 0)
    same(a.peek(m, 0, 11), b"by the host")
    same(a.child("peek", m, 0, 11), b"by the host")


@scenario
def map_beyond_the_end(way):
    mine = file(b"abc")
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 4 * PAGE, READ | WRITE, SHARED, 0)
    same(a.peek(m, 0, 5), b"abc\0\0")
    same(a.poke(m, 100, b"x"), 1)
    same(os.fstat(mine).st_size, 3)
    same(a.peek(m, PAGE, 1), ("signal", signal.SIGBUS, 2, PAGE))
    same(a.poke(m, 3 * PAGE + 9, b"x"), ("signal", signal.SIGBUS, 2, 3 * PAGE + 9))
    os.ftruncate(mine, 2 * PAGE)
    same(a.poke(m, PAGE + 5, b"there"), 5)
    same(os.pread(mine, 5, PAGE + 5), b"there")
    same(a.peek(m, 2 * PAGE, 1), ("signal", signal.SIGBUS, 2, 2 * PAGE))
    os.ftruncate(mine, 3)
    same(a.peek(m, PAGE + 5, 1), ("signal", signal.SIGBUS, 2, PAGE + 5))
    same(a.peek(m, 0, 3), b"abc")


@scenario
def map_beyond_the_end_as_a_buffer(way):
    mine, (r, w), (r2, w2) = file(b"abc"), pipe(), pipe()
    a, fd, src, dst = way.start(os.dup(mine), r, w2)
    m = a.mmap(fd, 4 * PAGE, READ | WRITE, SHARED, 0)
    same(a.write_from(m, PAGE, 10, dst), "EFAULT")
    os.write(w, b"data")
    same(a.read_into(m, PAGE, 10, src), "EFAULT")
    same(a.fcntl(src, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.read(src, 10), b"data", "what could not be copied is still there")
    pr, pw = a.pipe()
    same(a.write_from(m, PAGE, 10, pw), "EFAULT")
    same(a.write(pw, [b"data"]), 4)
    same(a.read_into(m, PAGE, 10, pr), "EFAULT")
    os.ftruncate(mine, 2 * PAGE)
    same(a.peek(m, PAGE, 1), b"\0")
    os.ftruncate(mine, 3)
    same(a.write_from(m, PAGE, 10, dst), "EFAULT")
    same(a.write_from(m, 0, 3, dst), 3)
    same(read(r2), b"abc")


@scenario
def map_as_a_buffer(way):
    mine, (r, w), (r2, w2) = os.memfd_create("m"), pipe(), pipe()
    os.ftruncate(mine, 2 * PAGE)
    a, fd, src, dst = way.start(os.dup(mine), r, w2)
    m = a.mmap(fd, 2 * PAGE, READ | WRITE, SHARED, 0)
    os.write(w, b"into the map")
    same(a.read_into(m, PAGE - 4, 100, src), 12)
    same(os.pread(mine, 12, PAGE - 4), b"into the map")
    os.pwrite(mine, b"out of it", 20)
    same(a.write_from(m, 20, 9, dst), 9)
    same(read(r2), b"out of it")
    same(a.open("/etc/passwd", os.O_RDONLY), 3)
    n = a.read_into(m, 0, 20, 3)
    same(n, 20)
    same(os.pread(mine, 4, 0), b"root")


@scenario
def private_map(way):
    mine = file(pattern(2 * PAGE))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, 4 * PAGE, READ | WRITE, PRIVATE, 0)
    same(a.peek(m, 0, 2 * PAGE) == pattern(2 * PAGE), True)
    same(a.poke(m, 10, b"own"), 3)
    same(a.peek(m, 10, 3), b"own")
    same(content(mine) == pattern(2 * PAGE), True)
    same(a.child("poke", m, 10, b"its"), 3)
    same(a.peek(m, 10, 3), b"own")
    same(a.peek(m, 2 * PAGE, 1), ("signal", signal.SIGBUS, 2, 2 * PAGE))
    m = a.mmap(fd, 2 * PAGE, READ, PRIVATE, PAGE)
    os.pwrite(mine, b"before it is touched", PAGE)
    same(a.peek(m, 0, 20), b"before it is touched")


@scenario
def private_maps_leave_nothing(way):
    mine = os.memfd_create("m")
    os.write(mine, b"\1" * (8 << 20))
    a, fd = way.start(os.dup(mine))
    for _ in range(40):         # together more than a box has
        m = a.mmap(fd, 8 << 20, READ | WRITE, PRIVATE, 0)
        same(a.touch(m), 2048)
        same(a.munmap(m), 0)


@scenario
def sealed_memfd(way):
    mine = os.memfd_create("m", os.MFD_ALLOW_SEALING)
    os.write(mine, b"sealed")
    fcntl.fcntl(mine, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    a, fd = way.start(mine)
    same(a.mmap(fd, PAGE, READ | WRITE, SHARED, 0), "EPERM")
    same(a.write(fd, [b"x"]), "EPERM")
    same(a.ftruncate(fd, 100), "EPERM")
    m = a.mmap(fd, PAGE, READ | WRITE, PRIVATE, 0)
    same(a.poke(m, 0, b"S"), 1)
    same(a.pread(fd, 10, 0), b"sealed")


@scenario
def sealed_memfd_is_mapped_to_read(way):
    mine = os.memfd_create("m", os.MFD_ALLOW_SEALING)
    os.write(mine, b"sealed")
    fcntl.fcntl(mine, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    a, fd = way.start(mine)
    m = a.mmap(fd, PAGE, READ, SHARED, 0)
    same(a.peek(m, 0, 6), b"sealed")
    same(a.mprotect(m, 0, PAGE, READ | WRITE), "EACCES")


@scenario
def map_grows(way):
    mine = file(pattern(4 * PAGE))
    a, fd = way.start(os.dup(mine))
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.peek(m, 0, 10), pattern(10))
    same(a.mremap(m, 4 * PAGE), 0)
    same(a.peek(m, 0, 4 * PAGE) == pattern(4 * PAGE), True)
    same(a.poke(m, 3 * PAGE, b"end"), 3)
    same(os.pread(mine, 3, 3 * PAGE), b"end")
    same(a.mremap(m, PAGE), 0)
    same(a.peek(m, 0, 10), pattern(10))


@in_box
def futex_of_processes_in_a_shared_map(way):
    mine = os.memfd_create("m")
    os.write(mine, struct.pack("=i", 5) + bytes(PAGE))
    a, fd = way.start(mine)
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.futex_wait(m, 0, 5), "ETIMEDOUT")
    same(a.futex_wait(m, 0, 6), "EAGAIN")


main()
