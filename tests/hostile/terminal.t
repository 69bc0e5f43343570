#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The user's terminal is not the guest's: it types nothing there, reads nothing that is meant for
others, and leaves it as it was."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

master, slave = pty.openpty()
COOKED = termios.tcgetattr(slave)

# A box whose streams are the terminal has no descriptor of it at all.
for line in ("read 0 page 64", "write 1 page 64", "ioctl 0 0x5412 page", "ioctl 0 0x5423 page", "ioctl 0 0x5402 page", "ioctl 0 0x540e 1",
             "ioctl 0 0x5410 page", "ioctl 0 0x541c page", "fcntl 0 4 0x800", "fcntl 0 8 1", "ppoll page 1 0 0 0", "openat -100 :/dev/tty 2 0",
             "epoll_ctl epollfd 1 0 page", "dup 0", "close 0", "fstat 0 page", "pread64 0 page 1 0", "vhangup"):
    refuses(line)


def typed_in_background(*attack):
    """What a shell in the foreground gets of "secret", while a box is in the background, and the modes there after that."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    got, ours = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        box = subprocess.Popen([*USER, KBOX, "-S", IMAGE, "--ephemeral", "--mem", "64M", "--", *attack], stdin=slave,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0)
        said = b""
        while b"ready" not in said and b"kbox: " not in said:
            some = os.read(box.stdout.fileno(), 4096)
            if not some:
                break
            said += some
        os.write(ours, b"up\n" if b"ready" in said else b"no\n")
        for _ in range(20):
            line = os.read(slave, 100)
            os.write(ours, line)
            if line == b"end\n":
                break
        box.kill()
        box.wait()
        os._exit(0)
    started = os.read(got, 100) == b"up\n"
    time.sleep(0.5)
    for _ in range(10):
        os.write(master, b"secret\n")
        time.sleep(0.05)
    os.write(master, b"end\n")
    end, text = time.monotonic() + 30 * SLOWNESS, b""
    while not text.endswith(b"end\n") and time.monotonic() < end:
        if select.select([got], [], [], 0.1)[0]:
            text += os.read(got, 4096)
    same = termios.tcgetattr(slave) == before
    if not soon(lambda: os.waitpid(pid, os.WNOHANG)[0]):    # it ends the box first
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for fd in (master, slave, got, ours):
        os.close(fd)
    return started and same, text


for attack in ("flood", "ttyread"):
    good, text = typed_in_background(PROGRAM, attack)
    check(good and text == b"secret\n" * 10 + b"end\n", "what is typed for the foreground does not come to a box in the background: " + attack,
          good, text)
    soon(lambda: not processes())

# The modes are what they were, however the box has ended.
for words, statuses in (("call kill pid 9", (125,)), ("panic 27 0", (120,)), ("end 1 0x700", (7,)), ("boot", (7, 125)), ("output", (7,)),
                        ("nokernel", None), ("flood", None), ("indexes", None)):
    with Box(PROGRAM, *words.split()) as b:
        ready = statuses or b.wait_for(b"ready")
        if not statuses:
            b.term()
        status = b.wait()
        after = termios.tcgetattr(b.slave)
        check(ready and (status in statuses if statuses else status is not None and status != 125) and after == COOKED,
              "the terminal after: " + words, status, after, b.lines()[-3:])
done()
