# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of this directory share: boxes of a hostile guest, and a host to look after.

They run in a PID namespace of their own, since the attack that succeeds may be kill(-1); kbox runs
as an ordinary user there, where that can be. Imported first, this module sees to both."""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import *  # noqa: E402,F403

PROGRAM = "/tests/hostile"


def bound(memory):
    """Bytes that the memory files of a box of so many MiB can have: its memory, and its overlay, which has as much."""
    return (2 * memory + 16) << 20


def apart():
    """This test again, as the first process of a PID namespace."""
    if os.environ.get("HOSTILE_APART") == str(os.getpid()):
        return
    command = ["unshare", "-pf", "--mount-proc", "--kill-child"]
    if os.geteuid():
        command[1:1] = ["-Ur"]
    if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode:
        skip_all("there are no PID namespaces here to attack")
    os.environ["HOSTILE_APART"] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


if os.uname().machine != "x86_64":
    skip_all("these attacks are for x86_64")
apart()
# An ordinary user. Without root, the namespace's is one to the host.
USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] if open("/proc/self/uid_map").read().split()[1] == "0" else []
TMP = temporary()
os.chmod(TMP, 0o777)
# Host processes of these tests' boxes have a name of their own.
KBOX = TMP + "/hbox"
shutil.copy(BUILD + "/kbox", KBOX)
os.environ["KBOX_KERNEL"] = BUILD + "/vmlinux"
os.environ["KBOX_INIT"] = BUILD + "/kbox-init"


def field(pid, name):
    """Of /proc/PID/status; None: there is no such process."""
    try:
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith(name + ":"):
                    return line.split(":", 1)[1].strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    state = field(pid, "State")
    return state is not None and state[0] not in "ZX"


def processes():
    """Those of boxes, alive."""
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
    return [p for p in pids if field(p, "Name") == "hbox" and is_alive(p)]


def memory_file(pids):
    """Bytes that the boxes' memory takes, and its size: of all memfds that a process of theirs has."""
    files = {}
    for pid in pids:
        try:
            for fd in os.listdir("/proc/%d/fd" % pid):
                path = "/proc/%d/fd/%s" % (pid, fd)
                if os.readlink(path).startswith("/memfd:"):
                    st = os.stat(path)
                    files[st.st_ino] = (st.st_blocks * 512, st.st_size)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return sum(f[0] for f in files.values()), sum(f[1] for f in files.values())


def unchanged(before):
    """The image is as it was; its time of access is nobody's business."""
    now = os.stat(IMAGE)
    return (now.st_size, now.st_blocks, now.st_mtime_ns, now.st_ino) == (before.st_size, before.st_blocks, before.st_mtime_ns, before.st_ino)


class Bystander:
    """A process of the same user that is none of the box's. It blocks all signals, so that what came is to be seen."""

    def __init__(self):
        self.process = subprocess.Popen([*USER, "sleep", "infinity"], preexec_fn=self.block, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        soon(lambda: field(self.pid, "Name") == "sleep")

    @staticmethod
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    def harm(self):
        """What has happened to it, or nothing."""
        if not is_alive(self.pid):
            return "dead"
        if field(self.pid, "State")[0] not in "SRD":
            return "state " + field(self.pid, "State")
        pending = int(field(self.pid, "SigPnd"), 16) | int(field(self.pid, "ShdPnd"), 16)
        if pending:
            return "signals %x" % pending
        if field(self.pid, "TracerPid") != "0":
            return "traced"
        return ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Box:
    """A box that runs a command. On a terminal it has nothing of the host's; else it has three pipes."""

    def __init__(self, *command, terminal=True, options=(), env=None, pass_fds=(), image=None, memory="64M"):
        self.text = b""
        self.fds = []
        keep = ["--ephemeral", "-S", IMAGE] if image is None else ["-S", image]
        self.arguments = [*USER, KBOX, *keep, "--mem", memory, *options, "--", *command]
        self.environment = {**os.environ, **(env or {})}
        self.on_terminal(pass_fds) if terminal else self.on_pipes(pass_fds)

    def on_terminal(self, pass_fds):
        self.master, self.slave = pty.openpty()
        self.process = subprocess.Popen(
            self.arguments, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=self.environment,
            pass_fds=pass_fds, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.fds = [self.master, self.slave]
        self.source = self.master

    def on_pipes(self, pass_fds):
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=self.environment, pass_fds=pass_fds)
        self.source = self.process.stdout.fileno()

    def read(self, seconds=0.1):
        """Whether there was something."""
        if not select.select([self.source], [], [], seconds)[0]:
            return False
        some = os.read(self.source, 65536)
        self.text += some
        return bool(some)

    def wait_for(self, text):
        """False: it ends, or hangs, and has not said that."""
        end = time.monotonic() + LIMIT
        while text not in self.text:
            ended = self.process.poll() is not None
            if not self.read() and (ended or time.monotonic() > end):
                return False
        return True

    def wait(self, seconds=LIMIT):
        """Its status; None: it does not end."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.02)
        status = self.process.poll()
        if status is None:
            self.process.kill()
            self.process.wait()
        while self.read(0):
            pass
        return status

    def lines(self):
        return self.text.decode(errors="replace").replace("\r", "").split("\n")

    def term(self):
        self.process.send_signal(signal.SIGTERM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in self.fds:
            os.close(fd)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


def run(*command, seconds=LIMIT, **more):
    """A box until it ends: its status, and its lines."""
    with Box(*command, **more) as b:
        status = b.wait(seconds)
        return status, b.lines()


REFUSED = re.compile(r"^kbox: the guest's kernel asked the host for ([a-z0-9_]+|call -?\d+ of architecture 0x[0-9a-f]+)"
                     r"\((.*)\), which it may not\b.*; the box ends$")
KILLED = re.compile(r"^kbox: a host process of the box was killed \(signal 31\b.*")


def was_refused(status, lines, name=None):
    """The box has ended with the line that names the call."""
    found = [m for m in map(REFUSED.match, lines) if m]
    return status == 125 and len(found) == 1 and (name is None or found[0].group(1) == name)


def was_killed(status, lines):
    return status == 125 and any(map(KILLED.match, lines))


def results(lines):
    """What the host calls gave that the guest made: [(name, number)...]."""
    found = [re.match(r"^([a-z0-9_]+) = (-?\d+)$", line) for line in lines]
    return [(m.group(1), int(m.group(2))) for m in found if m]


def refuses(words, title=None, **more):
    """The host does not do the last of these calls for a guest, and names it."""
    words = words.split() if isinstance(words, str) else words
    start = len(words) - words[::-1].index(",") if "," in words else 0
    name = words[start]
    status, lines = run(PROGRAM, "call", *words, **more)
    check(was_refused(status, lines, name if not name.lstrip("-")[0].isdigit() else None),
          title or " ".join(words), status, lines)
