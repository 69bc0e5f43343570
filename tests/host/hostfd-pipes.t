#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Pipes of the host in a box, and eventfds and devices."""
import contextlib
import fcntl
import os
import select
import signal
import struct
import termios
import time

from hostfd import *

OFTEN = int(MOMENT * 200)       # milliseconds


def blocking_pipe_is_full(fd):
    os.set_blocking(fd, False)
    n = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            n += os.write(fd, bytes(4096))
    os.set_blocking(fd, True)
    return n


@scenario
def pipe_is_read(way):
    r, w = pipe()
    a, fd = way.start(r)
    os.write(w, b"abcdef")
    same(a.read(fd, 2), b"ab")
    same(a.readv(fd, [1, 100]), b"cdef")
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.write(w, b"later")
    same(a.end(), b"later")
    same(a.lseek(fd, 0, os.SEEK_CUR), "ESPIPE")
    same(a.pread(fd, 1, 0), "ESPIPE")
    same(a.fsync(fd), "EINVAL")
    same(a.ftruncate(fd, 0), "EINVAL")
    same(a.write(fd, [b"x"]), "EBADF")
    os.write(w, b"the rest")
    os.close(w)
    same(a.read(fd, 100), b"the rest")
    same(a.read(fd, 100), b"")
    same(a.read(fd, 100), b"")


@scenario
def reader_waits_for_the_end(way):
    r, w = pipe()
    a, fd = way.start(r)
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.close(w)
    same(a.end(), b"")


@scenario
def pipe_is_written(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.write(fd, [b"abc", b"def"]), 6)
    same(read(r), b"abcdef")
    same(a.pwrite(fd, [b"x"], 0), "ESPIPE")
    same(a.read(fd, 1), "EBADF")
    same(a.close(fd), 0)
    true(ends(r), "the end is seen while the agent goes on")
    same(a.unused(fd), 0)


@scenario
def pipe_of_megabytes_each_way(way):
    (r, w), (r2, w2) = pipe(), pipe()
    a, src, dst = way.start(r, w2)
    a.begin("fill", dst, 1 << 20)
    same(read_all(r2, 1 << 20) == pattern(1 << 20), True)
    same(a.end(), 1 << 20)
    a.begin("drain", src, 2 << 20)
    os.write(w, pattern(1 << 20))
    os.close(w)
    same(a.end(), (1 << 20, 0))


@scenario
def writer_of_a_full_pipe_waits(way):
    r, w = pipe()
    blocking_pipe_is_full(w)
    a, fd = way.start(w)
    a.begin("write", fd, b"abc")
    true(a.busy(), "it waits")
    same(len(read_all(r, 65536)), 65536)
    same(a.end(), 3)
    same(read(r), b"abc")


@scenario
def nonblocking_pipe(way):
    (r, w), (r2, w2) = pipe(), pipe()
    a, src, dst = way.start(r, w2)
    for fd in (src, dst):
        same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
        same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_NONBLOCK, os.O_NONBLOCK)
    same(a.read(src, 10), "EAGAIN")
    os.write(w, b"now")
    same(a.read(src, 10), b"now")
    same(a.read(src, 10), "EAGAIN")
    same(a.fill(dst, 1 << 20), 65536)
    same(a.fill(dst, 1), "EAGAIN")
    same(a.fill(dst, 1 << 20), "EAGAIN")
    same(os.read(r2, 4096), pattern(4096))
    same(a.fill(dst, 4097), 4096)       # more than PIPE_BUF: what fits
    same(os.read(r2, 4000), pattern(65536)[4096:8096])
    same(a.fill(dst, 4096), "EAGAIN")   # as much as PIPE_BUF: all of it or nothing
    same(a.fcntl(src, fcntl.F_SETFL, 0), 0)
    a.begin("read", src, 10)
    true(a.busy(), "it waits again")
    os.write(w, b"x")
    same(a.end(), b"x")


@scenario
def nonblocking_from_the_beginning(way):
    r, w = pipe()
    os.set_blocking(r, False)
    a, fd = way.start(r)
    same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_NONBLOCK, os.O_NONBLOCK)
    same(a.read(fd, 10), "EAGAIN")
    os.write(w, b"x")
    same(a.read(fd, 10), b"x")


@in_box
def nonblocking_is_the_guests_own(way):
    r, w = pipe()
    a, fd = way.start(os.dup(r))
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(os.get_blocking(r), True)
    same(a.read(fd, 10), "EAGAIN")


@scenario
def writer_without_a_reader(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.handle(signal.SIGPIPE, 0), 0)
    os.close(r)
    same(a.write(fd, [b"x"]), "EPIPE")
    same(a.caught(signal.SIGPIPE), 1)
    same(a.ignore(signal.SIGPIPE), 0)
    same(a.write(fd, [b"x"]), "EPIPE")
    same(a.caught(signal.SIGPIPE), 0)


@scenario
def reader_leaves_while_the_writer_waits(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.handle(signal.SIGPIPE, 0), 0)
    a.begin("fill", fd, 1 << 20)
    true(a.busy(), "it waits")
    os.close(r)
    n = a.end()
    true(n in (65536, 131072) or n == "EPIPE", "part of it: %r" % n)
    same(a.fill(fd, 1), "EPIPE")


@scenario
def sigpipe_ends_a_process(way):
    r, w = pipe()
    a, fd = way.start(w)
    os.close(r)
    a.begin("child", "write", fd, b"x")
    same(a.line(), [str(signal.SIGPIPE.value)])


@scenario
def signal_interrupts_who_waits(way):
    (r, w), (r2, w2), (s, theirs) = pipe(), pipe(), pair()
    listener = tcp_listener()
    blocking_pipe_is_full(w2)
    a, src, dst, sock, accepting = way.start(r, w2, theirs, listener)
    for how in (0, 0x10000000):         # SA_RESTART
        same(a.handle(signal.SIGALRM, how), 0)
        same(a.alarm(OFTEN), 0)
        if not how:
            same(a.read(src, 10), "EINTR")
            same(a.write(dst, [b"x"]), "EINTR")
            same(a.recv(sock, 10, 0), "EINTR")
            same(a.accept(accepting, 0), "EINTR")
        same(a.poll(-1, "%d:%d" % (src, select.POLLIN)), "EINTR")
        same(a.select(-1, "r%d" % src), "EINTR")
        ep = a.epoll_create()
        same(a.epoll_ctl(ep, ADD, src, IN), 0)
        same(a.epoll_wait(ep, -1), "EINTR")
        same(a.alarm(0), 0)
        true(a.caught(signal.SIGALRM) > 0, "signals came")
    del w, r2, s


@scenario
def signal_restarts_who_waits(way):
    (r, w), (r2, w2), (s, theirs) = pipe(), pipe(), pair()
    blocking_pipe_is_full(w2)
    a, src, dst, sock = way.start(r, w2, theirs)
    same(a.handle(signal.SIGALRM, 0x10000000), 0)
    same(a.alarm(OFTEN), 0)
    a.begin("read", src, 10)
    true(a.busy(), "read goes on waiting")
    os.write(w, b"in")
    same(a.end(), b"in")
    a.begin("write", dst, b"out")
    true(a.busy(), "write goes on waiting")
    read_all(r2, 65536)
    same(a.end(), 3)
    a.begin("recv", sock, 10, 0)
    true(a.busy(), "recv goes on waiting")
    s.send(b"by a socket")
    same(a.end(), b"by a socke")
    same(a.alarm(0), 0)
    true(a.caught(signal.SIGALRM) > 0, "signals came")


@scenario
def bytes_that_wait_are_counted(way):
    (r, w), (s, theirs) = pipe(), pair()
    a, fd, sock = way.start(r, theirs)
    os.write(w, b"12345")
    s.send(b"123")
    same(a.ioctl_int(fd, termios.FIONREAD, 0), [0, 5])
    same(a.ioctl_int(sock, termios.FIONREAD, 0), [0, 3])


@scenario
def two_processes_share_a_pipe(way):
    r, w = pipe()
    a, fd = way.start(r)
    os.write(w, b"abcdef")
    same(a.child("read", fd, 3), b"abc")
    same(a.read(fd, 3), b"def")
    a.begin("child", "read", fd, 3)
    true(a.busy(), "the child waits")
    os.write(w, b"xyz")
    same([a.line(), a.line()], [["3", b"xyz".hex()], ["0"]])


@scenario
def eventfd_counts(way):
    mine = os.eventfd(3)
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 8), struct.pack("=Q", 3))
    same(a.read(fd, 7), "EINVAL")
    same(a.poll(0, "%d:%d" % (fd, select.POLLIN | select.POLLOUT)), [1, select.POLLOUT])
    a.begin("read", fd, 8)
    true(a.busy(), "it waits")
    os.eventfd_write(mine, 5)
    same(a.end(), struct.pack("=Q", 5))
    same(a.write(fd, [struct.pack("=Q", 7)]), 8)
    same(os.eventfd_read(mine), 7)
    same(a.write(fd, [bytes(7)]), "EINVAL")
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.read(fd, 8), "EAGAIN")


@scenario
def devices(way):
    a, zero, full = way.start(os.open("/dev/zero", os.O_RDWR), os.open("/dev/full", os.O_RDWR))
    same(a.read(zero, 100000), bytes(100000))
    same(a.fill(zero, 100000), 100000)
    same(a.write(full, [b"x"]), "ENOSPC")
    same(a.read(full, 10), bytes(10))


@scenario
def eventfd_that_is_full(way):
    mine = os.eventfd(5)
    a, fd = way.start(os.dup(mine))
    most = struct.pack("=Q", 2**64 - 2)
    same(a.later(0, "write", fd, most), 0)
    time.sleep(5 * MOMENT)
    goes_on(a)
    same(os.eventfd_read(mine), 5)
    true(readable(mine), "then it is written")
    same(os.eventfd_read(mine), 2**64 - 2)
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.write(fd, [most]), 8)
    same(a.write(fd, [most]), "EAGAIN")


@scenario
def others_go_on_while_one_waits(way):
    (r, w), (r2, w2), (s, theirs) = pipe(), pipe(), pair()
    blocking_pipe_is_full(w2)
    a, src, dst, sock = way.start(r, w2, theirs)
    for what in (["read", src, 1], ["write", dst, b"x"], ["recv", sock, 1, 0], ["poll", -1, "%d:1" % src], ["fill", sock, 1 << 20]):
        same(a.later(0, *what), 0)
    time.sleep(MOMENT)
    goes_on(a)
    del w, r2, s


main()
