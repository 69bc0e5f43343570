#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The socket of a box that has a name (docs/control.md): what is right is done, and what is wrong is refused, of which nothing
stays with the supervisor."""
import array
import copy
import sys
sys.dont_write_bytecode = True
from control import *  # noqa: E402,F403

NAME = "work"
CLOSED = ["closed"] * 3
TTY = ["tty"] * 3
MIB = 1 << 20


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path(NAME))
        self.socket.settimeout(LIMIT)
        self.seen = b""

    def send(self, data, fds=()):
        """False: nobody takes it any more. Descriptors go with the first byte."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            n = self.socket.sendmsg([data], rights)
            self.socket.sendall(data[n:])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def line(self):
        """None: the connection has ended."""
        while b"\n" not in self.seen:
            try:
                some = self.socket.recv(65536)
            except ConnectionResetError:
                some = b""
            if not some:
                return None
            self.seen += some
        text, self.seen = self.seen.split(b"\n", 1)
        return text

    def answer(self):
        text = self.line()
        return None if text is None else json.loads(text)

    def ask(self, request, fds=()):
        self.send(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n", fds)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def ask(request, fds=()):
    """Of a new connection."""
    with Client() as c:
        return c.ask(request, fds)


def is_error(answer):
    return isinstance(answer, dict) and list(answer) == ["error"] and isinstance(answer["error"], str) and answer["error"] != ""


def asks(*argv, stdio=CLOSED, **more):
    return {"exec": {"argv": list(argv), "stdio": stdio, **more}}


def as_before():
    """The box answers as it did."""
    with Client() as c:
        now = c.ask({"status": {}})
        ended = [c.ask(asks("/bin/sh", "-c", "exit 7")), c.answer()]
    return is_same(now) and ended == [{"ok": True}, {"exited": 7 << 8}]


def is_same(status):
    return isinstance(status, dict) and all(status.get(k) == first[k] for k in ("name", "pid", "started", "command"))


def memory():
    return int(field(first["pid"], "RssAnon").split()[0]) << 10


def fewest(pid):
    """Descriptors, while connections that have just ended go."""
    some = [descriptors(pid) for _ in range(20) if not time.sleep(0.01)]
    return None if None in some else min(some)


def requests():
    global first, before
    begun = int(time.time())
    result = start(NAME)
    check(result == (0, b""), "a box in the background", result)
    first = ask({"status": {}})
    check((first["name"], first["command"]) == (NAME, list(SLEEP)) and is_alive(first["pid"]) and
          begun - 1 <= first["started"] <= time.time() + 1 and 0 < first["memory"] <= 512 * MIB, "status", first)
    check(as_before(), "exec: ok, and the status as wait(2) has it")
    before = fewest(first["pid"]), memory()
    for ending, status in (("kill -9 $$", 9), ("kill -TERM $$", 15), ("exit 255", 255 << 8)):
        with Client() as c:
            got = c.ask(asks("/bin/sh", "-c", ending)), c.answer()
            check(got == ({"ok": True}, {"exited": status}), "exec of one that ends by " + ending, got)
    with Client() as c:
        c.send(b'{"status":{}}\n' * 5)
        got = [c.answer() for _ in range(5)]
        for byte in b' { "\\u0073tatus" :\t{ } } \r\n':
            c.send(bytes([byte]))
        check(all(map(is_same, got + [c.answer()])), "several on one connection: at once, and byte by byte", got)


def programs():
    r, w = os.pipe()
    with Client() as c:
        got = c.ask(asks("/bin/sh", "-c", "echo out; pwd; echo $A; id -u; id -g; exit 3", stdio=["closed", "fd", "closed"], env=["A=1"],
                         cwd="/usr", uid=12, gid=34), [w])
        os.close(w)
        got = got, c.answer()
        said = os.read(r, 1000)
        check(got == ({"ok": True}, {"exited": 3 << 8}) and said == b"out\n/usr\n1\n12\n34\n" and os.read(r, 1) == b"",
              "a program with all that there is", got, said)
    os.close(r)
    ours, theirs = socket.socketpair()
    ours.settimeout(LIMIT)
    with Client() as c:
        got = c.ask(asks("/bin/sh", "-c", "test -t 0 && test -t 1 && test -t 2; echo $?; stty size", stdio=TTY, size=[12, 345]),
                    [theirs.fileno()])
        theirs.close()
        got = got, c.answer()
        said = b""
        while b"345" not in said and (some := ours.recv(1000)):
            said += some
        check(got == ({"ok": True}, {"exited": 0}) and b"0\r\n" in said and b"12 345\r\n" in said, "one on a terminal", got, said)
    ours.close()
    with Client() as c:
        got = [c.ask(asks("/bin/sleep", "77720")), c.ask(asks("/bin/true"))]
        check(got[0] == {"ok": True} and is_error(got[1]), "a second one on the same connection is refused", got)
        for sig in (0, -1, 65, 99, 1 << 40, "15", None, [], 1.5, True):
            c.send(json.dumps({"signal": sig}).encode() + b"\n")
        c.send(b'{"signal":15}\n')
        while "exited" not in (got := c.answer() or {"exited": None}):
            pass
        check(got == {"exited": 15}, "signals that there are not, and SIGTERM", got)
    check(is_error(ask({"signal": 15})), "a signal for no program")
    with Client() as c:
        c.ask(asks("/bin/sleep", "77721"))
        soon(lambda: in_guest(NAME, 77721))
    check(soon(lambda: not in_guest(NAME, 77721)), "the connection ends, and the program with it")


WRONG_LINES = (
    b"", b" ", b"\0", b"\xff\xfe", b"x", b"null", b"1", b"\"status\"", b"[]", b"[{\"status\":{}}]", b"{}", b"{", b"}", b"{\"status\":{}",
    b"{\"status\":{}}x", b"{\"status\":{}} {\"status\":{}}", b"{\"status\":{}}\0", b"{status:{}}", b"{\"status\"}",
    b"{\"nothing\":{}}", b"{\"Status\":{}}", b"{\"\":{}}", b"{\"exec\":null}", b"{\"exec\":[]}", b"{\"exec\":{}}", b"{\"exec\":1}",
    b"{\"signal\":{}}", b"{\"error\":\"x\"}", b"{\"exited\":0}", b"{\"ok\":true}", b"\xef\xbb\xbf{\"nothing\":{}}", b"{\"\xff\":1}",
    b"[" * 100000, b"{\"a\":" * 40000, b"{\"exec\":" + b"[" * 100000 + b"]" * 100000 + b"}", b"\"" + b"x" * 200000, b"9" * 200000,
    b"{\"exec\":{\"argv\":[\"true\"],\"stdio\":[\"closed\",\"closed\",\"closed\"]}", b"%s%n%d", b"GET / HTTP/1.0\r")


def wrong_lines():
    bad = [(text[:60], got) for text in WRONG_LINES for got in [ask(text + b"\n")] if not is_error(got)]
    check(not bad and as_before(), "lines that are no request are refused", bad)
    with Client() as c:
        c.send(b"\n".join(WRONG_LINES[1:19]) + b'\n{"status":{}}\n')
        got = [c.answer() for _ in range(18)]
        check(all(map(is_error, got)) and is_same(c.answer()), "the connection goes on after these", got)
    for n in (300 << 10, 8 * MIB):
        with Client() as c:
            taken = c.send(b" " * n + b'{"status":{}}\n')
            got = c.answer()
            check((got is None or is_error(got)) and as_before(), "a line of %d KiB" % (n >> 10), taken, got)
    for text in (b"{", b'{"status":{}}', b"x" * 200000, json.dumps(asks("/bin/true")).encode()):
        for _ in range(10):
            with Client() as c:
                c.send(text)
    check(as_before(), "half a line, and then nobody")


# For each member what it cannot be. null may be as good as nothing.
WRONG = {
    "argv": (None, {}, [], "true", 1, True, [1], [None], ["true", 1], ["true", None], [["true"]], ["a\0b"], ["true", "a\0b"]),
    "env": ({}, "A=1", 1, True, [1], [None], [["A=1"]], ["A=\0"]),
    "clear_env": (1, "true", [], {}),
    "cwd": (1, True, [], {}, ["/"], "/tmp\0x"),
    "uid": ("0", True, [], {}, -1, 0.5, 1 << 32, 1 << 63, 1 << 64, 1e300, (1 << 32) - 1),
    "gid": ("0", True, [], {}, -1, 0.5, 1 << 32, 1 << 63, 1 << 64, 1e300, (1 << 32) - 1),
    "stdio": (None, {}, [], "tty", 1, ["tty"], ["tty"] * 2, ["tty"] * 4, [0, 1, 2], [None] * 3, ["TTY"] * 3, [["tty"]] * 3,
              ["tty", "tty", ""]),
    "size": ({}, "31", 1, True, [1], [1, 2, 3], ["31", "97"], [-1, 1], [1, -1], [65536, 1], [1, 1 << 40], [1.5, 1], [[], []]),
    "keep": (1, "true", [], {}),
}


def wrong_members():
    for member, values in WRONG.items():
        bad = []
        for value in values:
            request = copy.deepcopy(asks("/bin/true", stdio=TTY, size=[1, 1], uid=0, gid=0))
            request["exec"][member] = value
            ours, theirs = socket.socketpair()
            got = ask(request, [theirs.fileno()])
            theirs.close()
            if not is_error(got):
                bad.append((value, got))
            ours.close()
        check(not bad and as_before(), "what %s cannot be" % member, bad)
    for member in ("argv", "stdio"):
        request = asks("/bin/true")
        del request["exec"][member]
        check(is_error(ask(request)), "exec without " + member)


def wrong_descriptors():
    """None of them stays with the supervisor: the pipe's end is seen."""
    r, w = os.pipe()
    three = ["fd"] * 3
    cases = (
        ("none, for three", asks("/bin/true", stdio=three), 0), ("two, for three", asks("/bin/true", stdio=three), 2),
        ("four, for three", asks("/bin/true", stdio=three), 4), ("one, for none", asks("/bin/true"), 1),
        ("none, for a terminal", asks("/bin/true", stdio=TTY), 0), ("ten", asks("/bin/true", stdio=three), 10),
        ("253", asks("/bin/true", stdio=three), 253), ("one, beside a status", {"status": {}}, 1),
        ("three, beside nothing", {"nothing": 1}, 3), ("253, beside a status", {"status": {}}, 253))
    for name, request, n in cases:
        got = ask(request, [w] * n)
        check("status" in request and is_same(got) or is_error(got), "descriptors: " + name, got)
    for fds in (1, 3, 10, 253):
        with Client() as c:
            c.send(b"{", [w] * fds)
        with Client() as c:
            for _ in range(40):
                c.send(b" ", [w] * fds)
            got = c.ask({"status": {}})
            check(got is None or is_same(got) or is_error(got), "descriptors beside each byte, %d of them" % fds, got)
    os.close(w)
    check(os.read(r, 1) == b"" and as_before(), "all of these are closed")
    os.close(r)
    for flags, name in ((os.O_RDONLY, "a directory"), (os.O_PATH, "a directory of O_PATH")):
        fd = os.open("/", flags)
        check(is_error(ask(asks("/bin/true", stdio=["fd", "closed", "closed"]), [fd])), "a descriptor: " + name)
        os.close(fd)
    fd = os.open(IMAGE, os.O_PATH)
    check(is_error(ask(asks("/bin/true", stdio=["closed", "fd", "closed"]), [fd])), "a descriptor: a file of O_PATH")
    os.close(fd)
    check(as_before(), "the box answers as before")


def many_connections():
    some = [Client() for _ in range(64)]
    more = Client()
    more.send(b'{"status":{}}\n')
    answered = [c.ask({"status": {}}) for c in some]
    check(all(map(is_same, answered)), "64 connections at once", [a for a in answered if not is_same(a)][:3])
    for c in some:
        c.socket.close()
    got = more.answer()
    check(got is None or is_same(got) or is_error(got), "one more is refused, or waits", got)
    more.socket.close()
    check(soon(as_before), "when they are gone the box answers as before")


def clients_that_do_not_read():
    with Client() as c:
        c.send(json.dumps(asks("/bin/true")).encode() + b"\n")
    silent = [Client() for _ in range(3)]
    for c in silent:
        c.socket.setblocking(False)
    for _ in range(3000):
        for c in silent:
            try:
                c.socket.send(b'{"status":{}}\n' * 1000)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
    check(as_before(), "clients that ask and do not read: others are answered")
    for c in silent:
        c.socket.close()
    with Client() as c:
        c.send(b'{"nothing":1}\n' * 100)
    for _ in range(100):
        Client().socket.close()
    check(soon(as_before), "clients that come and go")


def agent_is_slow():
    """It has no room for more programs, nor to hear of their ends."""
    stopped = begin("exec", NAME, "--", "/bin/sh", "-c", "kill -STOP $PPID; echo stopped; read x; kill -CONT $PPID", stdin=subprocess.PIPE)
    ready = line(stopped.stdout)
    some, got = [], {"ok": True}
    while got == {"ok": True} and len(some) < 50:
        some.append(Client())
        got = some[-1].ask(asks("/bin/sh", "-c", "exec sleep 77730", "x" * 100000))
    check(ready == b"stopped\n" and len(some) > 1 and is_error(got) and is_same(ask({"status": {}})),
          "programs that the agent has no room for are refused", ready, len(some), got)
    for c in some:
        c.socket.close()
    stopped.stdin.write(b"\n")
    status = end(stopped)
    check(status == 0 and soon(as_before), "it goes on", status)
    check(soon(lambda: not in_guest(NAME, 77730)), "programs whose clients have gone meanwhile do not stay")


def out_of_band():
    with Client() as c:
        try:
            c.socket.send(b"x", socket.MSG_OOB)
        except OSError:
            return skip("a byte out of band", "this host has none for AF_UNIX")
        c.socket.close()
    check(as_before(), "a byte out of band")


def another_user():
    if os.geteuid():
        return skip("another user is refused", "only root can be another")
    os.chmod(TMP, 0o711)
    os.chmod(RUNTIME, 0o711)
    os.chmod(DIRECTORY, 0o711)
    os.chmod(path(NAME), 0o666)
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setgid(1234)
        os.setuid(1234)
        os.write(w, b"%r" % (ask({"status": {}}),))
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(w)
    said = os.read(r, 1000)
    os.close(r)
    os.chmod(DIRECTORY, 0o700)
    check(said == b"None" and as_before(), "another user is refused, also where the directory lets it in", said)


def nothing_stays():
    fds, anonymous = before
    if fds is None:
        skip("the supervisor's descriptors are as many as before", "/proc/PID/fd of the supervisor may not be read")
    else:
        check(soon(lambda: descriptors(first["pid"]) <= fds), "the supervisor's descriptors are as many as before", fds,
              descriptors(first["pid"]))
    check(memory() < anonymous + 64 * MIB, "its memory has a bound", anonymous, memory())


def an_end():
    family = children(first["pid"])
    with Client() as c:
        got = c.ask({"kill": {}}), c.answer()
        check(got == ({"ok": True}, None), "kill: ok, and the connection ends with the box", got)
    check(gone([first["pid"], *family]) and soon(lambda: not os.path.lexists(path(NAME))), "nothing is left of it")
    start(NAME)
    with Client() as c, Client() as d:
        pid = d.ask({"status": {}})["pid"]
        started = d.ask(asks("/bin/sleep", "1000000"))
        got = c.ask({"stop": {}}), c.answer()
        check(started == {"ok": True} and got == ({"ok": True}, None), "stop: the same", started, got)
        last = d.answer()
        check(last is None or "exited" in last, "and whose program ran knows that it has ended", last)
    check(gone([pid]), "the supervisor has ended")


perform(requests, programs, wrong_lines, wrong_members, wrong_descriptors, many_connections,
        clients_that_do_not_read, agent_is_slow, out_of_band, another_user, nothing_stays, an_end)
