#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Events of the host's descriptors: poll, select and epoll wait for them."""
import fcntl
import os
import random
import socket
import struct
import termios
import time

from hostfd import *


@scenario
def poll_of_a_reader(way):
    r, w = pipe()
    a, fd = way.start(r)
    same(poll_one(a, fd, IN), 0)
    same(poll_one(a, fd, IN, 5), 0)
    os.write(w, b"x")
    same(poll_one(a, fd, IN), IN)
    same(poll_one(a, fd, IN | 0x40, -1), IN | 0x40)         # POLLRDNORM
    same(poll_one(a, fd, PRI), 0)
    same(a.read(fd, 1), b"x")
    a.begin("poll", -1, "%d:%d" % (fd, IN))
    true(a.busy(), "it waits")
    os.write(w, b"y")
    same(a.end(), [1, IN])
    os.close(w)
    same(poll_one(a, fd, IN), IN | HUP)
    same(a.read(fd, 1), b"y")
    same(poll_one(a, fd, IN), HUP)
    same(poll_one(a, fd, 0, -1), HUP)


@scenario
def poll_of_a_writer(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(poll_one(a, fd, OUT), OUT)
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.fill(fd, 65536), 65536)
    same(poll_one(a, fd, OUT), 0)
    a.begin("poll", -1, "%d:%d" % (fd, OUT))
    true(a.busy(), "it waits")
    read(r)
    same(a.end(), [1, OUT])
    os.close(r)
    same(poll_one(a, fd, 0, -1), ERR)
    same(poll_one(a, fd, OUT), OUT | ERR)


@scenario
def poll_hears_of_a_hang_up(way):
    (r, w), (r2, w2) = pipe(), pipe()
    a, src, dst = way.start(r, w2)
    same(a.fcntl(dst, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.fill(dst, 65536), 65536)
    a.begin("poll", -1, "%d:%d" % (src, IN))
    true(a.busy(), "it waits")
    os.close(w)
    same(a.end(), [1, HUP])
    a.begin("poll", -1, "%d:%d" % (dst, OUT))
    true(a.busy(), "it waits")
    os.close(r2)
    same(a.end()[1] & ERR, ERR)


@scenario
def poll_of_many(way):
    pipes = [pipe() for _ in range(25)]
    a, *fds = way.start(*[r for r, _ in pipes])
    asked = ["%d:%d" % (fd, IN) for fd in fds]
    same(a.poll(0, *asked), [0] * 26)
    a.begin("poll", -1, *asked)
    true(a.busy(), "it waits")
    os.write(pipes[17][1], b"x")
    same(a.end(), [1] + [IN * (i == 17) for i in range(25)])
    for _, w in pipes:
        os.write(w, b"x")
    same(a.poll(0, *asked), [25] + [IN] * 25)


@scenario
def files_poll_ready(way):
    a, fd, null = way.start(file(b"abc"), os.open("/dev/null", os.O_RDWR))
    same(poll_one(a, fd, IN | OUT), IN | OUT)
    same(poll_one(a, null, IN | OUT), IN | OUT)
    ep = a.epoll_create()
    same(a.epoll_ctl(ep, ADD, fd, IN), "EPERM")
    same(a.epoll_ctl(ep, ADD, null, IN), "EPERM")


@scenario
def select_waits(way):
    (r, w), (r2, w2) = pipe(), pipe()
    a, src, dst = way.start(r, w2)
    same(a.select(0, "r%d" % src, "w%d" % dst), {"w%d" % dst})
    same(a.select(5, "r%d" % src), set())
    a.begin("select", -1, "r%d" % src)
    true(a.busy(), "it waits")
    os.write(w, b"x")
    same(a.end(), {"r%d" % src})
    same(a.select(0, "r%d" % src, "w%d" % dst, "e%d" % src), {"r%d" % src, "w%d" % dst})
    os.close(r2)
    same(a.select(0, "w%d" % dst), {"w%d" % dst})


@scenario
def epoll_level_of_a_reader(way):
    r, w = pipe()
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN))
    same(a.epoll_wait(ep, 0), [])
    same(a.epoll_wait(ep, 5), [])
    os.write(w, b"xy")
    for _ in range(3):
        same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.read(fd, 1), b"x")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.read(fd, 1), b"y")
    same(a.epoll_wait(ep, 5), [])
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    os.write(w, b"z")
    same(a.end(), [(fd, IN)])
    same(a.read(fd, 1), b"z")
    os.close(w)
    for _ in range(3):
        same(a.epoll_wait(ep, -1), [(fd, HUP)])


@scenario
def epoll_level_of_a_writer(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    ep = epoll(a, fd=(fd, OUT))
    for _ in range(3):
        same(a.epoll_wait(ep, -1), [(fd, OUT)])
    same(a.fill(fd, 65536), 65536)
    same(a.epoll_wait(ep, 5), [])
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    read(r)
    same(a.end(), [(fd, OUT)])
    same(a.epoll_wait(ep, -1), [(fd, OUT)])
    os.close(r)
    same(a.epoll_wait(ep, -1), [(fd, OUT | ERR)])


@scenario
def epoll_edge_of_a_reader(way):
    r, w = pipe()
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN | ET))
    same(a.epoll_wait(ep, 0), [])
    for _ in range(4):          # each write is an event, without a read in between
        os.write(w, b"x")
        same(a.epoll_wait(ep, -1), [(fd, IN)])
        same(a.epoll_wait(ep, 5), [])
    same(a.read(fd, 2), b"xx")  # what is left is none
    same(a.epoll_wait(ep, 5), [])
    same(a.read(fd, 2), b"xx")
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    os.write(w, b"y")
    same(a.end(), [(fd, IN)])
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits, with a byte unread")
    os.write(w, b"z")
    same(a.end(), [(fd, IN)])
    os.close(w)
    same(a.epoll_wait(ep, -1), [(fd, IN | HUP)])
    same(a.epoll_wait(ep, 5), [])


@scenario
def epoll_edge_of_a_reader_with_data(way):
    r, w = pipe()
    os.write(w, b"already")
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN | ET))
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.epoll_wait(ep, 5), [])
    same(a.epoll_ctl(ep, MOD, fd, IN | ET), 0)
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.epoll_wait(ep, 5), [])


@scenario
def epoll_edge_is_told_of_once(way):
    (r, w), (s, theirs) = pipe(), pair()
    os.write(w, b"already")
    a, fd, sock = way.start(r, theirs)
    for _ in range(20):
        same(a.epoll_twice(fd, IN | ET, 10), [1, 0])
        same(a.epoll_twice(sock, IN | OUT | ET, 10), [1, 0])
    del s


@scenario
def epoll_edge_of_a_writer(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    ep = epoll(a, fd=(fd, OUT | ET))
    same(a.epoll_wait(ep, -1), [(fd, OUT)])
    same(a.epoll_wait(ep, 5), [])
    same(a.fill(fd, 65536), 65536)
    same(a.epoll_wait(ep, 5), [])
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    read(r)
    same(a.end(), [(fd, OUT)])
    same(a.epoll_wait(ep, 5), [])
    same(a.fill(fd, 65536), 65536)
    same(a.epoll_wait(ep, 5), [])
    read(r)
    same(a.epoll_wait(ep, -1), [(fd, OUT)])
    os.close(r)
    same(a.epoll_wait(ep, -1), [(fd, OUT | ERR)])
    same(a.epoll_wait(ep, 5), [])


@scenario
def epoll_edge_of_a_socket(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    ep = epoll(a, fd=(fd, IN | OUT | RDHUP | ET))
    same(a.epoll_wait(ep, -1), [(fd, OUT)])
    same(a.epoll_wait(ep, 5), [])
    for _ in range(3):
        s.send(b"x")
        same(a.epoll_wait(ep, -1), [(fd, IN | OUT)])
        same(a.epoll_wait(ep, 5), [])
    same(a.recv(fd, 10, 0), b"xxx")
    s.shutdown(socket.SHUT_WR)
    same(a.epoll_wait(ep, -1), [(fd, IN | OUT | RDHUP)])
    same(a.epoll_wait(ep, 5), [])
    s.close()
    same(a.epoll_wait(ep, -1)[0][1] & HUP, HUP)


@scenario
def epoll_edge_of_an_eventfd(way):
    mine = os.eventfd(0)
    a, fd = way.start(os.dup(mine))
    ep = epoll(a, fd=(fd, IN | ET))
    for _ in range(3):
        os.eventfd_write(mine, 1)
        same(a.epoll_wait(ep, -1), [(fd, IN)])
        same(a.epoll_wait(ep, 5), [])
    same(a.read(fd, 8), struct.pack("=Q", 3))


@scenario
def epoll_of_a_datagram_socket(way):
    s, theirs = pair(socket.SOCK_DGRAM)
    a, fd = way.start(theirs)
    level, edge = epoll(a, fd=(fd, IN)), epoll(a, fd=(fd, IN | ET))
    s.send(b"one")
    s.send(b"two")
    soon(lambda: a.ioctl_int(fd, termios.FIONREAD, 0)[1] > 0, "they come")
    same(a.epoll_wait(edge, -1), [(fd, IN)])
    same(a.recv(fd, 10, 0), b"one")
    same(a.epoll_wait(level, -1), [(fd, IN)])
    same(a.epoll_wait(edge, 5), [])
    same(a.recv(fd, 10, 0), b"two")
    same(a.epoll_wait(level, 5), [])
    s.send(b"three")
    same(a.epoll_wait(edge, -1), [(fd, IN)])


@scenario
def epoll_oneshot(way):
    r, w = pipe()
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN | ONESHOT))
    os.write(w, b"x")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    os.write(w, b"y")
    same(a.epoll_wait(ep, 5), [])
    same(a.epoll_ctl(ep, MOD, fd, IN | ONESHOT), 0)
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.read(fd, 2), b"xy")
    same(a.epoll_ctl(ep, MOD, fd, IN | ONESHOT), 0)
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    os.write(w, b"z")
    same(a.end(), [(fd, IN)])


@scenario
def epoll_of_many(way):
    pipes = [pipe() for _ in range(50)]
    a, *fds = way.start(*[r for r, _ in pipes])
    ep = epoll(a, **{"f%d" % fd: (fd, IN | ET) for fd in fds})
    for _ in range(3):
        for _, w in pipes:
            os.write(w, b"x")
        got = []
        while len(got) < len(fds):
            events = a.epoll_wait(ep, int(PATIENCE * 1000))
            if not events:
                break
            got += events
        same(sorted(got), [(fd, IN) for fd in fds])
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    os.write(pipes[49][1], b"x")
    same(a.end(), [(fds[49], IN)])


@scenario
def epoll_forgets_what_is_closed(way):
    r, w = pipe()
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN))
    os.write(w, b"x")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.epoll_ctl(ep, DEL, fd, 0), 0)
    same(a.epoll_wait(ep, 5), [])
    same(a.epoll_ctl(ep, DEL, fd, 0), "ENOENT")
    same(a.epoll_ctl(ep, ADD, fd, IN), 0)
    same(a.epoll_ctl(ep, ADD, fd, IN), "EEXIST")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.close(fd), 0)
    same(a.epoll_wait(ep, 5), [])


@scenario
def epoll_in_epoll_and_by_a_child(way):
    r, w = pipe()
    a, fd = way.start(r)
    inner = epoll(a, fd=(fd, IN | ET))
    outer = epoll(a, inner=(inner, IN))
    same(a.epoll_wait(outer, 0), [])
    a.begin("epoll_wait", outer, -1)
    true(a.busy(), "it waits")
    os.write(w, b"x")
    same(a.end(), [(inner, IN)])
    same(a.child("epoll_wait", inner, -1), [(fd, IN)])
    same(a.epoll_wait(outer, 5), [])
    a.begin("child", "epoll_wait", inner, -1)
    true(a.busy(), "the child waits")
    os.write(w, b"y")
    same([a.line()[1:], a.line()], [["%d:%d" % (fd, IN)], ["0"]])


@scenario
def epoll_of_two_descriptors_of_one_open_file(way):
    r, w = pipe()
    a, fd, other = way.start(os.dup(r), r)
    ep = epoll(a, fd=(fd, IN | ET), other=(other, IN | ET))
    for _ in range(2):
        os.write(w, b"x")
        got = a.epoll_wait(ep, -1)
        same(sorted(got + (a.epoll_wait(ep, 5) if len(got) < 2 else [])), [(fd, IN), (other, IN)])
    same(a.close(fd), 0)
    os.write(w, b"x")
    got = a.epoll_wait(ep, -1)
    same((other, IN) in got, True)
    same(a.close(other), 0)


@scenario
def epoll_of_two_open_files_of_one_pipe(way):
    r, w = pipe()
    a, fd = way.start(r)
    other = a.open("/proc/self/fd/%d" % fd, os.O_RDONLY | os.O_NONBLOCK)
    ep = epoll(a, fd=(fd, IN | ET), other=(other, IN | ET))
    for _ in range(2):
        os.write(w, b"x")
        got = a.epoll_wait(ep, -1)
        same(sorted(got + (a.epoll_wait(ep, 5) if len(got) < 2 else [])), sorted([(fd, IN), (other, IN)]))
    same(a.close(fd), 0)
    os.write(w, b"x")
    same(a.epoll_wait(ep, -1), [(other, IN)])
    same(a.read(other, 10), b"xxx")
    a.begin("epoll_wait", ep, -1)
    true(a.busy(), "it waits")
    os.write(w, b"x")
    same(a.end(), [(other, IN)])


@scenario
def poll_beside_epoll(way):
    r, w = pipe()
    a, fd = way.start(r)
    ep = epoll(a, fd=(fd, IN | ET))
    other = a.open("/proc/self/fd/%d" % fd, os.O_RDONLY | os.O_NONBLOCK)
    for who in (fd, other):
        a.begin("poll", -1, "%d:%d" % (who, IN))
        true(a.busy(), "it waits")
        os.write(w, b"x")
        same(a.end(), [1, IN])
        same(a.epoll_wait(ep, -1), [(fd, IN)])
        same(a.read(who, 10), b"x")
    same(a.epoll_ctl(ep, DEL, fd, 0), 0)
    for who in (other, fd):
        a.begin("poll", -1, "%d:%d" % (who, IN))
        true(a.busy(), "it waits")
        os.write(w, b"x")
        same(a.end(), [1, IN])
        same(a.read(who, 10), b"x")


@scenario
def no_edge_is_lost_of_many_readers(way):
    ends_ = [pipe() if i % 2 else pair() for i in range(12)]
    for x in ends_[::2]:
        x[0].settimeout(None)
    writers = [x[1] if isinstance(x[0], int) else x[0].fileno() for x in ends_]
    a, *fds = way.start(*[x[0] if isinstance(x[0], int) else x[1] for x in ends_])
    order = random.Random(1)
    for burst in (1, 7, 50):
        a.begin("epoll_drain", 3000, *fds)
        for _ in range(3000 // burst):
            for _ in range(burst):
                os.write(order.choice(writers), b"x")
            if burst < 50:
                time.sleep(0)
        for _ in range(3000 % burst):
            os.write(writers[0], b"x")
        same(a.end(), 3000)


@scenario
def no_edge_is_lost_of_a_writer(way):
    (r, w), (s, theirs) = pipe(), pair()
    a, *fds = way.start(w, theirs)
    order = random.Random(1)
    for fd, here in zip(fds, (r, s.fileno())):
        a.begin("epoll_fill", 1 << 20, fd)
        got = b""
        while len(got) < 1 << 20:
            part = read(here, order.choice((1, 100, 4096, 10000, 65536)))
            if not part:
                break
            got += part
        same(got == pattern(1 << 20), True)
        same(a.end(), 1 << 20)


@scenario
def urgent_data_is_an_event(way):
    s, theirs = tcp_pair()
    a, fd = way.start(theirs)
    ep = epoll(a, fd=(fd, PRI | ET))
    same(poll_one(a, fd, PRI), 0)
    a.begin("poll", -1, "%d:%d" % (fd, PRI))
    true(a.busy(), "it waits")
    s.send(b"!", socket.MSG_OOB)
    same(a.end()[1] & PRI, PRI)
    same(a.epoll_wait(ep, -1), [(fd, PRI)])
    same(a.recv(fd, 1, socket.MSG_OOB), b"!")


main()
