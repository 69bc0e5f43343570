# SPDX-License-Identifier: GPL-2.0-only
"""
What hostfd-*.t share: descriptors of the host in a box (kbox --fd N[:M], and stdio). Each scenario
runs natively and in a box, and both have to do what it says: the one natively tells whether the
scenario is right. Arguments: shell patterns of the names to run.

KBOX_FLAGS in the environment is as for tests/run; HOSTFD_TOOL is another build of the native agent.
"""
import collections
import contextlib
import errno
import fcntl
import fnmatch
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import BUILD, IMAGE, KBOX, LIMIT, SLOWNESS  # noqa: E402

TOOL = os.environ.get("HOSTFD_TOOL", BUILD + "/tests/hostfd-m")
PATIENCE = LIMIT / 6                    # for what comes soon
MOMENT = 0.03 * min(SLOWNESS, 5)        # how long something has not come that does not
ET, ONESHOT = select.EPOLLET, select.EPOLLONESHOT
IN, OUT, PRI = select.EPOLLIN, select.EPOLLOUT, select.EPOLLPRI
ERR, HUP, RDHUP = select.EPOLLERR, select.EPOLLHUP, select.EPOLLRDHUP
ADD, DEL, MOD = 1, 2, 3
SCRIPT = sys.modules["__main__"].__file__
problems = []

# What is expected.

def problem(what, *notes):
    where = [f.lineno for f in traceback.extract_stack() if f.filename == SCRIPT]
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
    """A process that has some descriptors of ours, and does what it is told to: a.read(5, 100)."""
    FIRST = 40      # of its numbers for those

    def __init__(self, command, **popen):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        bufsize=0, **popen)
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


SCENARIOS = []


def scenario(f):
    SCENARIOS.extend([(f, Native), (f, Box)])
    return f


def in_box(f):
    """What natively is otherwise, or is not at all."""
    SCENARIOS.append((f, Box))
    return f


def poll_one(a, fd, events, timeout=0):
    return a.poll(timeout, "%d:%d" % (fd, events))[1]


def epoll(a, **fds):
    """An epoll instance that has these: name=(fd, events)."""
    ep = a.epoll_create()
    for fd, events in fds.values():
        same(a.epoll_ctl(ep, ADD, fd, events), 0)
    return ep


def send_fds(s, fds, data=b"x"):
    return socket.send_fds(s, [data], fds)


def room(n):
    return socket.CMSG_LEN(4 * n)

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
        lines = [str(at.lineno) for at in traceback.extract_tb(e.__traceback__) if at.filename == SCRIPT]
        problems.append("line %s: %s: %s" % (", ".join(lines), type(e).__name__, e))
    return "\n".join(["skipped " + skipped] if skipped else ["problem"] + problems if problems else ["fine"])


def outcome(f, way):
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(r)
        os.write(w, perform(f, way)[:60000].encode())
        os._exit(0)
    os.close(w)
    said = b""
    end = time.monotonic() + LIMIT + 10
    while readable(r, max(0, end - time.monotonic())):
        part = os.read(r, 65536)
        if not part:
            break
        said += part
    os.close(r)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return said.decode(errors="replace").splitlines() or ["problem", "it has ended without a word"]


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
