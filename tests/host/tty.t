#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A box on a terminal: line editing, signals, size, and the terminal as it was afterwards."""
import os
import signal
import subprocess
import tempfile
import termios
import time

from terminal import Box, shell
from harness import LIMIT, check, done

# A terminal is one, and has a size.
b = shell("tty && test -t 0 && test -t 1 && test -t 2 && echo all three; stty size; echo x >/dev/tty; exit 5")
status = b.status()
check(status == 5, "exit status", status)
check(b.seen.startswith(b"/dev/"), "tty names a terminal", b.seen)
check(b"all three\r\n" in b.seen, "input, output and errors are terminals", b.seen)
check(b"\r\n31 97\r\n" in b.seen, "stty size is the host's", b.seen)
check(b.seen.endswith(b"x\r\n"), "/dev/tty is the controlling terminal", b.seen)
check(b.restored(), "the terminal is as it was after an exit")
b.close()

# Line editing and echo are the guest's; the host's terminal is raw meanwhile.
b = shell("echo ready; read x; echo \"<$x>\"; stty -echo; echo quiet; read x; echo \"<$x>\"; stty echo; exit 0")
check(b.wait_for(b"ready\r\n"), "a box starts", b.seen)
raw = termios.tcgetattr(b.slave)
check(not raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG), "the host's terminal is raw while it runs", raw)
b.type(b"helxx\x7f\x7flo\n")
check(b.wait_for(b"<hello>\r\n"), "erase edits the line", b.seen)
check(b.wait_for(b"quiet\r\n"), "stty -echo", b.seen)
b.type(b"secret\n")
check(b.wait_for(b"\n"), "the line is read", b.seen)
status = b.status()
check(status == 0 and b"secret" not in b.seen.replace(b"<secret>", b""), "nothing typed is echoed", status, b.seen)
check(b.restored(), "the terminal is as it was after that")
b.close()

b = shell("echo ready; cat; echo end")
b.wait_for(b"ready\r\n")
b.type(b"one\n\x04")
check(b.wait_for(b"end\r\n"), "Ctrl-D is the end of input", b.seen)
check(b.status() == 0, "and the box ends well")
b.close()

# Keys that signal go to the guest's foreground, not to kbox.
for key, name, number in ((b"\x03", "Ctrl-C", 130), (b"\x1c", "Ctrl-\\", 131)):
    b = Box("/bin/sh", "-c", "echo ready; exec sleep 600")
    b.wait_for(b"ready\r\n")
    b.press_until(key, lambda: b.process.poll() is not None)
    status = b.status()
    check(status == number, name + " ends sleep", status, b.seen)
    check(b.restored(), "the terminal is as it was after " + name)
    b.close()

b = shell("trap 'echo caught' INT; echo ready; sleep 600; echo next; sleep 1; exit 8")
b.wait_for(b"ready\r\n")
# It may catch one before its command has begun, which is not ended by that.
b.press_until(b"\x03", lambda: b"next\r\n" in b.seen)
check(b"caught\r\n" in b.seen, "a shell catches Ctrl-C", b.seen)
check(b"next\r\n" in b.seen, "and goes on", b.seen)
check(b.status() == 8, "to its own end")
b.close()

b = Box("/bin/sh", "-i")
b.wait_for(b"# ")
b.type(b"sleep 600\n")
b.wait_for(b"sleep 600\r\n")
check(b.press_until(b"\x1a", lambda: b"Stopped" in b.seen), "Ctrl-Z stops a job of the guest's shell", b.seen)
b.type(b"jobs; kill -9 %1; fg; echo go$((1+1)); exit 4\n")  # wait does not wait for a job that is stopped
check(b.wait_for(b"go2"), "which goes on", b.seen)
check(b.status() == 4, "interactive shell: exit status")
check(b.restored(), "the terminal is as it was after a shell")
b.close()

# Sizes.
b = shell("trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")
b.wait_for(b"ready\r\n")
b.resize(50, 132)
check(b.wait_for(b"50 132\r\n"), "a new size reaches the guest, with SIGWINCH", b.seen)
b.resize(24, 80)
check(b.wait_for(b"24 80\r\n"), "and the next", b.seen)

# Ends from outside.
b.process.send_signal(signal.SIGTERM)
status = b.status()
check(status in (143, -signal.SIGTERM), "SIGTERM ends it", status)
check(b.restored(), "the terminal is as it was after SIGTERM")
b.close()

b = shell("trap '' TERM HUP; echo ready; while :; do sleep 600; done")
b.wait_for(b"ready\r\n")
b.process.send_signal(signal.SIGTERM)
status = b.status()
check(status != "no end", "SIGTERM ends one that ignores it", status)
check(b.restored(), "the terminal is as it was after that")
b.close()

b = shell("echo ready; sleep 600")
b.wait_for(b"ready\r\n")
os.close(b.master)
end = time.monotonic() + LIMIT
while b.process.poll() is None and time.monotonic() < end:
    time.sleep(0.1)
check(b.process.poll() is not None, "a box ends when its terminal goes away")
if b.process.poll() is None:
    b.process.kill()
    b.process.wait()
os.close(b.slave)

# A mix: only some of the three are terminals.
b = shell("test -t 0; echo $?; test -t 1; echo $?; exit 2", stdin=subprocess.DEVNULL)
status = b.status()
check(status == 2 and b.seen.split() == [b"1", b"0"], "input from a file, output to a terminal", status, b.seen)
check(b.restored(), "the terminal is as it was")
b.close()
with tempfile.TemporaryFile() as out:
    b = shell("tty; read x; echo \"<$x>\"", stdout=out, stderr=subprocess.DEVNULL)
    b.type(b"typed\n")
    status = b.status()
    out.seek(0)
    text = out.read()
    check(status == 0 and text.endswith(b"\n<typed>\n"), "input from a terminal, output to a file", status, text)
    check(b.restored(), "the terminal is as it was")
    b.close()

# Failures come before the terminal is touched.
b = Box("/no/such/command")
status = b.status()
check(status == 127 and b.seen.endswith(b"\r\n"), "no such command", status, b.seen)
check(b.restored(), "the terminal is as it was")
b.close()

# Much output, and a reader that is slow.
b = shell("stty -opost; seq 1 200000; echo; exit 1")
status = b.status()
lines = b.seen.split(b"\n")
check(status == 1 and lines[:200000] == [b"%d" % n for n in range(1, 200001)], "200000 lines", status, len(lines))
b.close()

done()
