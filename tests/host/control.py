# SPDX-License-Identifier: GPL-2.0-only
"""
What control*.t share: boxes that have a name, and what is asked of them.

Their sockets are in a directory of the test's own.
"""
import atexit
import hashlib
import json
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
from harness import BUILD, IMAGE, KBOX, LIMIT, SLOWNESS, check, done, skip, soon, temporary  # noqa: E402,F401

TMP = temporary()
RUNTIME = TMP + "/run"
DIRECTORY = RUNTIME + "/kbox"
os.mkdir(RUNTIME, 0o700)
os.environ["XDG_RUNTIME_DIR"] = RUNTIME
BOX = [KBOX, "-S", IMAGE, "--ephemeral", "--mem", "256M"]
SLEEP = ("/bin/sleep", "1000000")
HASH = "sha256sum | cut -d ' ' -f 1"


started = set()     # supervisors, also of boxes that are not listed any more


def end_with_test():
    """A test that is killed leaves no boxes in the background: a process that outlives it ends them."""
    read, write = os.pipe()
    if os.fork():
        os.close(read)
        return write
    os.setsid()
    os.close(write)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.read(read, 1)
    if os.path.isdir(DIRECTORY):
        subprocess.run([KBOX, "stop", "-t", "0", *os.listdir(DIRECTORY)], check=False)
    os._exit(0)


alive = end_with_test()     # it is closed when the test ends


def path(name):
    return DIRECTORY + "/" + name


def hashed(data):
    return hashlib.sha256(data).hexdigest().encode() + b"\n"


def begin(*words, **streams):
    """kbox with these words. Its standard input is empty; output and errors are pipes."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen([KBOX, *words], bufsize=0, **streams)


def end(process):
    """Its status."""
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "no end"


def kbox(*words, input=None, **streams):
    """Status, output and errors."""
    if input is not None:
        streams["stdin"] = subprocess.PIPE
    process = begin(*words, **streams)
    try:
        out, err = process.communicate(input, LIMIT)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        process.kill()
        return "no end", b"", b""   # others may have its pipes


def execute(name, script, *arguments, **more):
    """A shell's script in a box."""
    return kbox("exec", name, "--", "/bin/sh", "-c", script, "sh", *arguments, **more)


def line(stream):
    """The next one of a pipe; what there is of it where the pipe ends; None: nothing more comes."""
    said = b""
    while not said.endswith(b"\n"):
        if not select.select([stream], [], [], LIMIT)[0]:
            return None
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        said += byte
    return said


def start(name, *command, options=(), box=BOX, env=None):
    """A box in the background: kbox's status, and what it said. Then its standard errors are the box's."""
    words = ["--name", name] if name is not None else []
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([*box, *options, *words, "-d", "--", *(command or SLEEP)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, env=env)
        status = end(process)
        errors.seek(0)
        if status == 0 and name is not None and env is None:
            started.add(pid_of(name))
        return status, errors.read()


def is_line(said):
    """What kbox says of an error."""
    return (said or b"").startswith(b"kbox: ") and said.endswith(b"\n") and said.count(b"\n") == 1


def refused(result):
    """Of kbox()."""
    return result[0] == 125 and result[1] == b"" and is_line(result[2])


def listed(env=None):
    """What kbox ps says, by name."""
    status, out, err = kbox("ps", "--json", env=env)
    return {b["name"]: b for b in json.loads(out)} if status == 0 else {}


def pid_of(name):
    return listed().get(name, {}).get("pid")


def field(pid, name):
    """Of /proc/PID/status; None: there is no such process."""
    try:
        with open("/proc/%d/status" % pid) as f:
            for text in f:
                if text.startswith(name + ":"):
                    return text.split(":", 1)[1].strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    return (field(pid, "State") or "X")[0] not in "ZX"


def children(pid):
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
    return [p for p in pids if field(p, "PPid") == str(pid) and is_alive(p)]


def gone(pids):
    return soon(lambda: not any(map(is_alive, pids)))


def descriptors(pid):
    """How many a process of the host has; None: we may not know."""
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except PermissionError:
        return None


def guest_processes(name):
    """Programs of the guest, none of its kernel's threads, by their numbers; the one that asks is among them."""
    found = {}
    for text in execute(name, "exec cat /proc/[0-9]*/stat 2>/dev/null")[1].decode().splitlines():
        pid, rest = text.split(" ", 1)
        command, rest = rest.rsplit(")", 1)
        if rest.split()[1] != "2" and command[1:] != "kthreadd":
            found[int(pid)] = command[1:] + rest.split()[0]
    return found


def in_guest(name, argument):
    """There is a sleep of so many seconds."""
    return b"sleep\0%d\0" % argument in execute(name, "exec cat /proc/[0-9]*/cmdline 2>/dev/null")[1]


def kill(name):
    """What the test does not need any more. It is a box of the test's, since the directory is."""
    pid = pid_of(name)
    if pid:
        os.kill(pid, signal.SIGKILL)
        gone([pid])


def kill_all():
    for name in listed():
        kill(name)
    for pid in filter(None, started):
        if is_alive(pid) and field(pid, "Name") == os.path.basename(KBOX)[:15]:
            os.kill(pid, signal.SIGKILL)


atexit.register(kill_all)


def perform(*parts):
    """One after the other, also where one has failed."""
    for part in parts:
        try:
            part()
        except Exception:
            check(False, part.__name__.replace("_", " "), traceback.format_exc())
    done()
