# SPDX-License-Identifier: GPL-2.0-only
"""A box on a terminal, for tests."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import IMAGE, KBOX, LIMIT  # noqa: E402

BOX = [KBOX, "-S", IMAGE, "--ephemeral", "--mem", "256M"]


class Box:
    """kbox, or another program, as the leader of a session of its own, on a new terminal."""

    def __init__(self, *command, rows=31, cols=97, options=(), pass_fds=(), program=None, **files):
        self.master, self.slave = pty.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        streams = {k: files.get(k, self.slave) for k in ("stdin", "stdout", "stderr")}
        self.process = subprocess.Popen(
            [*(program or [*BOX, *options, "--"]), *command], **streams, pass_fds=pass_fds,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0))

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def write(self, text):
        """More than the terminal takes at once; what it has to say meanwhile is read."""
        while text:
            ready = select.select([self.master], [self.master], [], 0.1)
            if ready[0]:
                self.seen += os.read(self.master, 65536)
            if ready[1]:
                text = text[os.write(self.master, text[:256]):]

    def read(self):
        if select.select([self.master], [], [], 0.1)[0]:
            self.seen += os.read(self.master, 65536)

    def wait_for(self, text):
        """Everything up to and with text; False when it does not come."""
        end = time.monotonic() + LIMIT
        while text not in self.seen:
            ended = self.process.poll() is not None
            if not self.drain() and (ended or time.monotonic() > end):
                return False
        self.seen = self.seen.split(text, 1)[1]
        return True

    def press_until(self, key, seen):
        """A shell that is about to start its command misses a signal: press again."""
        end = time.monotonic() + LIMIT
        while not seen() and time.monotonic() < end:
            self.type(key)
            again = time.monotonic() + 2
            while not seen() and time.monotonic() < again:
                self.read()
        return seen()

    def drain(self):
        n = len(self.seen)
        self.read()
        return len(self.seen) > n

    def status(self):
        end = time.monotonic() + LIMIT
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            return "no end"
        while self.drain():
            pass
        return self.process.returncode

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def cooked(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ICANON)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def shell(script, **more):
    return Box("/bin/sh", "-c", script, **more)
