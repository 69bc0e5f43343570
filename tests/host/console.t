#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The guest's console: no process of the box has a terminal; what goes through is whole."""
import os
import re
import signal
import subprocess
import time

from terminal import BOX, Box, shell
from harness import check, done, soon


def children(pid):
    """The processes of the box: all are children of the supervisor."""
    return subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE, check=False).stdout.split()


def descriptors(pid):
    """What is open in a process, by name."""
    names = []
    try:
        for fd in os.listdir("/proc/%d/fd" % pid):
            names.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    except FileNotFoundError:
        pass
    return names


# No process of the box has the terminal.
b = shell("sleep 600 & sleep 600 & echo ready; cat")
b.wait_for(b"ready\r\n")
held = [name for pid in children(b.process.pid) for name in descriptors(int(pid))]
mine = descriptors(b.process.pid)
check(len(held) > 3 and "/dev/null" in held, "the descriptors of a box's processes can be seen", held)
check(not [n for n in held if re.search("^/dev/(pts/|tty|ptmx|console)", n)], "none of them is a terminal", held)
check(any(n.startswith("/dev/pts/") for n in mine), "the supervisor has it", mine)
b.type(b"typed\n")
check(b.wait_for(b"typed\r\ntyped\r\n"), "what is typed arrives all the same", b.seen)
b.process.send_signal(signal.SIGTERM)
b.status()
b.close()

# A descriptor that is given is one of the host's, also if it is a terminal.
other, given = os.openpty()
b = Box("/bin/sh", "-c", "tty <&5; echo given >&5; exit 3", options=("--fd", "%d:5" % given), pass_fds=(given,))
status = b.status()
check(status == 3 and os.read(other, 100) == b"given\r\n", "a terminal by --fd is the host's", status, b.seen)
b.close()
os.close(other)
os.close(given)

# Much output: whole, in order, by a reader that stops now and then.
b = shell("stty -opost; seq 1 120000; echo; exit 1")
while b.process.poll() is None and len(b.seen) < 600000:
    time.sleep(0.002)
    b.seen += os.read(b.master, 3001)
status = b.status()
lines = b.seen.split(b"\n")
check(status == 1 and lines[:120000] == [b"%d" % n for n in range(1, 120001)], "120000 lines, a slow reader", status, len(lines))
b.close()

# Two writers: each one's lines are in order.
b = shell("(seq 1 20000; echo) & seq 100001 120000; wait")
status = b.status()
lines = [int(n) for n in b.seen.split()]
check([n for n in lines if n <= 20000] == list(range(1, 20001)) and
      [n for n in lines if n > 20000] == list(range(100001, 120001)), "two writers", status, len(lines))
b.close()

# The last words come although nobody reads for a while.
b = shell("stty -opost; seq 1 2500; exit 7")
time.sleep(1)
status = b.status()
check(status == 7 and b.seen.split() == [b"%d" % n for n in range(1, 2501)], "output before the end", status, len(b.seen))
check(b.restored(), "and the terminal is as it was")
b.close()

# A terminal that takes nothing stops who writes to it, and nothing else.
log, given = os.pipe()
b = Box("/bin/sh", "-c", "seq 1 100000 5>&- & sleep 1; echo alive >&5; exec 5>&-; wait; exit 6",
        options=("--fd", "%d:5" % given), pass_fds=(given,))
os.close(given)
with os.fdopen(log, "rb") as f:
    check(f.read() == b"alive\n", "a terminal that nobody reads stops no other program")
status = b.status()
check(status == 6 and b.seen.split() == [b"%d" % n for n in range(1, 100001)], "and then all comes", status, len(b.seen))
b.close()

b = shell("seq 1 100000; exit 6")
time.sleep(1)
b.process.send_signal(signal.SIGTERM)
check(soon(lambda: b.process.poll() is not None), "SIGTERM ends a box whose terminal nobody reads")
check(b.restored(), "the terminal is as it was")
b.close()

# Much input, more than any buffer, while the reader takes its time.
b = shell("stty raw -echo; echo ready; sleep 1; head -c 300000 | sha256sum")
b.wait_for(b"ready")
text = b"".join(b"%d " % n for n in range(60000))[:300000]
b.write(text)
status = b.status()
sha = subprocess.run(["sha256sum"], input=text, stdout=subprocess.PIPE, check=True).stdout
check(status == 0 and sha.split()[0] in b.seen, "300000 bytes of input", status, b.seen)
b.close()

b = shell("seq 1 30000; stty sane; stty size; exit 4")
status = b.status()
check(status == 4 and b.seen.endswith(b"29999\r\n30000\r\n31 97\r\n"), "settings change when output is drained", status, b.seen[-60:])
b.close()

# Where the terminal is for reading alone, what is written to it is swallowed, all of it.
master, slave = os.openpty()
with open(os.ttyname(slave), "rb") as keys:
    b = Box("/bin/sh", "-c", "seq 1 50000 >/dev/tty; exit 5", stdin=keys,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check(b.status() == 5, "a terminal for reading alone", b.seen)
    b.close()
os.close(master)
os.close(slave)

# Ends of all kinds: what was written is there, and the terminal as it was.
PANIC = "echo 1 >/proc/sys/vm/panic_on_oom; echo last words; exec tail /dev/zero"
b = shell(PANIC)
status = b.status()
check(status == 120, "a panic", status, b.seen)
check(b"last words\r\n" in b.seen, "what was written before it is there", b.seen)
check(b.seen.endswith(b"\r\n") and b"kbox: kernel panic: Out of memory" in b.seen.split(b"\r\n")[-2], "then the reason", b.seen)
check(b.restored(), "the terminal is as it was after a panic")
b.close()

b = shell(PANIC, options=("-k", "loglevel=8"))
status = b.status()
check(status == 120 and b"Linux version" in b.seen and b"Run /init" in b.seen and b"Kernel panic - not syncing: Out of memory" in b.seen,
      "the kernel's log is on the terminal, of the boot and of the panic", status, b.seen[-300:])
check(b.restored(), "the terminal is as it was after that")
b.close()

b = shell("echo last words; sleep 600")
b.wait_for(b"words")
os.kill(int(children(b.process.pid)[0]), signal.SIGKILL)
status = b.status()
check(status == 125 and b"kbox: a host process of the box was killed" in b.seen, "a host process is killed", status, b.seen)
check(b.restored(), "the terminal is as it was after that")
b.close()


# A box in the background reads nothing of what is typed; in the foreground again it does. It is
# a job of bash's.
b = Box("-c", "set -m; \"$@\" & for i in 1 2 3; do read x; echo \"host <$x>\"; done; fg; echo \"job $?\"; "
        "read x; echo \"host <$x>\"; fg; echo \"status $?\"", "sh", *BOX, "--", "/bin/sh", "-c",
        "echo box; for i in 1 2; do read x; echo \"box <$x>\"; done; exit 3", program=["/bin/bash"])
check(b.wait_for(b"box\r"), "a box in the background writes", b.seen)
for line in b"one", b"two", b"three":
    b.type(line + b"\n")
    check(b.wait_for(b"host <" + line + b">"), "what is typed is not for it", b.seen)
check(soon(lambda: not b.cooked()), "in the foreground it makes the terminal raw")
b.type(b"four\n")
check(b.wait_for(b"box <four>\r\n"), "and reads it", b.seen)
os.kill(int(children(b.process.pid)[0]), signal.SIGTSTP)
check(b.wait_for(b"job 148"), "SIGTSTP stops it", b.seen)
check(b.restored(), "the terminal is as it was meanwhile")
b.type(b"five\n")
check(b.wait_for(b"host <five>"), "and what is typed is not for it", b.seen)
check(soon(lambda: not b.cooked()), "when it goes on the terminal is raw")
b.type(b"six\n")
check(b.wait_for(b"box <six>\r\n"), "and it reads again", b.seen)
check(b.wait_for(b"status 3"), "to its own end", b.seen)
check(b.restored(), "the terminal is as it was after that")
b.close()

done()
