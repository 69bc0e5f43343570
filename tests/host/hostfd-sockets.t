#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sockets of the host in a box."""
import errno
import fcntl
import os
import signal
import socket
import struct
import tempfile

from hostfd import *


def inet(address):
    """As the system calls have it."""
    family, port = struct.pack("=H", socket.AF_INET), struct.pack("!H", address[1])
    return family + port + socket.inet_aton(address[0]) + bytes(8)


def unix(path):
    return struct.pack("=H", socket.AF_UNIX) + path.encode() + b"\0"


@scenario
def stream_both_ways(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        s.sendall(b"abcdef")
        same(a.recv(fd, 2, 0), b"ab")
        same(a.read(fd, 2), b"cd")
        same(a.readv(fd, [1, 10]), b"ef")
        a.begin("recv", fd, 100, 0)
        true(a.busy(), "it waits")
        s.sendall(b"later")
        same(a.end(), b"later")
        same(a.write(fd, [b"one ", b"two "]), 8)
        same(a.sendmsg(fd, 0, [b"three ", b"four"], "-"), 10)
        same(read_all(s.fileno(), 18), b"one two three four")
        s.sendall(b"scattered")
        same(a.recvmsg(fd, 0, [3, 4, 5], 0).data, b"scattered")
        same(a.lseek(fd, 0, 0), "ESPIPE")
        s.close()
        same(a.recv(fd, 100, 0), b"")


@scenario
def stream_flags(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        same(a.recv(fd, 10, socket.MSG_DONTWAIT), "EAGAIN")
        s.sendall(b"abcdef")
        same(a.recv(fd, 4, socket.MSG_PEEK), b"abcd")
        same(a.recv(fd, 4, socket.MSG_PEEK), b"abcd")
        same(a.recv(fd, 2, socket.MSG_DONTWAIT), b"ab")
        a.begin("recv", fd, 10, socket.MSG_WAITALL)
        true(a.busy(), "it waits for all")
        s.sendall(b"ghijklm")
        same(a.end(), b"cdefghijkl")
        a.begin("recv", fd, 10, socket.MSG_WAITALL)
        true(a.busy(), "it waits for all")
        s.shutdown(socket.SHUT_WR)
        same(a.end(), b"m")


@scenario
def stream_of_megabytes_each_way(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        a.begin("fill", fd, 2 << 20)
        same(read_all(s.fileno(), 2 << 20) == pattern(2 << 20), True)
        same(a.end(), 2 << 20)
        a.begin("drain", fd, 3 << 20)
        s.sendall(pattern(2 << 20))
        s.shutdown(socket.SHUT_WR)
        same(a.end(), (2 << 20, 0))


@scenario
def stream_whose_peer_leaves(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        same(a.handle(signal.SIGPIPE, 0), 0)
        s.close()
        same(a.recv(fd, 10, 0), b"")
        soon(lambda: a.sendmsg(fd, socket.MSG_NOSIGNAL, [b"x"], "-") == "EPIPE", "EPIPE comes")
        same(a.caught(signal.SIGPIPE), 0)
        same(a.sendmsg(fd, 0, [b"x"], "-"), "EPIPE")
        same(a.caught(signal.SIGPIPE), 1)
        same(a.write(fd, [b"x"]), "EPIPE")
        same(a.caught(signal.SIGPIPE), 1)


@scenario
def connection_that_is_reset(way):
    s, theirs = tcp_pair()
    a, fd = way.start(theirs)
    ep = epoll(a, fd=(fd, IN | ET))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    same(a.epoll_wait(ep, -1)[0][1] & (ERR | HUP), ERR | HUP)
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), errno.ECONNRESET)
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), 0)
    same(a.recv(fd, 10, 0), b"")


@scenario
def shutdown_of_a_stream(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        same(a.handle(signal.SIGPIPE, 0), 0)
        same(a.shutdown(fd, socket.SHUT_WR), 0)
        true(ends(s.fileno()), "the end is seen")
        same(a.sendmsg(fd, 0, [b"x"], "-"), "EPIPE")
        same(a.caught(signal.SIGPIPE), 1)
        s.sendall(b"other way")
        same(a.recv(fd, 10, 0), b"other way")
        same(a.shutdown(fd, socket.SHUT_RD), 0)
        same(a.recv(fd, 10, 0), b"")
        same(a.shutdown(fd, 99), "EINVAL")


@scenario
def shutdown_wakes_who_waits(way):
    for s, theirs in (pair(), tcp_pair()):
        a, fd = way.start(theirs)
        same(a.later(int(MOMENT * 1000), "shutdown", fd, socket.SHUT_RD), 0)
        same(a.recv(fd, 10, 0), b"")
        s.close()


@scenario
def full_stream_does_not_take_more(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    sent = 0
    while (n := a.fill(fd, 100000)) != "EAGAIN":
        sent += n
    same(a.sendmsg(fd, socket.MSG_DONTWAIT, [b"x"], "-"), "EAGAIN")
    same(poll_one(a, fd, OUT), 0)
    same(a.fcntl(fd, fcntl.F_SETFL, 0), 0)
    a.begin("sendmsg", fd, 0, [b"the last"], "-")
    true(a.busy(), "it waits")
    got = read_all(s.fileno(), sent)
    same(len(got), sent)
    same(a.end(), 8)
    same(read(s.fileno()), b"the last")


@scenario
def datagrams_keep_their_bounds(way):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        s, theirs = pair(kind)
        a, fd = way.start(theirs)
        for data in (b"first", b"second one", b"", b"third"):
            s.send(data)
        same(a.recv(fd, 100, 0), b"first")
        same(a.recvmsg(fd, socket.MSG_PEEK, [3, 100], 0).data, b"second one")
        m = a.recvmsg(fd, 0, [2, 2], 0)
        same((m.data, m.flags & socket.MSG_TRUNC), (b"seco", socket.MSG_TRUNC))
        same(a.recv(fd, 100, 0), b"")
        m = a.recvmsg(fd, socket.MSG_TRUNC, [2], 0)
        same((m.data, m.flags & socket.MSG_TRUNC, m.length), (b"th", socket.MSG_TRUNC, 5))
        same(a.recv(fd, 1, socket.MSG_DONTWAIT), "EAGAIN")
        same(a.sendmsg(fd, 0, [b"in ", b"parts"], "-"), 8)
        same(a.write(fd, [b"by write"]), 8)
        same(a.sendmsg(fd, 0, [b""], "-"), 0)
        same(a.sendmsg(fd, 0, [pattern(50000)], "-"), 50000)
        same([s.recv(100000) for _ in range(4)], [b"in parts", b"by write", b"", pattern(50000)])
        s.send(pattern(100000))
        same(a.recv(fd, 200000, 0) == pattern(100000), True)
        a.begin("recv", fd, 100, 0)
        true(a.busy(), "it waits")
        s.send(b"now")
        same(a.end(), b"now")


@scenario
def messages_have_their_flags(way):
    s, theirs = pair(socket.SOCK_SEQPACKET)
    a, fd = way.start(theirs)
    s.send(b"abc", socket.MSG_EOR)
    m = a.recvmsg(fd, 0, [10], 0)
    same((m.data, m.flags), (b"abc", 0))
    s.send(b"abc")
    same(a.recvmsg(fd, socket.MSG_CMSG_CLOEXEC, [10], 0).flags, socket.MSG_CMSG_CLOEXEC)
    s.close()
    m = a.recvmsg(fd, 0, [10], 0)
    same((m.data, m.flags), (b"", 0))


def no_sigpipe(way, kind, error):
    s, theirs = pair(kind)
    a, fd = way.start(theirs)
    same(a.handle(signal.SIGPIPE, 0), 0)
    s.close()
    same(a.sendmsg(fd, 0, [b"x"], "-"), error)
    same(a.caught(signal.SIGPIPE), 0)


@scenario
def datagram_socket_whose_peer_leaves(way):
    no_sigpipe(way, socket.SOCK_DGRAM, "ECONNREFUSED")


@scenario
def no_sigpipe_of_a_seqpacket_socket(way):
    no_sigpipe(way, socket.SOCK_SEQPACKET, "EPIPE")


@scenario
def udp(way):
    mine, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for s in (mine, theirs):
        s.bind(("127.0.0.1", 0))
    here, there = mine.getsockname(), theirs.getsockname()
    mine.settimeout(PATIENCE)
    a, fd = way.start(theirs)
    same(a.getsockname(fd), inet(there))
    same(a.getpeername(fd), "ENOTCONN")
    mine.sendto(b"to the guest", there)
    m = a.recvmsg(fd, 0, [100], 0)
    same((m.data, m.address), (b"to the guest", inet(here)))
    same(a.sendmsg(fd, 0, [b"back"], "-", inet(here)), 4)
    same(mine.recvfrom(100), (b"back", there))
    same(a.sendmsg(fd, 0, [b"x"], "-"), "EDESTADDRREQ")
    same(a.sendmsg(fd, 0, [bytes(70000)], "-", inet(here)), "EMSGSIZE")
    same(a.connect(fd, inet(here)), 0)
    same(a.getpeername(fd), inet(here))
    same(a.write(fd, [b"connected"]), 9)
    same(mine.recv(100), b"connected")
    mine.close()
    same(a.write(fd, [b"to nobody"]), 9)
    soon(lambda: poll_one(a, fd, IN) & ERR, "the error comes")
    same(a.recv(fd, 10, socket.MSG_DONTWAIT), "ECONNREFUSED")
    same(a.recv(fd, 10, socket.MSG_DONTWAIT), "EAGAIN")


@scenario
def error_of_a_datagram_socket(way):
    mine, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    mine.bind(("127.0.0.1", 0))
    theirs.connect(mine.getsockname())
    a, fd = way.start(theirs)
    mine.close()
    same(a.write(fd, [b"to nobody"]), 9)
    soon(lambda: poll_one(a, fd, IN) & ERR, "the error comes")
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), errno.ECONNREFUSED)
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), 0)


@scenario
def names_of_sockets(way):
    s, theirs = tcp_pair()
    here, there = s.getsockname(), theirs.getsockname()
    a, fd, un = way.start(theirs, pair()[1])
    same(a.getsockname(fd), inet(there))
    same(a.getpeername(fd), inet(here))
    same(a.getsockname(un), struct.pack("=H", socket.AF_UNIX))
    same(a.getsockname(1), "ENOTSOCK")


@scenario
def listener_of_tcp(way):
    listener = tcp_listener()
    to = listener.getsockname()
    a, fd = way.start(listener)
    same(a.getsockname(fd), inet(to))
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1)
    same(poll_one(a, fd, IN), 0)
    a.begin("accept", fd, 0)
    true(a.busy(), "it waits")
    s = socket.create_connection(to, timeout=PATIENCE)
    same(a.end(), (3, inet(s.getsockname())))
    same(a.getpeername(3), inet(s.getsockname()))
    same(a.getsockname(3), inet(to))
    s.sendall(b"hello")
    same(a.recv(3, 100, 0), b"hello")
    same(a.write(3, [b"and back"]), 8)
    same(s.recv(100), b"and back")
    same(a.close(3), 0)
    true(ends(s.fileno()), "the end is seen")
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.accept(fd, 0), "EAGAIN")
    ep = epoll(a, fd=(fd, IN | ET))
    same(a.epoll_wait(ep, 5), [])
    t = [socket.create_connection(to, timeout=PATIENCE) for _ in range(3)]
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.accept(fd, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)[0], 4)
    same(a.fcntl(4, fcntl.F_GETFD, 0), 1)
    same(a.recv(4, 10, 0), "EAGAIN")
    same(a.accept(fd, 0)[0], 5)
    same((a.fcntl(5, fcntl.F_GETFD, 0), a.fcntl(5, fcntl.F_GETFL, 0) & os.O_NONBLOCK), (0, 0))
    same(a.close(fd), 0)
    del t


@scenario
def listener_of_unix(way):
    with tempfile.TemporaryDirectory(prefix="kbox-test.") as where:
        path = where + "/s"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        a, fd = way.start(listener)
        same(a.getsockname(fd), unix(path))
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        same(a.accept(fd, 0), (3, struct.pack("=H", socket.AF_UNIX)))
        s.sendall(b"x")
        same(a.recv(3, 10, 0), b"x")
        same(a.getsockname(3), unix(path))


@scenario
def listener_that_is_the_guests(way):
    mine = socket.socket()
    a, fd = way.start(mine)
    same(a.bind(fd, inet(("127.0.0.1", 0))), 0)
    same(a.listen(fd, 5), 0)
    name = a.getsockname(fd)
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1)
    s = socket.create_connection(("127.0.0.1", struct.unpack("!H", name[2:4])[0]), timeout=PATIENCE)
    same(a.accept(fd, 0), (3, inet(s.getsockname())))
    same(a.accept(3, 0), "EINVAL")


@scenario
def connecting(way):
    listener = tcp_listener()
    a, fd, other, third = way.start(socket.socket(), socket.socket(), socket.socket())
    same(a.connect(fd, inet(listener.getsockname())), 0)
    same(a.getpeername(fd), inet(listener.getsockname()))
    same(a.connect(fd, inet(listener.getsockname())), "EISCONN")
    s = listener.accept()[0]
    s.sendall(b"hello")
    same(a.recv(fd, 10, 0), b"hello")
    same(a.fcntl(other, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    true(a.connect(other, inet(listener.getsockname())) in ("EINPROGRESS", 0), "it is on its way")
    same(poll_one(a, other, OUT, -1), OUT)
    same(a.getsockopt(other, socket.SOL_SOCKET, socket.SO_ERROR), 0)
    same(a.write(other, [b"x"]), 1)
    listener.accept()
    name = inet(listener.getsockname())
    listener.close()
    same(a.connect(third, name), "ECONNREFUSED")


@scenario
def connecting_to_nobody_without_waiting(way):
    listener = tcp_listener()
    name = inet(listener.getsockname())
    listener.close()
    a, fd = way.start(socket.socket())
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.connect(fd, name), "EINPROGRESS")
    same(poll_one(a, fd, OUT, -1) & (OUT | ERR), OUT | ERR)
    same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), errno.ECONNREFUSED)


@in_box
def paths_of_the_host_are_no_names_here(way):
    """A guest has the sockets that it is given, and no others."""
    with tempfile.TemporaryDirectory(prefix="kbox-test.") as where:
        listener, receiver = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(where + "/s")
        listener.listen()
        receiver.bind(where + "/d")
        a, stream, dgram = way.start(socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        for path in ("/s", "/d", "/none"):
            same(a.connect(stream, unix(where + path)), "EOPNOTSUPP")
            same(a.connect(dgram, unix(where + path)), "EOPNOTSUPP")
            same(a.bind(dgram, unix(where + path)), "EOPNOTSUPP")
            same(a.sendmsg(dgram, 0, [b"x"], "-", unix(where + path)), "EOPNOTSUPP")
        same(a.bind(stream, unix(where + "/new")), "EOPNOTSUPP")
        nothing_comes(listener)
        nothing_comes(receiver)
        same(sorted(os.listdir(where)), ["d", "s"])


@in_box
def connection_that_was_given_is_kept(way):
    s, theirs = tcp_pair()
    a, fd = way.start(theirs)
    same(a.connect(fd, bytes(16)), "EOPNOTSUPP")        # AF_UNSPEC: would be free for another
    same(a.write(fd, [b"still"]), 5)
    same(s.recv(10), b"still")


@scenario
def timeouts_of_sockets(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    same(a.set_timeout(fd, socket.SO_RCVTIMEO, 20), 0)
    same(a.get_timeout(fd, socket.SO_RCVTIMEO), 20)
    same(a.recv(fd, 10, 0), "EAGAIN")
    same(a.read(fd, 10), "EAGAIN")
    s.send(b"x")
    same(a.recv(fd, 10, 0), b"x")
    same(a.set_timeout(fd, socket.SO_SNDTIMEO, 20), 0)
    while a.fill(fd, 1 << 20) == 1 << 20:
        pass
    same(a.fill(fd, 1 << 20), "EAGAIN")
    same(a.set_timeout(fd, socket.SO_RCVTIMEO, 0), 0)
    a.begin("recv", fd, 10, 0)
    true(a.busy(), "it waits")
    s.send(b"y")
    same(a.end(), b"y")


@scenario
def options_of_sockets(way):
    kinds = [(socket.AF_UNIX, k) for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)] + \
        [(socket.AF_INET, k) for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    mine = [socket.socket(*k) for k in kinds]
    a, *fds = way.start(*[s.dup() for s in mine])
    for fd, (domain, kind), s in zip(fds, kinds, mine):
        same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_TYPE), kind)
        same(a.getsockopt(fd, socket.SOL_SOCKET, 39), domain)       # SO_DOMAIN
        same(a.getsockopt(fd, socket.SOL_SOCKET, 38), s.proto or s.getsockopt(socket.SOL_SOCKET, 38))
        same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ERROR), 0)
        same(a.getsockopt(fd, socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 0)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF, socket.SO_RCVLOWAT):
            same(a.getsockopt(fd, socket.SOL_SOCKET, option), s.getsockopt(socket.SOL_SOCKET, option), "option %d" % option)
    tcp, here = fds[3], mine[3]
    same(a.setsockopt(tcp, socket.SOL_SOCKET, socket.SO_RCVBUF, 50000), 0)
    same(here.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), 100000)
    same(a.getsockopt(tcp, socket.SOL_SOCKET, socket.SO_RCVBUF), 100000)
    for level, option in ((socket.SOL_SOCKET, socket.SO_REUSEADDR), (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                          (socket.IPPROTO_TCP, socket.TCP_NODELAY)):
        same(a.setsockopt(tcp, level, option, 1), 0)
        same(here.getsockopt(level, option), 1)
        same(a.getsockopt(tcp, level, option), 1)
        here.setsockopt(level, option, 0)
        same(a.getsockopt(tcp, level, option), 0)
    same(a.getsockopt(tcp, socket.SOL_SOCKET, 9999), "ENOPROTOOPT")
    same(a.setsockopt(tcp, socket.SOL_SOCKET, 9999, 1), "ENOPROTOOPT")
    same(a.set_bytes(tcp, socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3)), 0)
    same(a.get_bytes(tcp, socket.SOL_SOCKET, socket.SO_LINGER, 8), struct.pack("ii", 1, 3))
    same(a.get_bytes(fds[0], socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:], mine[0].getsockopt(socket.SOL_SOCKET, 17, 12)[4:])


@scenario
def socket_that_another_has_nonblocking(way):
    s, theirs = pair()
    theirs.setblocking(False)
    a, fd = way.start(theirs)
    same(a.recv(fd, 10, 0), "EAGAIN")
    same(a.fcntl(fd, fcntl.F_SETFL, 0), 0)
    a.begin("recv", fd, 10, 0)
    true(a.busy(), "it waits")
    s.send(b"x")
    same(a.end(), b"x")


@scenario
def sockets_poll_and_select(way):
    s, theirs = pair()
    a, fd = way.start(theirs)
    same(poll_one(a, fd, IN | OUT), OUT)
    s.send(b"x")
    same(poll_one(a, fd, IN | OUT), IN | OUT)
    same(a.select(0, "r%d" % fd, "w%d" % fd), {"r%d" % fd, "w%d" % fd})
    same(a.recv(fd, 10, 0), b"x")
    a.begin("poll", -1, "%d:%d" % (fd, IN | RDHUP))
    true(a.busy(), "it waits")
    s.shutdown(socket.SHUT_WR)
    same(a.end(), [1, IN | RDHUP])
    s.close()
    same(poll_one(a, fd, 0, -1), HUP)


main()
