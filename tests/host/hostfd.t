#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Descriptors of the host in a box (kbox --fd N[:M], and stdio). Each scenario runs natively and in a box, and both have to do
what is written here: the one natively says whether the scenario is right. Arguments: shell patterns of the names to run.

BUILD, KBOX, IMAGE, KBOX_FLAGS and SECONDS_LIMIT and KBOX_SLOWNESS in the environment are as for tests/run.
"""
import collections
import contextlib
import errno
import fcntl
import fnmatch
import os
import pty
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))))
BUILD = os.environ.get("BUILD", TOP + "/build")
KBOX = os.environ.get("KBOX", BUILD + "/kbox")
IMAGE = os.environ.get("IMAGE", BUILD + "/test.img")
TOOL = os.environ.get("HOSTFD_TOOL", BUILD + "/tests/hostfd-m")
SLOWNESS = int(os.environ.get("KBOX_SLOWNESS", 1))
LIMIT = float(os.environ.get("SECONDS_LIMIT", 600 * SLOWNESS))
PATIENCE = LIMIT / 6                    # for what comes soon
MOMENT = 0.03 * min(SLOWNESS, 5)        # how long something has not come that does not
OFTEN = int(MOMENT * 200)       # milliseconds
PAGE = 4096
ET, ONESHOT = select.EPOLLET, select.EPOLLONESHOT
IN, OUT, PRI, ERR, HUP, RDHUP = (getattr(select, "EPOLL" + x) for x in ("IN", "OUT", "PRI", "ERR", "HUP", "RDHUP"))
ADD, DEL, MOD = 1, 2, 3
SHARED, PRIVATE, READ, WRITE, EXEC = 1, 2, 1, 2, 4
TIOCOUTQ, TIOCSTI = termios.TIOCOUTQ, termios.TIOCSTI
problems = []


# What is expected.

def problem(what, *notes):
    where = [f.lineno for f in traceback.extract_stack() if f.filename == __file__ and f.name not in ("problem", "same", "true", "soon")]
    problems.append("line %d: %s" % (where[-1], what))
    problems.extend(repr(n) for n in notes)


def same(got, want, what=""):
    if got != want:
        problem("%s%r, not %r" % (what and what + ": ", shorter(got), shorter(want)))


def shorter(x):
    return x[:60] + b"..." if isinstance(x, bytes) and len(x) > 80 else x


def true(good, what):
    if not good:
        problem(what)


def soon(good, what):
    end = time.monotonic() + PATIENCE
    while not good():
        if time.monotonic() > end:
            return problem(what)
        time.sleep(0.002)


# The host's side.

def readable(fd, seconds=None):
    return bool(select.select([fd], [], [], PATIENCE if seconds is None else seconds)[0])


def nothing_comes(fd):
    true(not readable(fd, MOMENT), "there is something to read")


def read(fd, n=65536):
    return os.read(fd, n) if readable(fd) else None


def read_all(fd, n):
    data = b""
    while len(data) < n and readable(fd):
        part = os.read(fd, n - len(data))
        if not part:
            break
        data += part
    return data


def ends(fd):
    """The writers of a pipe, or who has the other end of a socket, have closed it."""
    return read(fd) == b""


def pattern(n):
    return (bytes(range(251)) * (n // 251 + 1))[:n]


def pipe():
    return os.pipe()


def blocking_pipe_is_full(fd):
    os.set_blocking(fd, False)
    n = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            n += os.write(fd, bytes(4096))
    os.set_blocking(fd, True)
    return n


def file(content=b"", flags=os.O_RDWR):
    """A file of no name, by which it could be reached."""
    name = tempfile.mkstemp(prefix="kbox-test.")
    os.write(name[0], content)
    os.close(name[0])
    fd = os.open(name[1], flags)
    os.unlink(name[1])
    return fd


def content(fd):
    return os.pread(fd, 1 << 24, 0)


def pair(kind=socket.SOCK_STREAM):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    a.settimeout(PATIENCE)
    b.settimeout(None)
    return a, b


def tcp_listener():
    return socket.create_server(("127.0.0.1", 0))


def tcp_pair():
    with tcp_listener() as server:
        a = socket.create_connection(server.getsockname(), timeout=PATIENCE)
        b = server.accept()[0]
    b.settimeout(None)
    return a, b


def inet(address):
    """As the system calls have it."""
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", address[1]) + socket.inet_aton(address[0]) + bytes(8)


def unix(path):
    return struct.pack("=H", socket.AF_UNIX) + path.encode() + b"\0"


# The guest's side: tests/guest/hostfd.c does what it is told to.

Message = collections.namedtuple("Message", "data flags fds address length")
Stat = collections.namedtuple("Stat", "mode size ino nlink rdev mtime")
DATA = {"read", "pread", "readv", "preadv", "recv", "peek", "look", "getsockname", "getpeername", "get_bytes"}
NUMBERS = {"pipe", "socketpair", "winsize", "drain"}
ONE = {"getsockopt", "get_timeout"}
NAMES = {**errno.errorcode, errno.EAGAIN: "EAGAIN", errno.EOPNOTSUPP: "EOPNOTSUPP"}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def encode(arg):
    if isinstance(arg, (bytes, bytearray)):
        return arg.hex() or "-"
    if isinstance(arg, list):
        return ",".join(encode(a) for a in arg) or "-"
    return str(int(arg)) if isinstance(arg, (int, bool)) else str(arg)


def decode(action, ret, words):
    if ret < 0:
        return NAMES.get(-ret, ret)
    if words and words[0] == "signal":
        return ("signal", *map(int, words[1:]))
    if action in DATA:
        return unhex(words[0])
    if action in NUMBERS:
        return tuple(map(int, ([ret] if action == "drain" else []) + words))
    if action in ONE:
        return int(words[0])
    if action in ("poll", "sendfile", "ioctl_int", "tcgetattr", "epoll_twice"):
        return [ret] + [w if action == "tcgetattr" and i == 4 else int(w) for i, w in enumerate(words)]
    if action == "select":
        return set(words)
    if action == "epoll_wait":
        return sorted(tuple(map(int, w.split(":"))) for w in words)
    if action == "hostfds":
        return dict(tuple(map(int, w.split(":"))) for w in words)
    if action == "fstat":
        return Stat(*map(int, words[:5]), int(words[5]) * 10**9 + int(words[6]))
    if action == "recvmsg":
        fds = [] if words[2] == "-" else list(map(int, words[2].split(",")))
        return Message(unhex(words[0]), int(words[1]), fds, unhex(words[3]), ret)
    if action == "accept":
        return ret, unhex(words[0])
    if action == "link":
        return words[0]
    return ret


class Agent:
    """A process that has some descriptors of ours, and does what it is told to; a.read(5, 100), as an example."""
    FIRST = 40      # of its numbers for those

    def __init__(self, command, **popen):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0, **popen)
        self.seen = b""
        self.asked = None

    def begin(self, action, *args):
        self.asked = action
        self.process.stdin.write((" ".join([action] + [encode(a) for a in args]) + "\n").encode())

    def line(self):
        out = self.process.stdout.fileno()
        while b"\n" not in self.seen:
            data = read(out)
            if not data:
                self.errors.seek(0)
                raise RuntimeError("no answer to %s%s; %r, %r" % (self.asked, " in time" if data is None else ", it has ended",
                                                                self.seen, self.errors.read(2000)))
            self.seen += data
        line, self.seen = self.seen.split(b"\n", 1)
        return line.decode().split(" ")

    def end(self):
        words = self.line()
        return decode(self.asked, int(words[0]), words[1:])

    def busy(self):
        """It has not answered yet, and does not in a while."""
        return not self.seen and not readable(self.process.stdout.fileno(), MOMENT)

    def __getattr__(self, action):
        def call(*args):
            self.begin(action, *args)
            return self.end()
        return call

    def child(self, action, *args):
        """By a child of its; the result, and how the child ended."""
        self.begin("child", action, *args)
        words = self.line()
        same(self.line(), ["0"], "how the child ended")
        return decode(action, int(words[0]), words[1:])

    def finish(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()


def goes_on(a):
    """Its processes do, while one of them waits: the host must not make their whole kernel wait."""
    same(len(a.pipe()), 2)


def numbers(fds):
    return [f if isinstance(f, int) else f.fileno() for f in fds]


def give_away(fds):
    for f in fds:
        os.close(f) if isinstance(f, int) else f.close()


class Native:
    name = "native"

    @staticmethod
    def start(*fds, agent=Agent):
        """An agent, and its descriptors for these; here they are closed."""
        targets = list(range(Agent.FIRST, Agent.FIRST + len(fds)))

        def place():
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, Agent.FIRST + 100) for fd in numbers(fds)]
            for fd, to in zip(high, targets):
                os.dup2(fd, to)

        a = agent([TOOL, "agent"], preexec_fn=place, close_fds=False)
        give_away(fds)
        return [a] + targets


class Box:
    name = "box"

    @staticmethod
    def start(*fds, agent=Agent):
        targets = list(range(Agent.FIRST, Agent.FIRST + len(fds)))
        a = agent(box_command(zip(numbers(fds), targets)) + ["/tests/hostfd-m", "agent"], pass_fds=numbers(fds))
        a.host = numbers(fds)
        give_away(fds)
        return [a] + targets


def box_command(fds=(), *options):
    """fds: of ours, and of the guest's"""
    command = [KBOX, "-S", IMAGE, "--ephemeral", "--mem", "256M", *os.environ.get("KBOX_FLAGS", "").split(), *options]
    for pair_ in fds:
        command += ["--fd", "%d:%d" % tuple(pair_)]
    return command + ["--"]


def run_box(fds, *command, options=(), **more):
    """(status, output, errors) of a command in a box"""
    p = subprocess.run(box_command(fds, *options) + list(command), pass_fds=[n for n, _ in fds if n > 2], timeout=LIMIT,
                       **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})
    return p.returncode, p.stdout, p.stderr


SCENARIOS = []


def scenario(f):
    SCENARIOS.extend([(f, Native), (f, Box)])
    return f


def in_box(f):
    """What natively is otherwise, or is not at all."""
    SCENARIOS.append((f, Box))
    return f


# Files.

@scenario
def file_is_read_and_written(way):
    mine = file(b"0123456789")
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 4), b"0123")
    same(a.write(fd, [b"abc"]), 3)
    same(a.readv(fd, [1, 1, 100]), b"789")
    same(a.read(fd, 10), b"")
    same(a.pread(fd, 100, 2), b"23abc789")
    same(a.preadv(fd, [2, 3], 1), b"123ab")
    same(a.pread(fd, 1, 1000), b"")
    same(a.pwrite(fd, [b"XY", b"Z"], 0), 3)
    same(a.write(fd, [b"!", b"", b"?"]), 2)
    same(content(mine), b"XYZ3abc789!?")
    same(a.pread(fd, 1, -1), "EINVAL")
    same(a.read(fd, 0), b"")
    same(a.write(fd, [b""]), 0)


@scenario
def file_offset_is_shared_with_the_host(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)
    same(os.read(mine, 50), pattern(150)[100:])
    same(a.lseek(fd, 0, os.SEEK_CUR), 150)
    same(a.pread(fd, 10, 500), pattern(510)[500:])
    same(a.pwrite(fd, [b"x"], 999), 1)
    same(os.lseek(mine, 0, os.SEEK_CUR), 150)
    same(a.lseek(fd, -10, os.SEEK_END), 990)
    same(os.read(mine, 100), pattern(999)[990:] + b"x")
    same(a.lseek(fd, 5, os.SEEK_SET), 5)
    same(a.dup(fd), 3)
    same(a.read(3, 2), pattern(7)[5:])
    same(a.child("read", fd, 2), pattern(9)[7:])
    same(a.lseek(fd, 0, os.SEEK_CUR), 9)
    same(a.write(fd, [b"--"]), 2)
    same(os.lseek(mine, 0, os.SEEK_CUR), 11)
    same(a.lseek(fd, 5000, os.SEEK_SET), 5000)
    same(a.read(fd, 1), b"")
    same(a.lseek(fd, -1, os.SEEK_SET), "EINVAL")
    same(a.lseek(fd, 0, 99), "EINVAL")


@scenario
def file_with_holes(way):
    mine = file()
    os.ftruncate(mine, 1 << 20)
    os.pwrite(mine, b"x" * 4096, 512 << 10)
    a, fd = way.start(os.dup(mine))
    same(a.lseek(fd, 0, os.SEEK_DATA), os.lseek(mine, 0, os.SEEK_DATA))
    same(a.lseek(fd, 0, os.SEEK_HOLE), os.lseek(mine, 0, os.SEEK_HOLE))
    same(a.lseek(fd, 2 << 20, os.SEEK_DATA), "ENXIO")
    same(a.pread(fd, 10, (512 << 10) - 5), bytes(5) + b"xxxxx")
    same(a.pwrite(fd, [b"far"], 5 << 30), 3)
    same(os.fstat(mine).st_size, (5 << 30) + 3)
    same(a.pread(fd, 10, 5 << 30), b"far")


@scenario
def file_of_megabytes(way):
    mine = file()
    a, fd = way.start(os.dup(mine))
    same(a.fill(fd, 3 << 20), 3 << 20)
    same(content(mine) == pattern(3 << 20), True)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(len(a.read(fd, 1 << 20)), 1 << 20)
    same(os.lseek(mine, 0, os.SEEK_CUR), 1 << 20)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.drain(fd, 4 << 20), (3 << 20, 0))


@scenario
def file_that_is_appended_to(way):
    mine = file(b"first", os.O_RDWR | os.O_APPEND)
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_APPEND, os.O_APPEND)
    same(a.write(fd, [b" second"]), 7)
    os.write(mine, b" third")
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.write(fd, [b" fourth"]), 7)
    same(a.pwrite(fd, [b"!"], 0), 1)
    same(content(mine), b"first second third fourth!")


@scenario
def append_is_set_by_fcntl(way):
    mine = file(b"first")
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_APPEND), 0)
    same(a.write(fd, [b" second"]), 7)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.write(fd, [b" third"]), 6)
    same(content(mine), b"first second third")


@scenario
def append_is_cleared_by_fcntl(way):
    mine = file(b"first", os.O_RDWR | os.O_APPEND)
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_SETFL, 0), 0)
    same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_APPEND, 0)
    same(a.write(fd, [b"F"]), 1)
    same(content(mine), b"First")


@scenario
def file_sizes(way):
    mine = file(pattern(100))
    a, fd = way.start(os.dup(mine))
    same(a.ftruncate(fd, 10), 0)
    same(content(mine), pattern(10))
    same(a.fstat(fd).size, 10)
    same(a.ftruncate(fd, 20), 0)
    same(content(mine), pattern(10) + bytes(10))
    same(a.ftruncate(fd, -1), "EINVAL")
    os.ftruncate(mine, 7)
    same(a.fstat(fd).size, 7)
    same(a.lseek(fd, 0, os.SEEK_END), 7)
    same(a.fallocate(fd, 0, 0, 8192), 0)
    same(os.fstat(mine).st_size, 8192)
    same(a.fallocate(fd, 1, 0, 16384), 0)       # FALLOC_FL_KEEP_SIZE
    same(a.fstat(fd).size, 8192)
    same(a.fallocate(fd, 3, 0, 4), 0)           # and FALLOC_FL_PUNCH_HOLE
    same(content(mine)[:8], bytes(4) + pattern(7)[4:] + b"\0")
    same(a.fallocate(fd, 0, 0, 0), "EINVAL")
    same(a.fsync(fd), 0)
    same(a.fdatasync(fd), 0)


@scenario
def file_opened_again_has_an_offset_of_its_own(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    other = a.open("/proc/self/fd/%d" % fd, os.O_RDWR)
    same(a.read(other, 10), pattern(10))
    same(a.lseek(other, 0, os.SEEK_CUR), 10)
    same(a.write(other, [b"!"]), 1)
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)
    same(content(mine)[:12], pattern(10) + b"!" + pattern(12)[11:])


@scenario
def file_opened_again_to_be_truncated_and_appended_to(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    other = a.open("/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_APPEND)
    same(a.write(other, [b"end"]), 3)
    same(content(mine)[990:], pattern(1000)[990:] + b"end")
    other = a.open("/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_TRUNC)
    same(content(mine), b"")
    same(a.write(other, [b"new"]), 3)
    same(content(mine), b"new")


@scenario
def advice_is_taken(way):
    a, fd, p = way.start(file(pattern(10000)), pipe()[0])
    for advice in range(6):
        same(a.fadvise(fd, 0, 0, advice), 0)


@scenario
def access_mode_is_kept(way):
    a, r, w = way.start(file(b"abc", os.O_RDONLY), file(b"abc", os.O_WRONLY))
    same([a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_ACCMODE for fd in (r, w)], [os.O_RDONLY, os.O_WRONLY])
    same(a.write(r, [b"x"]), "EBADF")
    same(a.pwrite(r, [b"x"], 0), "EBADF")
    same(a.read(w, 1), "EBADF")
    same(a.ftruncate(r, 0), "EINVAL")
    same(a.fallocate(r, 0, 0, 1), "EBADF")
    same(a.read(r, 5), b"abc")
    same(a.write(w, [b"x"]), 1)


def the_same_stat(a, fd, mine):
    st, got = os.fstat(mine), a.fstat(fd)
    same(got, Stat(st.st_mode, st.st_size, st.st_ino, st.st_nlink, st.st_rdev, st.st_mtime_ns))


@scenario
def stat_is_the_hosts(way):
    f, (r, w), (master, slave) = file(pattern(777)), pipe(), pty.openpty()
    null, m = os.open("/dev/null", os.O_RDWR), os.memfd_create("m")
    mine = [f, r, w, slave, null, m]
    a, *fds = way.start(*map(os.dup, mine))
    for fd, here in zip(fds, mine):
        the_same_stat(a, fd, here)
    os.write(f, b"more")
    the_same_stat(a, fds[0], f)
    same(a.write(fds[0], [b"x" * 1000]), 1000)
    the_same_stat(a, fds[0], f)


@scenario
def stat_of_a_socket_and_an_eventfd(way):
    s, other = pair()
    e = os.eventfd(0)
    a, sock, event = way.start(os.dup(s.fileno()), os.dup(e))
    same(a.fstat(sock).mode & 0o170000, 0o140000)
    same(a.fstat(event).mode & 0o170000, os.fstat(e).st_mode & 0o170000)
    other.close()


@in_box
def mode_and_owner_here_are_the_guests_own(way):
    mine = file(b"abc")
    was = os.fstat(mine).st_mode
    a, fd = way.start(os.dup(mine))
    same(a.fchmod(fd, 0o777), 0)
    same(a.fstat(fd).mode & 0o777, 0o777)
    same(os.fstat(mine).st_mode, was)


@scenario
def bytes_of_a_file_are_sent(way):
    mine, other, (r, w) = file(pattern(1000)), file(), pipe()
    s, theirs = pair()
    a, fd, to, out, sock = way.start(os.dup(mine), os.dup(other), w, theirs)
    same(a.sendfile(out, fd, 100, 50), [50, 150])
    same(read(r), pattern(150)[100:])
    same(a.sendfile(sock, fd, 0, 1000), [1000, 1000])
    same(s.recv(2000), pattern(1000))
    same(a.sendfile(to, fd, 990, 100), [10, 1000])
    same(content(other), pattern(1000)[990:])
    same(a.sendfile(out, fd, 1000, 1), [0, 1000])
    same(os.lseek(mine, 0, os.SEEK_CUR), 0)
    same(a.open("/etc/passwd", os.O_RDONLY), 3)
    n = a.fstat(3).size
    same(a.sendfile(out, 3, 0, n), [n, n])
    same(len(read_all(r, n)), n)


@scenario
def bytes_are_sent_from_where_the_file_is(way):
    mine, (r, w) = file(pattern(1000)), pipe()
    a, fd, out = way.start(os.dup(mine), w)
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.sendfile(out, fd, -1, 50), [50, -1])
    same(read(r), pattern(150)[100:])
    same(os.lseek(mine, 0, os.SEEK_CUR), 150)


@scenario
def splice_by_a_pipe_of_the_guest(way):
    mine, other, (r, w), (r2, w2) = file(pattern(500)), file(), pipe(), pipe()
    s, theirs = pair()
    a, fd, to, src, dst, sock = way.start(os.dup(mine), os.dup(other), r, w2, theirs)
    pr, pw = a.pipe()
    same(a.splice(fd, 10, pw, -1, 100, 0), 100)
    same(a.splice(pr, -1, dst, -1, 100, 0), 100)
    same(read(r2), pattern(110)[10:])
    os.write(w, b"through pipes")
    same(a.splice(src, -1, pw, -1, 100, 0), 13)
    same(a.splice(pr, -1, to, 3, 100, 0), 13)
    same(content(other), b"\0\0\0through pipes")
    s.send(b"by a socket")
    same(a.splice(sock, -1, pw, -1, 100, 0), 11)
    same(a.splice(pr, -1, sock, -1, 100, 0), 11)
    same(s.recv(100), b"by a socket")
    same(a.splice(src, -1, pw, -1, 100, 2), "EAGAIN")       # SPLICE_F_NONBLOCK


@scenario
def splice_from_where_the_file_is(way):
    mine = file(pattern(500))
    a, fd = way.start(os.dup(mine))
    pr, pw = a.pipe()
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.splice(fd, -1, pw, -1, 100, 0), 100)
    same(a.read(pr, 1000), pattern(200)[100:])
    same(os.lseek(mine, 0, os.SEEK_CUR), 200)
    same(a.write(pw, [b"new"]), 3)
    same(a.splice(pr, -1, fd, -1, 100, 0), 3)
    same(os.lseek(mine, 0, os.SEEK_CUR), 203)
    same(content(mine)[195:205], pattern(200)[195:] + b"new" + pattern(205)[203:])


@scenario
def offset_is_right_when_the_guest_has_closed_it(way):
    mine, (r, w) = file(pattern(500)), pipe()
    a, fd, out = way.start(os.dup(mine), w)
    pr, pw = a.pipe()
    same(a.splice(fd, -1, pw, -1, 100, 0), 100)
    same(a.close(fd), 0)
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)


@scenario
def ranges_of_files_are_copied(way):
    mine, other = file(pattern(1000)), file()
    a, fd, to = way.start(os.dup(mine), os.dup(other))
    same(a.copy_file_range(fd, 100, to, 0, 200, 0), 200)
    same(content(other), pattern(300)[100:])
    same(a.copy_file_range(fd, 950, to, 10, 200, 0), 50)
    same(content(other)[10:60], pattern(1000)[950:])
    same(a.copy_file_range(fd, 1000, to, 0, 1, 0), 0)


@scenario
def ranges_are_copied_from_where_the_files_are(way):
    mine, other = file(pattern(1000)), file()
    a, fd, to = way.start(os.dup(mine), os.dup(other))
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.copy_file_range(fd, -1, to, -1, 200, 0), 200)
    same(a.write(to, [b"behind"]), 6)
    same(content(other), pattern(300)[100:] + b"behind")
    same([os.lseek(x, 0, os.SEEK_CUR) for x in (mine, other)], [300, 206])
    same(a.read(fd, 10), pattern(310)[300:])


@scenario
def bytes_are_sent_into_a_file_of_the_guest(way):
    mine = file(pattern(100000))
    a, fd = way.start(os.dup(mine))
    own = a.open("/var/tmp", os.O_RDWR | os.O_TMPFILE)
    if own == "EOPNOTSUPP":     # by overlayfs, natively
        own = a.open("/tmp", os.O_RDWR | os.O_TMPFILE)
    same(a.sendfile(own, fd, -1, 200000), [100000, -1])
    same(os.lseek(mine, 0, os.SEEK_CUR), 100000)
    same(a.pread(own, 10, 99990), pattern(100000)[99990:])
    same(a.lseek(fd, 5, os.SEEK_SET), 5)
    same(a.sendfile(own, fd, -1, 10), [10, -1])
    same(a.pread(own, 10, 100000), pattern(15)[5:])
    same(a.read(fd, 5), pattern(20)[15:])


# Pipes.

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


# Waiting for events.

def poll_one(a, fd, events, timeout=0):
    return a.poll(timeout, "%d:%d" % (fd, events))[1]


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


def epoll(a, **fds):
    """An epoll instance that has these: name=(fd, events)."""
    ep = a.epoll_create()
    for fd, events in fds.values():
        same(a.epoll_ctl(ep, ADD, fd, events), 0)
    return ep


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


# Memory.

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
def futex_of_processes_in_a_shared_map_is_refused(way):
    mine = os.memfd_create("m")
    os.write(mine, struct.pack("=i", 5) + bytes(PAGE))
    a, fd = way.start(mine)
    m = a.mmap(fd, PAGE, READ | WRITE, SHARED, 0)
    same(a.futex_wait(m, 0, 5), "EEXIST")


# Terminals.

def raw(fd):
    t = termios.tcgetattr(fd)
    t[0] = t[1] = t[3] = 0
    termios.tcsetattr(fd, termios.TCSANOW, t)


def quiet(fd):
    t = termios.tcgetattr(fd)
    t[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, t)


@scenario
def terminal_is_one(way):
    (master, slave), (r, _) = pty.openpty(), pipe()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    a, fd, p, f, s = way.start(os.dup(slave), r, file(), pair()[1])
    same(a.isatty(fd), 1)
    same([a.isatty(x) for x in (p, f, s)], ["ENOTTY"] * 3)
    same(a.winsize(fd), (31, 97))
    same(a.set_winsize(fd, 10, 20), 0)
    same(struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8)))[:2], (10, 20))
    same(a.winsize(p), "ENOTTY")


@scenario
def terminal_settings(way):
    master, slave = pty.openpty()
    a, fd = way.start(os.dup(slave))
    was = a.tcgetattr(fd)
    same(was[1:5], termios.tcgetattr(slave)[:4])
    lflag = was[4] & ~(termios.ECHO | termios.ICANON)
    for when in (termios.TCSANOW, termios.TCSADRAIN, termios.TCSAFLUSH):
        same(a.tcsetattr(fd, when, was[1], was[2], was[3], lflag, was[5]), 0)
        same(termios.tcgetattr(slave)[3], lflag)
        same(a.tcgetattr(fd), was[:4] + [lflag] + was[5:])
        same(a.tcsetattr(fd, when, *was[1:]), 0)
        same(a.tcgetattr(fd), was)
    same(a.tcdrain(fd), 0)
    same(a.tcflush(fd, termios.TCIOFLUSH), 0)


@scenario
def terminal_is_read_by_lines(way):
    master, slave = pty.openpty()
    quiet(slave)
    a, fd = way.start(slave)
    os.write(master, b"helxx\x7f\x7flo")
    same(poll_one(a, fd, IN), 0)
    a.begin("read", fd, 100)
    true(a.busy(), "it waits for the end of the line")
    os.write(master, b"\nnext\n")
    same(a.end(), b"hello\n")
    same(poll_one(a, fd, IN, -1), IN)
    same(a.read(fd, 3), b"nex")
    same(a.read(fd, 3), b"t\n")
    os.write(master, b"\x04")
    same(a.read(fd, 3), b"")
    same(a.write(fd, [b"a\n"]), 2)
    same(read(master), b"a\r\n")


@scenario
def terminal_is_read_raw(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(slave)
    ep = epoll(a, fd=(fd, IN | ET))
    os.write(master, b"x")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.read(fd, 100), b"x")
    same(a.epoll_wait(ep, 5), [])
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.write(master, b"\x03\x1a")
    same(a.end(), b"\x03\x1a")
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.read(fd, 1), "EAGAIN")
    os.close(master)
    same(a.read(fd, 1), b"")
    same(poll_one(a, fd, IN) & HUP, HUP)
    same(a.write(fd, [b"x"]), "EIO")


@scenario
def terminal_of_which_the_guest_is_the_master(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(master)
    same(a.isatty(fd), 1)
    same(a.write(fd, [b"typed"]), 5)
    same(read(slave), b"typed")
    os.write(slave, b"shown")
    same(a.read(fd, 100), b"shown")
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.close(slave)
    same(a.end(), "EIO")


@scenario
def terminal_that_takes_no_more(way):
    master, slave = pty.openpty()
    raw(slave)
    os.write(slave, b"odd")
    a, fd = way.start(slave)
    same(a.later(0, "fill", fd, 200000), 0)
    time.sleep(MOMENT)
    goes_on(a)
    same(read_all(master, 200003) == b"odd" + pattern(200000), True)


@scenario
def terminal_that_is_stopped(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(os.dup(slave))
    termios.tcflow(slave, termios.TCOOFF)
    same(poll_one(a, fd, OUT), 0)
    same(a.later(0, "write", fd, b"held"), 0)
    nothing_comes(master)
    goes_on(a)
    termios.tcflow(slave, termios.TCOON)
    same(read(master), b"held")


@in_box
def nothing_is_typed_into_the_hosts_terminal(way):
    master, slave = pty.openpty()
    a, fd = way.start(os.dup(slave))
    true(a.ioctl_int(fd, TIOCSTI, ord("x")) in ("EPERM", "EIO", "ENOTTY", "EINVAL"), "TIOCSTI is refused")
    true(a.ioctl_int(fd, 0x541c, 2) in ("EPERM", "EIO", "ENOTTY", "EINVAL"), "TIOCLINUX is refused")
    nothing_comes(slave)
    same(a.isatty(fd), 1)


# Sockets.

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
    while (n := a.fill(fd, 1 << 20)) == 1 << 20:
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


# Descriptors in messages.

def send_fds(s, fds, data=b"x"):
    return socket.send_fds(s, [data], fds)


def recv_fds(s, n=253):
    return socket.recv_fds(s, 1000, n)[:3]


def room(n):
    return socket.CMSG_LEN(4 * n)


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


# Who holds what; this is only in a box.

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


# The command line.

def said(fds, script, **more):
    """What a shell in the box says, with our descriptors as these of its own."""
    status, out, err = run_box(fds, "/bin/bash", "-c", script, **more)
    true(status == 0 and not err, "status %d, %r" % (status, err))
    return out.decode()


@in_box
def number_is_kept(way):
    r, w = pipe()
    os.write(w, b"hello\n")
    os.close(w)
    os.dup2(r, 77)
    p = subprocess.run(box_command((), "--fd", "77") + ["/bin/bash", "-c", "cat <&77"], pass_fds=(77,), capture_output=True, timeout=LIMIT)
    same((p.returncode, p.stdout), (0, b"hello\n"))


@in_box
def same_descriptor_twice(way):
    r, w = pipe()
    same(said([(w, 7), (w, 8)], "grep -c . /proc/hostfds; grep '^%d ' /proc/hostfds; echo a >&7; echo b >&8" % w), "4\n%d 1\n" % w)
    os.close(w)
    same(read_all(r, 100), b"a\nb\n")


@in_box
def one_of_two_goes_on(way):
    r, w = pipe()
    p = subprocess.Popen(box_command([(w, 7), (w, 8)]) + ["/bin/sh", "-c", "exec 7>&-; read x; echo b >&8; exec 8>&-; read x"],
                         stdin=subprocess.PIPE, pass_fds=(w,))
    os.close(w)
    nothing_comes(r)
    p.stdin.write(b"\n")
    p.stdin.flush()
    same(read(r), b"b\n")
    true(ends(r), "the end is seen while the box goes on")
    same(p.poll(), None)
    p.communicate(b"\n", timeout=PATIENCE)
    same(p.returncode, 0)


@in_box
def descriptor_instead_of_stdio(way):
    (r, w), (out, theirs), (r2, w2) = pipe(), pipe(), pipe()
    os.write(w2, b"input\n")
    os.close(w2)
    p = subprocess.Popen(box_command([(w, 1), (r2, 0)]) + ["/bin/sh", "-c", "cat; echo to the pipe; exec 1>&-; sleep 600"],
                         stdin=subprocess.DEVNULL, stdout=theirs, pass_fds=(w, r2))
    os.close(w)
    os.close(theirs)
    same(read_all(r, 18), b"input\nto the pipe\n")
    true(ends(r), "the end is seen while the box goes on")
    true(ends(out), "what it replaces is closed")
    same(p.poll(), None)
    p.terminate()
    p.wait(PATIENCE)


@in_box
def stdio_at_another_number(way):
    same(said([(1, 9)], "echo x >&9; echo y"), "x\ny\n")
    same(said([(0, 9)], "cat <&9", stdin=file(b"input\n")), "input\n")
    r, w = pipe()
    same(said([(w, 1), (1, 9)], "echo to the pipe; echo to stdout >&9"), "to stdout\n")
    os.close(w)
    same(read_all(r, 100), b"to the pipe\n")


@in_box
def stdio_is_exchanged(way):
    status, out, err = run_box([(1, 2), (2, 1)], "/bin/sh", "-c", "echo out; echo err >&2")
    same((status, out, err), (0, b"err\n", b"out\n"))


@in_box
def descriptors_are_exchanged(way):
    (r, w), (r2, w2) = pipe(), pipe()
    said([(w, w2), (w2, w)], "echo first >&%d; echo second >&%d" % (w2, w))
    os.close(w)
    os.close(w2)
    same((read_all(r, 100), read_all(r2, 100)), (b"first\n", b"second\n"))


@in_box
def high_numbers(way):
    r, w = pipe()
    same(said([(w, 900), (w, 2000), (w, 65535)], "echo a >&900; echo b >&2000; echo c >&65535; ulimit -n"), "1024\n")
    os.close(w)
    same(read_all(r, 100), b"a\nb\nc\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    r, w = pipe()
    high = fcntl.fcntl(w, fcntl.F_DUPFD, 3000)
    same(said([(high, 7)], "echo a >&7; grep -c '^3000 1$' /proc/hostfds"), "1\n")
    same(read(r), b"a\n")


@in_box
def many_are_given(way):
    pipes = [pipe() for _ in range(100)]
    same(said([(w, 100 + i) for i, (_, w) in enumerate(pipes)],
              "for i in $(seq 100 199); do echo $i >&$i; done; grep -c ' 1$' /proc/hostfds"), "103\n")
    same([read(r) for r, _ in pipes], [b"%d\n" % (100 + i) for i in range(100)])


@in_box
def command_without_rights(way):
    r, w = pipe()
    same(said([(w, 7)], "echo a >&7; echo b >/proc/self/fd/7; id -u", options=("--change-id", "1000:1000")), "1000\n")
    same(read_all(r, 4), b"a\nb\n")


@in_box
def descriptors_are_not_closed_by_exec(way):
    r, w = pipe()
    same(said([(w, 7)], "exec /bin/sh -c 'exec /bin/sh -c \"echo x >&7\"'"), "")
    same(read(r), b"x\n")


@in_box
def box_ends_and_all_is_closed(way):
    (r, w), (s, theirs) = pipe(), pair()
    same(said([(w, 7), (theirs.fileno(), 8)], "true"), "")
    os.close(w)
    theirs.close()
    true(ends(r) and ends(s.fileno()), "the ends are seen")


def refused(*options, fds=()):
    p = subprocess.run(box_command((), *options) + ["/bin/echo", "runs"], pass_fds=fds, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=LIMIT)
    same((p.returncode, p.stdout, p.stderr[:6]), (125, b"", b"kbox: "), "kbox %r" % (options,))
    return p.stderr.decode()


@in_box
def what_cannot_be_given(way):
    for fd in (3, 4, 5, 6, 7, 8, 9, 66):        # some of them would be kbox's own
        true("not open" in refused("--fd", "%d" % fd), "it is not open")
    for flags in (os.O_RDONLY, os.O_PATH):
        fd = os.open("/", flags)
        true("directory" in refused("--fd", "%d:7" % fd, fds=(fd,)), "a directory")
    for bad in ("", "x", "5x", "5:", ":5", "5:6:7", "-1", "5:-1", " 5", "5: 6", "65536", "5:65536", "99999999999", "5:99999999999", "0x5",
                "18446744073709551617", "5:18446744073709551617"):
        true("--fd " + bad in refused("--fd", bad), "it says what")
    true("--fd" in refused("--fd", "1:7", "--fd", "2:7"), "a number of the command's, twice")


@in_box
def stdio_that_is_closed_cannot_be_given(way):
    p = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&-', "sh"] + box_command([], "--fd", "0:7") + ["/bin/true"],
                       capture_output=True, timeout=LIMIT)
    same(p.returncode, 125)
    true(b"not open" in p.stderr, repr(p.stderr))


# Programs that know nothing of it.

@in_box
def tool_does_one_thing(way):
    r, w = pipe()
    same(run_box([(w, 7)], "/tests/hostfd-m", "write", "7", "6869"), (0, b"2\n", b""))
    same(run_box([(w, 7)], "/tests/hostfd-g", "read", "7", "1"), (1, b"-9\n", b""))
    same(read(r), b"hi")


@in_box
def many_processes_write_lines(way):
    r, w = pipe()
    script = "for i in {1..8}; do for j in {1..200}; do echo $i-$j; done >&7 & done; wait"
    p = subprocess.Popen(box_command([(w, 7)]) + ["/bin/bash", "-c", script], pass_fds=(w,), stdin=subprocess.DEVNULL)
    os.close(w)
    lines = read_all(r, 1 << 20).decode().split()
    same(sorted(lines), sorted("%d-%d" % (i, j) for i in range(1, 9) for j in range(1, 201)))
    same(p.wait(PATIENCE), 0)


@in_box
def shells_use_them(way):
    (r, w), f, (s, theirs) = pipe(), file(b"a\nb\nc\n"), pair()
    script = "while read -r x <&7; do echo \"<$x>\"; done; head -c 3 <&9 >&8; printf done >&9"
    s.send(b"sock")
    same(said([(f, 7), (w, 8), (theirs.fileno(), 9)], script), "<a>\n<b>\n<c>\n")
    same((read(r), s.recv(10)), (b"soc", b"done"))


def passes(way, name):
    """A guest test, beside descriptors of the host, which are as they were afterwards; natively it has them, too."""
    (r, w), (r2, w2) = pipe(), pipe()
    status, out, err = run_box([(r, 5), (w, 6), (w2, 7)], "/bin/sh", "-c",
                               "cat /proc/hostfds; /tests/%s; s=$?; cat /proc/hostfds; echo still >&6; exit $s" % name)
    lines = out.decode().splitlines()
    counts = [x for x in lines if x.replace(" ", "").isdigit()]
    same(status, 0, name)
    same([x for x in lines if x.startswith("not ok")], [], name)
    true(any(x.startswith("ok") for x in lines), "%s has tested something: %r" % (name, out))
    same(counts, ["0 1", "1 1", "2 1"] + ["%d 1" % fd for fd in sorted((r, w, w2))] + counts[:len(counts) // 2][6:] + counts[:6], name)
    same(os.read(r, 10), b"still\n")


@in_box
def dup_test_beside_descriptors_of_the_host(way):
    for libc in "mg":
        passes(way, "dup-test-" + libc)


@in_box
def clone3_test_beside_descriptors_of_the_host(way):
    for libc in "mg":
        passes(way, "clone3-test-" + libc)


@in_box
def random_operations_by_way_of_the_host(way):
    a, b = pair(socket.SOCK_SEQPACKET)
    (r, w), f = pipe(), file()
    ops = os.environ.get("HOSTFD_OPS", str(100000 // min(SLOWNESS, 10)))
    status, out, err = run_box([(a.fileno(), 7), (b.fileno(), 8), (r, 9), (w, 10), (f, 11)], "/tests/hostfd-m", "random_operations",
                               options=("-e", "HOSTFD_LOOP=7,8", "-e", "HOSTFD_OPS=" + ops))
    same((status, out.splitlines()[-1:]), (0, [b"ok 1 - random_operations"]), repr(out + err))


# Each scenario is a process, and a group, of its own.

class TooLate(Exception):
    pass


def too_late(*_):
    raise TooLate("no end after %d s" % LIMIT)


def perform(f, way):
    os.setpgid(0, 0)
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(int(LIMIT))
    try:
        skipped = f(way)
    except Exception as e:
        skipped = None
        lines = [str(at.lineno) for at in traceback.extract_tb(e.__traceback__) if at.filename == __file__]
        problems.append("line %s: %s: %s" % (", ".join(lines[1:]), type(e).__name__, e))
    return "\n".join(["skipped " + skipped] if skipped else ["problem"] + problems if problems else ["fine"])


def outcome(f, way):
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(r)
        os.write(w, perform(f, way)[:60000].encode())
        os._exit(0)
    os.close(w)
    said_ = b""
    end = time.monotonic() + LIMIT + 10
    while readable(r, max(0, end - time.monotonic())):
        part = os.read(r, 65536)
        if not part:
            break
        said_ += part
    os.close(r)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return said_.decode(errors="replace").splitlines() or ["problem", "it has ended without a word"]


def main():
    wanted = [(f, way) for f, way in SCENARIOS
              if len(sys.argv) < 2 or any(fnmatch.fnmatch("%s (%s)" % (f.__name__, way.name), p + "*") for p in sys.argv[1:])]
    bad = False
    os.closerange(3, 4096)      # what happens to be open
    print("1..%d" % len(wanted))
    for i, (f, way) in enumerate(wanted, 1):
        first, *notes = outcome(f, way)
        name = "%d - %s (%s)" % (i, f.__name__.replace("_", " "), way.name)
        if first.startswith("skipped "):
            print("ok %s # SKIP %s" % (name, first[8:]))
        else:
            print("ok" if first == "fine" else "not ok", name)
            bad |= first != "fine"
        for note in notes:
            print("#", note)
        sys.stdout.flush()
    sys.exit(bad)


main()
