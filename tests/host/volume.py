# SPDX-License-Identifier: GPL-2.0-only
"""
What volume-*.t share: agents (tests/guest/volume.c) that make system calls in one directory of the
host's, natively and in boxes that have it as a volume.
"""
import collections
import errno
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import *  # noqa: E402,F403

AGENT = BUILD + "/tests/volume-m"
PATIENCE = LIMIT / 6                    # for an answer
FULL = bool(os.environ.get("FULL"))
NAMES = {**errno.errorcode, errno.EAGAIN: "EAGAIN", errno.EOPNOTSUPP: "EOPNOTSUPP"}
HERE, RENAME_NOREPLACE, RENAME_EXCHANGE = -100, 1, 2
F_GETLK, F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW = 5, 6, 7, 37, 38
F_RDLCK, F_WRLCK, F_UNLCK, LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 0, 1, 2, 1, 2, 4, 8
READ, WRITE, SHARED, PRIVATE = 1, 2, 1, 2
PAGE = 4096
TMP = temporary()


class Differs(Exception):
    pass


def same(got, want, what=""):
    if got != want:
        raise Differs("%s%s, not %s" % (what and what + ": ", shorter(got), shorter(want)))


def shorter(x):
    return repr(x[:60]) + "..." if isinstance(x, (bytes, list)) and len(x) > 80 else repr(x)


# Fences


def doctor(env=None):
    return subprocess.run([KBOX, "doctor"], capture_output=True, text=True, check=False,
                          env={**os.environ, **(env or {})}).stdout


WITHOUT_BOTH = {"KBOX_HIDE": "namespaces,landlock"}


def fences():
    """How boxes can be kept in volumes here: names, and what to hide of the host for it."""
    lines = [line for line in doctor().split("\n") if line.startswith("ok")]
    return ([("a namespace", {})] if any(": by a mount namespace" in line for line in lines) else []) + \
        ([("Landlock", {"KBOX_HIDE": "namespaces"})] if any("(Landlock)" in line for line in lines) else []) + \
        ([("a broker", WITHOUT_BOTH)] if ": by a broker" in doctor(WITHOUT_BOTH) else [])


def box_command(*command, volumes=(), options=(), memory="256M"):
    args = [KBOX, "-S", IMAGE, "--ephemeral", "--mem", memory, *options]
    for volume in volumes:
        args += ["-v", volume]
    return [*args, "--", *command]


# Agents

Stat = collections.namedtuple("Stat", "mode nlink uid gid ino size blocks mtime")


class Gone(Exception):
    """It has said nothing more."""


class Agent:
    """a.openat(HERE, "f", os.O_RDWR, 0o644): what it gave, or the name of an error."""

    def __init__(self, name, command, env=None):
        self.name = name
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        bufsize=0, env={**os.environ, **(env or {})})
        self.seen = b""

    def answer(self):
        while b"\n" not in self.seen:
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                raise Gone("%s hangs" % self.name)
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                raise Gone("%s has ended: %s" % (self.name, self.said()))
            self.seen += part
        line, self.seen = self.seen.split(b"\n", 1)
        return line.decode().split(" ")

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-500:].decode(errors="replace")

    def tell(self, line):
        try:
            self.process.stdin.write((line + "\n").encode())
        except BrokenPipeError:
            raise Gone("%s has ended: %s" % (self.name, self.said())) from None

    def ask(self, line):
        self.tell(line)
        return self.result()

    def result(self):
        ret, *outs = self.answer()
        ret = int(ret)
        return (NAMES.get(-ret, ret) if ret < 0 else ret), [b"" if o == "-" else bytes.fromhex(o) for o in outs]

    @staticmethod
    def word(arg):
        if isinstance(arg, str):
            arg = os.fsencode(arg)
        return "b" + arg.hex() if isinstance(arg, bytes) else arg.text if isinstance(arg, (Out, InOut)) else str(int(arg))

    def line(self, name, *args):
        return " ".join([name, *map(self.word, args)])

    def call(self, name, *args):
        return self.ask(self.line(name, *args))

    def begin(self, name, *args):
        """The call may take until another agent has done something: result() is what it gave."""
        self.tell(self.line(name, *args))

    def __getattr__(self, name):
        return lambda *args: self.call(name, *args)[0]

    # What is said often.

    def open(self, path, flags=os.O_RDONLY, mode=0o644):
        return self.openat(HERE, path, flags, mode)

    def put(self, path, data, flags=os.O_TRUNC):
        fd = self.open(path, os.O_WRONLY | os.O_CREAT | flags)
        ret = self.write(fd, data, len(data)) if isinstance(fd, int) else fd
        self.close(fd if isinstance(fd, int) else -1)
        return ret

    def pread(self, fd, n, at):
        ret, outs = self.call("pread64", fd, Out(n), n, at)
        return outs[0][:ret] if isinstance(ret, int) else ret

    def pwrite(self, fd, data, at):
        return self.call("pwrite64", fd, data, len(data), at)[0]

    def get(self, path):
        fd = self.open(path)
        if not isinstance(fd, int):
            return fd
        data = self.pread(fd, 4000, 0)
        self.close(fd)
        return data

    def stat(self, path, flags=0x100):
        return self.status(HERE, path, flags)

    def fstat(self, fd):
        return self.status(fd, "", 0x1000)

    def status(self, fd, path, flags):
        ret, outs = self.call("statx", fd, path, flags, 0x7ff, Out(256))
        if ret:
            return ret
        _, _, _, nlink, uid, gid, mode, _, ino, size, blocks = struct.unpack_from("IIQIIIHHQQQ", outs[0])
        sec, nsec = struct.unpack_from("qI", outs[0], 112)
        return Stat(mode, nlink, uid, gid, ino, size, blocks, sec * 10**9 + nsec)

    def readlink(self, path):
        ret, outs = self.call("readlinkat", HERE, path, Out(5000), 5000)
        return outs[0][:ret] if isinstance(ret, int) else ret

    def entries(self, fd):
        """Of an open directory, from where it is."""
        names = []
        while True:
            ret, outs = self.call("getdents64", fd, Out(30000), 30000)
            if not isinstance(ret, int):
                return ret
            if not ret:
                return sorted(n for n in names if n not in (b".", b".."))
            at = 0
            while at < ret:
                length = struct.unpack_from("H", outs[0], at + 16)[0]
                names.append(outs[0][at + 19:at + length].split(b"\0", 1)[0])
                at += length

    def ls(self, path="."):
        fd = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        if not isinstance(fd, int):
            return fd
        names = self.entries(fd)
        self.close(fd)
        return names

    def mkdir(self, path, mode=0o755):
        return self.mkdirat(HERE, path, mode)

    def unlink(self, path, flags=0):
        return self.unlinkat(HERE, path, flags)

    def rmdir(self, path):
        return self.unlinkat(HERE, path, 0x200)

    def rename(self, a, b, flags=0):
        return self.renameat2(HERE, a, HERE, b, flags)

    def link(self, a, b):
        return self.linkat(HERE, a, HERE, b, 0)

    def symlink(self, target, path):
        return self.symlinkat(target, HERE, path)

    def chmod(self, path, mode):
        return self.fchmodat(HERE, path, mode)

    def utime(self, path, atime, mtime):
        """In nanoseconds."""
        return self.utimensat(HERE, path, struct.pack("qqqq", *divmod(atime, 10**9), *divmod(mtime, 10**9)), 0x100)

    def setx(self, path, name, value):
        return self.setxattr(path, name, value, len(value), 0)

    def getx(self, path, name):
        ret, outs = self.call("getxattr", path, name, Out(1000), 1000)
        return outs[0][:ret] if isinstance(ret, int) else ret

    def record(self, fd, op, kind, start=0, length=0):
        """Locks a range, or says what is in the way: its kind, begin and length."""
        ret, outs = self.call("fcntl", fd, op, self.flock_of(kind, start, length))
        if ret or op != F_GETLK:
            return ret
        kind, _, start, length, pid = struct.unpack("hhxxxxqqi", outs[0][:28])
        return "free" if kind == F_UNLCK else (kind, start, length)

    @staticmethod
    def flock_of(kind, start=0, length=0):
        return InOut(struct.pack("hhxxxxqqixxxx", kind, 0, start, length, 0))

    def map(self, fd, n, flags=SHARED, prot=READ | WRITE, at=0):
        return self.mmap(0, n, prot, flags, fd, at)

    def peek(self, address, n):
        sig, outs = self.ask("peek %d %d" % (address, n))
        return signal.Signals(sig).name if sig else outs[0]

    def poke(self, address, data):
        sig, _ = self.ask("poke %d %s" % (address, data.hex()))
        return signal.Signals(sig).name if sig else len(data)

    def end(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            stream.close()


class Out:
    def __init__(self, n):
        self.text = "o%d" % n


class InOut:
    def __init__(self, data):
        self.text = "x" + data.hex()


def native(directory):
    return Agent("the host", [AGENT, "agent", directory])


def in_box(directory, name="a box", env=None, **more):
    return Agent(name, box_command("/tests/volume-m", "agent", "/volume", volumes=[directory + ":/volume"], **more), env)
