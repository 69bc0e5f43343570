#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who holds which descriptor of the host, of which only a box can tell."""
import fcntl
import os
import resource
import socket

from hostfd import *


@in_box
def hostfds_counts_open_files(way):
    a, fd, other = way.start(*pipe())
    base = {0: 1, 1: 1, 2: 1, a.host[0]: 1, a.host[1]: 1}
    same(a.hostfds(), base)
    same(a.link(fd), "host:[%d]" % a.host[0])
    same(a.dup(fd), 3)
    same(a.dup2(fd, 90), 90)
    same(a.child("hostfds"), base)
    same(a.hostfds(), base)
    same(a.open("/proc/self/fd/%d" % fd, os.O_RDONLY), 4)
    same(a.hostfds(), {**base, a.host[0]: 2})
    same(a.open("/proc/self/fd/4", os.O_RDONLY), 5)
    same(a.hostfds(), {**base, a.host[0]: 3})
    same([a.close(x) for x in (fd, 3, 90)], [0] * 3)
    same(a.hostfds(), {**base, a.host[0]: 2})
    same(a.close(4), 0)
    same(a.hostfds(), base)
    same(a.open("/proc/self/fd/5", os.O_WRONLY), "EACCES")
    same(a.close(5), 0)
    del base[a.host[0]]
    same(a.hostfds(), base)


@in_box
def last_holder_closes(way):
    r, w = pipe()
    a, fd = way.start(w)
    same(a.open("/proc/self/fd/%d" % fd, os.O_WRONLY), 3)
    same(a.dup(3), 4)
    sa, sb = a.socketpair(socket.SOCK_STREAM)
    same(a.sendmsg(sa, 0, [b"x"], [fd]), 1)
    for x in (fd, 3):
        same(a.close(x), 0)
        nothing_comes(r)
    same(a.write(4, [b"still open"]), 10)
    same(read(r), b"still open")
    same(a.close(4), 0)
    nothing_comes(r)
    same(a.recvmsg(sb, 0, [10], room(1)).fds, [3])
    same(a.write(3, [b"again"]), 5)
    same(read(r), b"again")
    same(a.sendmsg(sa, 0, [b"x"], [3]), 1)
    same(a.close(3), 0)
    same(a.close(sa), 0)
    nothing_comes(r)
    same(a.close(sb), 0)
    true(ends(r), "dropped in flight")
    same(a.hostfds(), {0: 1, 1: 1, 2: 1})


@in_box
def end_of_a_child_closes_what_only_it_has(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(w)
    a.begin("child", "open", "/proc/self/fd/%d" % fd, os.O_WRONLY)
    same([a.line(), a.line()], [["3"], ["0"]])
    same(a.hostfds()[a.host[0]], 1)
    same(a.close(fd), 0)
    true(ends(r), "the host's is closed")


@in_box
def numbers_are_used_again(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    seen = set()
    for _ in range(50):
        r, w = pipe()
        send_fds(s, [w])
        os.close(w)
        same(a.recvmsg(fd, 0, [10], room(1)).fds, [3])
        seen |= set(a.hostfds())
        same(a.close(3), 0)
        true(ends(r), "it is closed")
        os.close(r)
    true(len(seen) <= 5, "the host's numbers: %r" % seen)


@in_box
def others_of_the_launchers_cannot_be_taken(way):
    r, w = pipe()
    given = fcntl.fcntl(r, fcntl.F_DUPFD, 20)
    a = Agent(box_command([(given, 40)]) + ["/tests/hostfd-m", "agent"], pass_fds=[r, w, given])
    same({a.take(n) for n in range(300)}, {"EBADF"})
    same(a.hostfds(), {0: 1, 1: 1, 2: 1, given: 1})
    same(a.close(40), 0)
    same(a.take(given), "EBADF")


@in_box
def host_has_no_number_left(way):
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
    s, theirs = pair()
    listener = tcp_listener()
    to = listener.getsockname()
    a, fd, accepting = way.start(theirs, listener)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
    pipes, got = [], []
    for _ in range(5):
        pipes = [pipe() for _ in range(100)]
        send_fds(s, [w for _, w in pipes])
        for _, w in pipes:
            os.close(w)
        m = a.recvmsg(fd, 0, [10], room(100))
        got += m.fds
        if m.flags & socket.MSG_CTRUNC:
            break
        for r, _ in pipes:
            os.close(r)
    same(m.flags & socket.MSG_CTRUNC, socket.MSG_CTRUNC)
    true(200 < len(got) < 300, "there were %d" % len(got))
    same(sum(ends(r) for r, _ in pipes[len(m.fds):]), 100 - len(m.fds))
    c = socket.create_connection(to, timeout=PATIENCE)
    same(a.accept(accepting, 0), "EMFILE")
    same(a.close_range(got[0], Agent.FIRST - 1), 0)
    same(a.accept(accepting, 0)[0], 3)
    c.close()


@in_box
def directory_is_not_received(way):
    s, theirs = pair()
    r, w = pipe()
    a, fd = way.start(theirs)
    send_fds(s, [os.open("/", os.O_RDONLY), w])
    os.close(w)
    m = a.recvmsg(fd, 0, [10], room(2))
    same((m.data, m.flags & socket.MSG_CTRUNC), (b"x", socket.MSG_CTRUNC))
    same(len(a.hostfds()) - 4, len(m.fds))
    same([a.write(x, [b"y"]) for x in m.fds], [1] * len(m.fds))


main()
