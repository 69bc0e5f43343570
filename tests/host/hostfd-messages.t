#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Descriptors in messages by sockets of the host."""
import fcntl
import os
import resource
import select
import socket

from hostfd import *


def recv_fds(s, n=253):
    return socket.recv_fds(s, 1000, n)[:3]


@scenario
def descriptors_come_from_the_host(way):
    s, theirs = pair()
    (r, w), (r2, w2), f = pipe(), pipe(), file(b"content")
    t, others = pair(socket.SOCK_DGRAM)
    a, fd = way.start(theirs)
    send_fds(s, [r, w2, f, others.fileno()], b"four")
    for x in (r, w2, f):
        os.close(x)
    others.close()
    m = a.recvmsg(fd, 0, [10], room(4))
    same((m.data, m.flags, m.fds), (b"four", 0, [3, 4, 5, 6]))
    same([a.fcntl(x, fcntl.F_GETFD, 0) for x in m.fds], [0] * 4)
    os.write(w, b"in")
    same(a.read(3, 10), b"in")
    same(a.write(4, [b"out"]), 3)
    same(read(r2), b"out")
    same(a.read(5, 10), b"content")
    t.send(b"datagram")
    same(a.recv(6, 100, 0), b"datagram")
    same(a.close(4), 0)
    true(ends(r2), "the end is seen")
    same(a.close(6), 0)
    same(t.recv(10, socket.MSG_DONTWAIT) if readable(t.fileno(), 0) else b"", b"")


@scenario
def descriptors_come_to_be_closed_by_exec(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    r, w = pipe()
    send_fds(s, [r])
    same(a.recvmsg(fd, socket.MSG_CMSG_CLOEXEC, [10], room(1)).fds, [3])
    same(a.fcntl(3, fcntl.F_GETFD, 0), 1)


@scenario
def as_many_descriptors_as_fit(way):
    s, theirs = pair()
    pipes = [pipe() for _ in range(253)]
    a, fd = way.start(theirs)
    send_fds(s, [w for _, w in pipes])
    for _, w in pipes:
        os.close(w)
    m = a.recvmsg(fd, 0, [10], room(253))
    same((m.data, m.flags, len(m.fds)), (b"x", 0, 253))
    for i in (0, 100, 252):
        same(a.write(m.fds[i], [b"%d" % i]), len(b"%d" % i))
        same(read(pipes[i][0]), b"%d" % i)
    same(a.close(m.fds[100]), 0)
    true(ends(pipes[100][0]), "one is closed")
    same(a.close_range(m.fds[0], m.fds[252]), 0)
    same(all(ends(r) for r, _ in pipes), True)


@scenario
def too_little_room_for_descriptors(way):
    s, theirs = pair()
    pipes = [pipe() for _ in range(3)]
    a, fd = way.start(theirs)
    send_fds(s, [w for _, w in pipes])
    for _, w in pipes:
        os.close(w)
    m = a.recvmsg(fd, 0, [10], room(1))
    same((m.data, m.flags & socket.MSG_CTRUNC, m.fds), (b"x", socket.MSG_CTRUNC, [3]))
    true(ends(pipes[1][0]) and ends(pipes[2][0]), "those without room are closed")
    same(a.write(3, [b"still"]), 5)
    same(read(pipes[0][0]), b"still")


@scenario
def no_room_for_descriptors(way):
    s, theirs = pair()
    (r, w), (r2, w2), (r3, w3) = pipe(), pipe(), pipe()
    a, fd = way.start(theirs)
    send_fds(s, [w])
    send_fds(s, [w2])
    send_fds(s, [w3])
    for x in (w, w2, w3):
        os.close(x)
    m = a.recvmsg(fd, 0, [1], 0)
    same((m.data, m.flags, m.fds), (b"x", socket.MSG_CTRUNC, []))
    true(ends(r), "it is closed")
    same(a.recv(fd, 1, 0), b"x")
    true(ends(r2), "it is closed")
    same(a.read(fd, 1), b"x")
    true(ends(r3), "it is closed")


@scenario
def no_descriptor_is_left(way):
    s, theirs = pair()
    pipes = [pipe() for _ in range(3)]
    a, fd = way.start(theirs)
    while a.dup(0) != Agent.FIRST - 2:
        pass
    same(a.limit(Agent.FIRST), 0)
    send_fds(s, [w for _, w in pipes])
    for _, w in pipes:
        os.close(w)
    m = a.recvmsg(fd, 0, [10], room(3))
    same((m.data, m.flags & socket.MSG_CTRUNC, m.fds), (b"x", socket.MSG_CTRUNC, [Agent.FIRST - 1]))
    true(ends(pipes[1][0]) and ends(pipes[2][0]), "those without a number are closed")


@scenario
def descriptors_that_are_peeked_at(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(theirs)
    send_fds(s, [w])
    os.close(w)
    same(a.recvmsg(fd, socket.MSG_PEEK, [10], room(1)).fds, [3])
    same(a.recvmsg(fd, 0, [10], room(1)).fds, [4])
    same(a.write(3, [b"a"]), 1)
    same(a.close(3), 0)
    same(a.write(4, [b"b"]), 1)
    same(read_all(r, 2), b"ab")
    same(a.close(4), 0)
    true(ends(r), "both are closed")


@scenario
def descriptors_that_nobody_receives(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(theirs)
    send_fds(s, [w])
    os.close(w)
    nothing_comes(r)
    same(a.close(fd), 0)
    true(ends(r), "it is closed with the socket")


@scenario
def message_by_descriptors_is_a_bound(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(theirs)
    s.send(b"before")
    send_fds(s, [r], b"with")
    s.send(b"after")
    m = [a.recvmsg(fd, 0, [100], room(1)) for _ in range(2)]
    same([(x.data, x.fds) for x in m][0], (b"beforewith", [3]))
    same([(x.data, x.fds) for x in m][1], (b"after", []))


@scenario
def descriptors_go_to_the_host(way):
    s, theirs = pair()
    (r, w), (r2, w2), f = pipe(), pipe(), file(b"content")
    t, others = pair()
    a, fd, src, dst, fl, sock = way.start(theirs, r, w2, f, others)
    same(a.sendmsg(fd, 0, [b"four"], [src, dst, fl, sock]), 4)
    data, fds, flags = recv_fds(s)
    same((data, len(fds), flags), (b"four", 4, 0))
    os.write(w, b"a")
    same(read(fds[0]), b"a")
    os.write(fds[1], b"b")
    same(read(r2), b"b")
    same(os.read(fds[2], 3), b"con")
    same(a.read(fl, 10), b"tent")
    got = socket.socket(fileno=fds[3])
    t.send(b"c")
    same(got.recv(10), b"c")
    same(a.close(dst), 0)
    nothing_comes(r2)
    os.close(fds[1])
    true(ends(r2), "then nobody has it")


@scenario
def descriptors_go_by_datagrams(way):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        s, theirs = pair(kind)
        r, w = pipe()
        a, fd, dst = way.start(theirs, w)
        same(a.sendmsg(fd, 0, [b"one"], [dst]), 3)
        data, fds, _ = recv_fds(s)
        same((data, len(fds)), (b"one", 1))
        send_fds(s, fds)
        m = a.recvmsg(fd, 0, [10], room(1))
        same((m.data, len(m.fds)), (b"x", 1))
        same(a.write(m.fds[0], [b"y"]), 1)
        same(read(r), b"y")


@scenario
def descriptor_is_closed_after_it_is_sent(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd, dst = way.start(theirs, w)
    same(a.sendmsg(fd, 0, [b"x"], [dst]), 1)
    same(a.close(dst), 0)
    nothing_comes(r)
    data, fds, _ = recv_fds(s)
    os.write(fds[0], b"y")
    same(read(r), b"y")


@scenario
def bad_descriptors_are_not_sent(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd, dst = way.start(theirs, w)
    same(a.sendmsg(fd, 0, [b"x"], [99]), "EBADF")
    same(a.sendmsg(fd, 0, [b"x"], [dst, -1]), "EBADF")
    same(a.sendmsg(fd, 0, [b"x"], [dst] * 254), "EINVAL")
    nothing_comes(s.fileno())
    same(a.sendmsg(fd, 0, [b"x"], [dst] * 253), 1)
    data, fds, _ = recv_fds(s)
    same((data, len(fds)), (b"x", 253))


@in_box
def files_of_the_guest_are_not_sent(way):
    s, theirs = pair()
    a, fd, src = way.start(theirs, pipe()[0])
    same(a.open("/etc/passwd", os.O_RDONLY), 3)
    pr, pw = a.pipe()
    sa, sb = a.socketpair(socket.SOCK_STREAM)
    for x in (3, pr, pw, sa):
        same(a.sendmsg(fd, 0, [b"x"], [x]), "EOPNOTSUPP")
        same(a.sendmsg(fd, 0, [b"x"], [src, x]), "EOPNOTSUPP")
        same(a.sendmsg(fd, 0, [b"x"], [x, src]), "EOPNOTSUPP")
    nothing_comes(s.fileno())
    same(a.hostfds(), {0: 1, 1: 1, 2: 1, a.host[0]: 1, a.host[1]: 1})
    same(a.sendmsg(fd, 0, [b"x"], [src]), 1)
    same(a.sendmsg(sa, 0, [b"y"], [3, src]), 1)
    same(len(a.recvmsg(sb, 0, [10], room(2)).fds), 2)


@scenario
def descriptor_goes_back_and_forth(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd, at = way.start(theirs, w)
    for i in range(100):
        same(a.sendmsg(fd, 0, [b"x"], [at]), 1)
        same(a.close(at), 0)
        _, fds, _ = recv_fds(s)
        os.write(fds[0], b"h")
        send_fds(s, fds)
        os.close(fds[0])
        m = a.recvmsg(fd, 0, [10], room(1))
        at = m.fds[0]
        same(a.write(at, [b"g"]), 1)
    same(read_all(r, 200), b"hg" * 100)
    if way is Box:
        same(sorted(a.hostfds().values()), [1] * 5)
    same(a.close(at), 0)
    true(ends(r), "nobody has it")


@scenario
def socket_is_sent_by_itself(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    same(a.sendmsg(fd, 0, [b"x"], [fd]), 1)
    _, fds, _ = recv_fds(s)
    got = socket.socket(fileno=fds[0])
    got.send(b"as you")
    same(s.recv(10), b"as you")


@scenario
def children_receive_and_send(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(theirs)
    send_fds(s, [w])
    os.close(w)
    a.begin("child", "recvmsg", fd, 0, [10], room(1))
    words = a.line()
    same(words[3], "3")
    same(a.line(), ["0"])
    true(ends(r), "it goes with the child")


@scenario
def fifteen_thousand_descriptors(way):
    want = 15000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < want + 300:
        return "RLIMIT_NOFILE is %d" % hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    s, theirs = pair()
    a, fd = way.start(theirs)
    same(a.limit(want + 200), 0)
    a.begin("receive_many", fd, want)
    readers = []
    while len(readers) < want:
        pipes = [pipe() for _ in range(min(200, want - len(readers)))]
        send_fds(s, [w for _, w in pipes])
        readers += [r for r, _ in pipes]
        for _, w in pipes:
            os.close(w)
    same(a.end(), want)
    if way is Box:
        same(len(hostfds_of_many(a)), want + 4)
    polled = select.poll()
    for r in readers:
        polled.register(r, select.POLLIN)
    same(polled.poll(0), [])
    same(a.close_range(Agent.FIRST + 1, Agent.FIRST + 5000), 0)
    same(len(polled.poll(0)), 5000)
    same(a.close_range(3, Agent.FIRST - 1), 0)
    same(a.close_range(Agent.FIRST + 1, 99999), 0)
    same(len(polled.poll(0)), want)
    same([r for r in readers if os.read(r, 1)], [])
    if way is Box:
        same(len(a.hostfds()), 4)


def hostfds_of_many(a):
    """/proc/hostfds, which is long then."""
    at = a.open("/proc/hostfds", os.O_RDONLY)
    lines = b""
    while (part := a.read(at, 1 << 20)):
        lines += part
    same(a.close(at), 0)
    return dict(tuple(map(int, x.split())) for x in lines.splitlines())


main()
