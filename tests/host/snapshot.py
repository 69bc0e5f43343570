# SPDX-License-Identifier: GPL-2.0-only
"""
What snapshot*.t share: boxes that are written to files, and boxes that go on from there.
"""
from control import *  # noqa: F401,F403
from harness import TOP  # noqa: F401
from control import KBOX, LIMIT, TMP, begin, end, is_line, kbox, path, pid_of, started
import json
import os
import random
import socket
import subprocess
import tempfile

FULL = os.environ.get("FULL")
SEED = int(os.environ.get("SNAPSHOT_SEED", random.randrange(1 << 32)))
FILES = TMP + "/files"
os.mkdir(FILES)


def file_of(name):
    return FILES + "/" + name


def snapshot(name, file, *options, env=None):
    """Status, output, errors."""
    return kbox("snapshot", *options, name, file_of(file), env=env)


def resume(name, file, env=None):
    """A box in the background that goes on from there: kbox's status, and what it said."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([KBOX, "--name", name, "-d", "--from", file_of(file)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, env=env)
        status = end(process)
        errors.seek(0)
        if status == 0:
            started.add(pid_of(name))
        return status, errors.read()


def resume_here(name, file, **streams):
    """The same in the foreground: the process."""
    return begin("--name", name, "--from", file_of(file), **streams)


def ends(process):
    """Status, output and errors of a kbox, in the end."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return "no end", b"", b""
    return process.returncode, out, err


def refuses(result):
    """Of what has no output: status 125 and a line."""
    return result[0] == 125 and is_line(result[-1]) and (len(result) < 3 or result[1] == b"")


class Standstill:
    """A client that has a box stand still, and does nothing more until it goes."""
    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path(name))
        self.socket.sendall(b'{"freeze":false}\n')
        self.fds, said = [], b""
        while not said.endswith(b"\n"):
            more, fds, _, _ = socket.recv_fds(self.socket, 65536, 4)
            if not more:
                break
            said += more
            self.fds += fds
        self.answer = json.loads(said or b"{}")

    def ask(self, request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(self.socket.recv(65536) or b"{}")

    def go(self):
        self.socket.close()
        while self.fds:
            os.close(self.fds.pop())
