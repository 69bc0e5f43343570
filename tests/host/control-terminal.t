#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kbox exec on a terminal: the program has one of the guest's, and the user's is as it was afterwards."""
import sys
sys.dont_write_bytecode = True
import termios  # noqa: E402
import terminal  # noqa: E402
from control import *  # noqa: E402,F403


class Terminal(terminal.Box):
    """A program in the box "work", on a terminal. "with" ends it."""

    def __init__(self, *command, name="work", options=(), **more):
        super().__init__(*command, program=[KBOX, "exec", *options, name, "--"], **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def shell(script, **more):
    return Terminal("/bin/sh", "-c", script, **more)


def it_is_one():
    result = start("work")
    check(result == (0, b""), "a box in the background", result)
    script = "tty && test -t 0 && test -t 1 && test -t 2 && echo all three; stty size; echo x >/dev/tty; echo y >$(tty); exit 5"
    for options in ((), ("--change-id", "1000:1000")):
        with shell(script, options=options) as t:
            status = t.status()
            lines = t.seen.split(b"\r\n")
            check(status == 5 and lines[0].startswith(b"/dev/"), "tty names a terminal, and the exit status", status, t.seen)
            check(lines[1:] == [b"all three", b"31 97", b"x", b"y", b""],
                  "input, output and errors are one, of the user's size, and of a name", t.seen)
            check(t.restored(), "the terminal is as it was")


def lines_and_keys():
    with shell("echo ready; read x; echo \"<$x>\"; stty -echo; echo quiet; read x; echo \"<$x>\"") as t:
        check(t.wait_for(b"ready\r\n"), "a program starts", t.seen)
        raw = termios.tcgetattr(t.slave)
        check(not raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG), "the user's terminal is raw meanwhile", raw)
        t.type(b"helxx\x7f\x7flo\n")
        check(t.wait_for(b"<hello>\r\n"), "erase edits the line", t.seen)
        check(t.wait_for(b"quiet\r\n"), "stty -echo", t.seen)
        t.type(b"secret\n")
        status = t.status()
        check(status == 0 and t.seen == b"<secret>\r\n", "nothing typed is echoed", status, t.seen)
        check(t.restored(), "the terminal is as it was after that")
    with shell("echo ready; cat; echo end") as t:
        t.wait_for(b"ready\r\n")
        t.type(b"one\n\x04")
        check(t.wait_for(b"end\r\n") and t.status() == 0, "Ctrl-D is the end of input", t.seen)
    for key, name, number in ((b"\x03", "Ctrl-C", 130), (b"\x1c", "Ctrl-\\", 131)):
        with shell("echo ready; exec sleep 600") as t:
            t.wait_for(b"ready\r\n")
            t.press_until(key, lambda: t.process.poll() is not None)
            status = t.status()
            check(status == number and t.restored(), name + " ends the program, not kbox exec", status, t.seen)
    with shell("trap 'echo caught' INT; echo ready; sleep 600; echo next; exit 8") as t:
        t.wait_for(b"ready\r\n")
        t.press_until(b"\x03", lambda: b"next\r\n" in t.seen)
        check(b"caught\r\n" in t.seen and t.status() == 8, "a program catches Ctrl-C, and goes on", t.seen)


def job_control():
    with Terminal("/bin/sh", "-i") as t:
        check(t.wait_for(b"# ") or t.wait_for(b"$ "), "an interactive shell", t.seen)
        t.type(b"sleep 600\n")
        t.wait_for(b"sleep 600\r\n")
        check(t.press_until(b"\x1a", lambda: b"Stopped" in t.seen), "Ctrl-Z stops a job", t.seen)
        t.type(b"jobs; kill -9 %1; fg; echo go$((1+1)); exit 4\n")
        check(t.wait_for(b"go2") and t.status() == 4 and t.restored(), "which goes on, and the shell's status", t.seen)
    with Terminal("/bin/sh", "-i") as t:
        t.wait_for(b"# ")
        t.type(b"echo out$((1+1))\nexit 6\n")
        status = t.status()
        check(status == 6 and b"job control" not in t.seen and b"out2" in t.seen, "nothing is said of a terminal that is missing", t.seen)


def sizes():
    with shell("trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done") as t:
        t.wait_for(b"ready\r\n")
        t.resize(50, 132)
        check(t.wait_for(b"50 132\r\n"), "a new size reaches the program, with SIGWINCH", t.seen)
        t.resize(300, 1000)
        check(t.wait_for(b"300 1000\r\n"), "and the next, which takes two bytes each", t.seen)
        t.process.send_signal(signal.SIGTERM)
        status = t.status()
        check(status == 143 and t.restored(), "SIGTERM for kbox exec ends the program, and the terminal is as it was", status, t.seen)


def ends_from_outside():
    with shell("trap 'echo got; exit 9' TERM USR1; echo ready; while :; do sleep 0.1; done") as t:
        t.wait_for(b"ready\r\n")
        t.process.send_signal(signal.SIGUSR1)
        status = t.status()
        check(status == 9 and t.seen.endswith(b"got\r\n") and t.restored(), "SIGUSR1 is the program's", status, t.seen)
    with shell("echo ready; exec sleep 77711") as t:
        t.wait_for(b"ready\r\n")
        t.process.kill()
        check(t.status() == -9 and soon(lambda: not in_guest("work", 77711)), "kbox exec is killed: its program ends")
    t = shell("echo ready; sleep 77712; sleep 77712")
    t.wait_for(b"ready\r\n")
    os.close(t.master)
    check(soon(lambda: t.process.poll() is not None) and soon(lambda: not in_guest("work", 77712)),
          "the terminal goes away: kbox exec ends, and its program", t.process.poll())
    if t.process.poll() is None:
        t.process.kill()
        t.process.wait()
    os.close(t.slave)


def programs_that_stay():
    with shell("sleep 77713 & echo x; exit 3") as t:
        status = t.status()
        check(status == 3 and t.seen == b"x\r\n", "a child that has the terminal does not hold kbox exec", status, t.seen)
    execute("work", "mkfifo /tmp/go")
    with shell("echo ready; cat /tmp/go; seq 1 20000; echo $? >/tmp/done", options=("--keep",)) as t:
        ready = t.wait_for(b"ready\r\n")
        t.process.kill()
        t.status()
        execute("work", "echo go >/tmp/go")
        check(ready and soon(lambda: execute("work", "cat /tmp/done")[1] == b"0\n"),
              "--keep: the program has a terminal, and goes on, when kbox exec is killed")


def only_some_are():
    with shell("test -t 0; echo $?; test -t 1; echo $?; exit 2", stdin=subprocess.DEVNULL) as t:
        status = t.status()
        check(status == 2 and t.seen == b"1\r\n0\r\n" and t.restored(), "only output and errors are a terminal", status, t.seen)
    with shell("echo ready; sleep 600", stdin=subprocess.DEVNULL) as t:
        t.wait_for(b"ready\r\n")
        check(t.cooked(), "which stays as it is")
        t.press_until(b"\x03", lambda: t.process.poll() is not None)
        check(t.status() == 130, "Ctrl-C is a signal for kbox exec there, and so for the program", t.process.poll())
    with tempfile.TemporaryFile() as out:
        with shell("tty; read x; echo \"<$x>\"", stdout=out, stderr=subprocess.DEVNULL) as t:
            t.type(b"typed\n")
            status = t.status()
            said = os.pread(out.fileno(), 1000, 0)
            check(status == 0 and said.startswith(b"/dev/") and said.endswith(b"\n<typed>\n") and t.restored(),
                  "only input is a terminal", status, said)
    with tempfile.TemporaryFile() as out:
        with shell("test -t 2 && echo errors >&2; echo out; cat", stdin=subprocess.DEVNULL, stdout=out) as t:
            status = t.status()
            said = os.pread(out.fileno(), 1000, 0)
            check(status == 0 and (said, t.seen) == (b"out\n", b"errors\r\n"), "only errors are a terminal", status, said, t.seen)


def failures():
    for command, status in (("/no/such/command", 127), ("/etc/passwd", 126)):
        with Terminal(command) as t:
            got = t.status()
            check(got == status and t.seen.startswith(b"kbox: ") and t.seen.endswith(b"\r\n") and t.restored(),
                  "%s: %d, and the terminal is as it was" % (command, status), got, t.seen)
    with Terminal("true", name="nobody") as t:
        got = t.status()
        check(got == 125 and t.seen.startswith(b"kbox: ") and t.restored(), "there is no such box: 125", got, t.seen)


def much():
    with shell("stty -opost; seq 1 100000; echo; exit 1") as t:
        status = t.status()
        lines = t.seen.split(b"\n")
        check(status == 1 and lines[:100000] == [b"%d" % n for n in range(1, 100001)], "100,000 lines, to the last one",
              status, len(lines), lines[-3:])
    data = bytes(os.urandom(200000).replace(b"\0", b"0"))
    with shell("stty raw -echo; echo ready; head -c %d | %s" % (len(data), HASH)) as t:
        t.wait_for(b"ready")
        t.write(data)
        status = t.status()
        check(status == 0 and hashed(data).strip() in t.seen, "200,000 bytes of any kind are typed", status, t.seen)


def box_ends():
    with shell("echo ready; sleep 600") as t, shell("echo ready; sleep 600") as u:
        t.wait_for(b"ready\r\n")
        u.wait_for(b"ready\r\n")
        os.kill(pid_of("work"), signal.SIGKILL)
        for x in (t, u):
            status = x.status()
            check(status == 137 and x.seen.startswith(b"kbox: ") and x.seen.endswith(b"\r\n") and x.restored(),
                  "the box ends: 137 with a line, on a terminal that is as it was", status, x.seen)


def box_in_the_background():
    t = terminal.Box(program=[*terminal.BOX, "--name", "back", "-d", "--", "/bin/sh", "-c", "tty; echo x; exec sleep 1000000"])
    status = t.status()
    check(status == 0 and t.seen == b"" and t.restored(), "-d on a terminal, which the box does not have", status, t.seen)
    t.close()
    check(execute("back", "exit 3")[0] == 3, "it goes on when that has gone away")
    t = terminal.Box(program=[*terminal.BOX, "--name", "none", "-d", "--", "/no/such/command"])
    status = t.status()
    check(status == 127 and t.seen.startswith(b"kbox: ") and t.restored(), "-d: what fails is said there", status, t.seen)
    t.close()


perform(it_is_one, lines_and_keys, job_control, sizes, ends_from_outside, programs_that_stay,
        only_some_are, failures, much, box_ends, box_in_the_background)
