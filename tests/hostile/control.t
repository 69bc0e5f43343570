#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A box that has a name has a socket, whose other end is the supervisor's. A guest that owns its kernel says there what it likes:
the supervisor goes on, keeps nothing of it, and the box can be stopped."""
import json
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

MIB = 1 << 20
RUNTIME = TMP + "/run"
ENV = {**os.environ, "XDG_RUNTIME_DIR": RUNTIME}
# The only descriptor of the host's that a box on a terminal has. It may be a moment until the guest has it.
SOCKET = "until read fd holders </proc/hostfds; do :; done; %s "


def client(*words, **streams):
    """kbox, of the user whose boxes these are."""
    streams = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": LIMIT, **streams}
    return subprocess.run([*USER, KBOX, *words], env=ENV, **streams)


def listed():
    """The supervisor's number; None: it does not answer."""
    said = client("ps", "--json")
    found = [box["pid"] for box in json.loads(said.stdout) if box["name"] == "hostile"] if not said.returncode else []
    return found[0] if found else None


def state(pid):
    """What the supervisor has: descriptors, and bytes of memory."""
    return len(os.listdir("/proc/%d/fd" % pid)), int(field(pid, "RssAnon").split()[0]) << 10


def box(script):
    return Box("/bin/sh", "-c", script, options=("--name", "hostile"), env=ENV)


def can_be_stopped(b, name):
    said = client("stop", "-t", "1", "hostile")
    status = b.wait()
    check(said.returncode == 0 and status is not None and soon(lambda: not processes()), name + ": the box can be stopped",
          said, status, processes(), b.lines())


def attack(name, ready):
    with box("echo; echo up; read x; " + SOCKET % ("exec " + PROGRAM) + "channel $fd " + name) as b:
        up = b.wait_for(b"up")
        pid = listed()
        client("exec", "hostile", "true")
        before = state(pid) if pid else None
        os.write(b.master, b"\n")
        done_ = up and b.wait_for(ready)
        check(done_ and pid and listed() == pid, name + ": the supervisor answers", pid, b.lines())
        if name in ("garbage", "numbers", "rights"):
            check(b"refused = 0\r\n" in b.text, name + ": the supervisor has heard it all", b.lines())
        fds, memory = state(pid)
        check(fds <= before[0] + 1 and memory < before[1] + 32 * MIB, name + ": it keeps nothing", before, fds, memory)
        can_be_stopped(b, name)


def theft():
    """The agent does not hear of programs any more, so that nobody says of them what becomes of them."""
    with box("echo; echo up; read x; " + SOCKET % ("exec " + PROGRAM) + "channel $fd steal") as b:
        b.wait_for(b"up")
        pid = listed()
        before = state(pid)
        os.write(b.master, b"\n")
        b.wait_for(b"ready")
        some = [subprocess.Popen([*USER, KBOX, "exec", "hostile", "true"], env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for _ in range(10)]
        check(b.wait_for(b"stolen") and listed() == pid, "steal: the supervisor answers", pid, b.lines())
        for process in some:
            process.kill()
            process.wait()
        check(soon(lambda: state(pid)[0] <= before[0]), "steal: it keeps nothing of clients that have gone", before, state(pid))
        can_be_stopped(b, "steal")


def closed():
    """exec returns, whatever it says."""
    with box("echo; echo up; read x; " + SOCKET % PROGRAM + "call close $fd; exec sleep 1000000") as b:
        b.wait_for(b"up")
        pid = listed()
        os.write(b.master, b"\n")
        b.wait_for(b"close = ")
        said = client("exec", "hostile", "true")
        check(b.process.poll() is None and listed() == pid, "close: the supervisor answers", said, b.lines())
        can_be_stopped(b, "close")


def zero():
    """A shared mapping of /dev/zero is memory that nobody counts: an exec cannot bring it to a box that maps files."""
    script = ("set --; while read fd holders; do set -- \"$@\" mmap hole 0x10000000 3 0x11 $fd , madvise = 0x10000000 23 ,; done "
              "</proc/hostfds; exec %s call \"$@\" getppid" % PROGRAM)
    with Box("/bin/sh", "-c", "echo; echo up; exec sleep 1000000", options=("--name", "hostile", "-v", TMP + ":/mnt:ro"), env=ENV) as b, \
            open("/dev/zero", "r+b", buffering=0) as device:
        b.wait_for(b"up")
        said = client("exec", "hostile", "--", "/bin/sh", "-c", script, stdin=device)
        got = [r for name, r in results(said.stdout.decode().splitlines()) if name == "madvise"]
        check(said.returncode in (125, 137) or (got and all(r < 0 for r in got)), "/dev/zero is no memory for the box", said, b.lines())
        if b.process.poll() is None:
            can_be_stopped(b, "/dev/zero")


os.mkdir(RUNTIME, 0o700)
if USER:
    os.chown(RUNTIME, 1000, 1000)
for name, ready in (("garbage", b"last = "), ("numbers", b"last = "), ("rights", b"last = "), ("empty", b"last = "), ("flood", b"ready")):
    attack(name, ready)
theft()
closed()
zero()
done()
