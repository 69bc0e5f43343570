#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boxes that have a name: the name, -d, kbox exec, kbox ps, kbox stop. Terminals are control-terminal.t's, the socket itself is
control-protocol.t's."""
import contextlib
import stat
import sys
sys.dont_write_bytecode = True
from control import *  # noqa: E402,F403

MIB = 1 << 20
LONGEST = "n" * 62 + "9"
WRONG = ("", ".", "..", ".a", "-a", "_a", "a/b", "../a", "/a", "a b", "a:b", "a\tb", "\u00e4", "a" * 64, "a" * 5000)


def boxes_start():
    result = start("work", options=("-e", "FOO=bar", "-w", "/tmp"))
    check(result == (0, b""), "-d: kbox returns with status 0, and says nothing", result)
    result = execute("work", "echo up")
    check(result == (0, b"up\n", b""), "and the box goes on", result)
    pid = pid_of("work")
    check(os.getsid(pid) not in (os.getsid(0), 0) and os.getpgid(pid) != os.getpgid(0), "in a session of its own", pid)
    check(stat.S_IMODE(os.lstat(DIRECTORY).st_mode) == 0o700 and stat.S_ISSOCK(os.lstat(path("work")).st_mode),
          "its socket is in a directory that is the user's alone", os.lstat(DIRECTORY))
    result = start("user", options=("--change-id", "1000:1001"))
    check(result == (0, b""), "a second box", result)


def names_are_names():
    bad = [(name, result) for name in WRONG for result in [kbox(*BOX[1:], "--name=" + name, "--", *SLEEP)] if not refused(result)]
    check(not bad, "names that are none: --name", bad)
    bad = [(words, result) for name in WRONG for words in (["exec", "--", name, "/bin/true"], ["stop", "--", name])
           for result in [kbox(*words)] if not refused(result)]
    check(not bad, "names that are none: exec and stop", bad)
    check(sorted(os.listdir(DIRECTORY)) == ["user", "work"], "nothing is left of them", os.listdir(DIRECTORY))


def name_in_use():
    pid = pid_of("work")
    result = start("work")
    check(result[0] == 125 and is_line(result[1]), "a name that is in use", result)
    result = kbox(*BOX[1:], "--name", "work", "--", *SLEEP)
    check(refused(result), "without -d", result)
    check(pid_of("work") == pid and execute("work", "exit 3")[0] == 3, "the box that has it goes on")


def command_cannot_start():
    result = start("none", "/no/such/command")
    check(result[0] == 127 and is_line(result[1]), "-d with a command that is not there: 127", result)
    result = start("none", "/etc/passwd")
    check(result[0] == 126 and is_line(result[1]), "-d with a file that is no program: 126", result)
    result = start("none", box=[KBOX, "-S", TMP + "/none.img"])
    check(result[0] == 125 and is_line(result[1]), "-d with an image that is not there: 125", result)
    check(soon(lambda: not os.path.lexists(path("none"))) and "none" not in listed(), "nothing is left of them", listed())


def longest_name():
    result = start(LONGEST)
    check(result == (0, b"") and execute(LONGEST, "exit 5")[0] == 5, "a name of 63 characters", result)
    os.kill(pid_of(LONGEST), signal.SIGTERM)
    check(soon(lambda: not os.path.lexists(path(LONGEST))), "SIGTERM for the supervisor: its socket is gone")


def ps_lists():
    boxes = listed()
    check(sorted(boxes) == ["user", "work"] and boxes["work"]["command"] == list(SLEEP), "ps --json: names and commands", boxes)
    check(all(is_alive(b["pid"]) and field(b["pid"], "Name") == os.path.basename(KBOX)[:15] for b in boxes.values()),
          "the numbers are those of processes that live", boxes)
    status, out, err = kbox("ps")
    lines = {words[0]: words for words in map(bytes.split, out.splitlines()) if words}
    check(status == 0 and err == b"" and all(name.encode() in lines and b"%d" % box["pid"] in lines[name.encode()] and
                                             b"1000000" in lines[name.encode()] for name, box in boxes.items()),
          "ps: a line for each, with name, number and command", status, out, err)
    check(len(out.splitlines()) <= 3, "and at most one above them", out)
    empty = {**os.environ, "XDG_RUNTIME_DIR": temporary()}
    result = kbox("ps", "--json", env=empty)
    check(result[0] == 0 and json.loads(result[1]) == [], "ps --json where there is no box", result)
    check(kbox("ps", env=empty)[0] == 0, "ps where there is no box")
    check(all(refused(kbox("ps", word)) for word in ("--nonsense", "word")), "ps: words that it does not know")


def exec_statuses():
    for script, status in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143),
                           ("kill -SEGV $$", 139)):
        result = execute("work", script)
        check(result == (status, b"", b""), "exec: %s gives %d" % (script, status), result)
    for command, status in (("/no/such", 127), ("nosuch", 127), ("/etc/passwd", 126), ("/etc", 126)):
        result = kbox("exec", "work", "--", command)
        check(result[0] == status and is_line(result[2]), "exec: %s gives %d" % (command, status), result)
    result = kbox("exec", "work", "echo", "-n", "a", "--")
    check(result == (0, b"a --", b""), "-- can be left out, and the program's words are its own", result)
    for words in ((), ("work",), ("work", "--"), ("nobody", "--", "true"), ("--nonsense", "work", "true"), ("-e", "x", "work", "true"),
                  *(("--change-id", ids, "work", "true") for ids in ("x:1", "1", "4294967295:0"))):
        result = kbox("exec", *words)
        check(refused(result), "exec: 125 for " + " ".join(words), result)


def exec_streams():
    result = execute("work", "echo out; echo err >&2; echo out")
    check(result == (0, b"out\nout\n", b"err\n"), "errors are apart from output", result)
    result = execute("work", "cat; echo end", input=b"one\ntwo")
    check(result == (0, b"one\ntwoend\n", b""), "input is a pipe, to its end", result)
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(b"one\ntwo\n")
        target.write(b"before\n")
        target.flush()
        source.seek(0)
        status = execute("work", "dd bs=4 count=1 2>/dev/null", stdin=source, stdout=target)[0]
        rest = os.read(source.fileno(), 100)
        target.seek(0)
        out = target.read()
    check((status, rest, out) == (0, b"two\n", b"before\none\n"), "input and output are files, at their offsets", status, rest, out)
    for number, name in ((0, "input"), (1, "output"), (2, "errors")):
        with tempfile.TemporaryFile() as said:
            word = "exec \"$@\" %d%s&-" % (number, "<" if number == 0 else ">")
            script = "[ -e /proc/$$/fd/%d ] || echo closed >&%d; exit 4" % (number, 2 if number == 1 else 1)
            process = subprocess.run(["sh", "-c", word, "sh", KBOX, "exec", "work", "--", "/bin/sh", "-c", script],
                                     stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=LIMIT)
            said.seek(0)
            check((process.returncode, said.read()) == (4, b"closed\n"), "standard %s is closed" % name, process.returncode)
    process = subprocess.run(["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", KBOX, "exec", "work", "--", "/bin/sh", "-c", "exit 6"],
                             timeout=LIMIT)
    check(process.returncode == 6, "all three are", process.returncode)


def ends_of_pipes_are_seen():
    process = begin("exec", "work", "--", "/bin/sh", "-c", "echo last; exec >&-; read x; exit 3", stdin=subprocess.PIPE)
    said = line(process.stdout), line(process.stdout)
    check(said == (b"last\n", b"") and process.poll() is None, "the program closes its output, and goes on", said)
    process.stdin.write(b"x\n")
    check(end(process) == 3, "to its end")
    process = begin("exec", "work", "--", "/bin/sh", "-c", "exec <&-; echo closed; sleep 77700", stdin=subprocess.PIPE)
    check(line(process.stdout) == b"closed\n" and soon(lambda: is_broken(process.stdin)), "the program closes its input")
    process.kill()
    end(process)
    process = begin("exec", "work", "--", "/bin/sh", "-c", "sleep 1000000 >/dev/null 2>&1 </dev/null & echo $!")
    child = line(process.stdout)
    check(child[:-1].isdigit() and end(process) == 0 and line(process.stdout) == b"",
          "a child without the streams does not hold them", child)
    execute("work", "kill -9 " + child.decode())


def is_broken(stream):
    try:
        stream.write(b"x")
    except BrokenPipeError:
        return True
    return False


def sockets_as_streams():
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp = socket.create_connection(server.getsockname())
        their_tcp = server.accept()[0]
    for a, b, kind in ((ours, theirs, "AF_UNIX"), (tcp, their_tcp, "TCP")):
        process = begin("exec", "work", "--", "cat", stdin=b, stdout=b)
        b.close()
        a.settimeout(LIMIT)
        a.sendall(b"hello")
        got = a.recv(100)
        a.shutdown(socket.SHUT_WR)
        check((got, a.recv(100), end(process)) == (b"hello", b"", 0), "a socket is input and output: " + kind, got)
        a.close()


def a_mebibyte_each_way():
    data = os.urandom(MIB)
    check(execute("work", HASH, input=data) == (0, hashed(data), b""), "1 MiB by a pipe into the box")
    check(execute("work", "cat", input=data) == (0, data, b""), "and back")
    status, out, err = execute("work", "head -c %d /dev/urandom >/tmp/m; (%s) </tmp/m >&2; cat /tmp/m; rm /tmp/m" % (MIB, HASH))
    check((status, len(out), err) == (0, MIB, hashed(out)), "1 MiB out of the box", status, len(out), err)
    check(execute("work", "cat >&2", input=data) == (0, b"", data), "1 MiB as errors")
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(data)
        source.seek(0)
        result = execute("work", "cat", stdin=source, stdout=target)
        target.seek(0)
        check(result[0] == 0 and target.read() == data, "1 MiB from a file to a file", result)


def exec_environment():
    of_command = "cat /proc/$(pidof sleep | tr ' ' '\\n' | sort -n | head -n 1)/"
    boxes, own = execute("work", of_command + "environ")[1], kbox("exec", "work", "--", "cat", "/proc/self/environ")[1]
    check(b"FOO=bar" in own.split(b"\0") and sorted(own.split(b"\0")) == sorted(boxes.split(b"\0")), "environment: the box's", boxes, own)
    result = kbox("exec", "-e", "A=1", "-e", "A=two words", "-e", "FOO=new", "-e", "E=", "work", "--",
                  "/bin/sh", "-c", "echo \"$A|$FOO|${E-unset}\"")
    check(result == (0, b"two words|new|\n", b""), "-e", result)
    result = kbox("exec", "--clear-env", "-e", "B=2", "-e", "PATH=/bin", "work", "--", "env")
    check(result[0] == 0 and sorted(result[1].splitlines()) == [b"B=2", b"HOME=/root", b"PATH=/bin"],
          "--clear-env: what -e says, and a PATH and HOME as a new box has them", result)
    result = kbox("exec", "-e", "P=" + "p" * 100000, "work", "--", "/bin/sh", "-c", "echo ${#P}")
    check(result == (0, b"100000\n", b""), "-e with 100,000 characters", result)


def exec_is_as_the_command():
    names = ("Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
             "Seccomp")
    ask = ("grep", "-hE", "^(%s):|^Max" % "|".join(names))
    for name in ("work", "user"):
        pid = execute(name, "pidof sleep | tr ' ' '\\n' | sort -n | head -n 1")[1].decode().strip()
        both = [kbox("exec", name, "--", *ask, "/proc/%s/status" % p, "/proc/%s/limits" % p)[1].splitlines() for p in (pid, "self")]
        check(len(both[0]) > 20 and both[0] == both[1], "rights, limits and signals are those of the box's command: " + name,
              *[sorted(set(a) - set(b)) for a, b in (both, both[::-1])])
    result = execute("work", "echo $$; cut -d ' ' -f 5,6 /proc/$$/stat; ls /proc/$$/fd | tr '\\n' ' '")
    words = result[1].split()
    check(len(words) >= 3 and words[0] == words[1] == words[2], "it leads a session and a process group", result)
    result = kbox("exec", "work", "--", "ls", "/proc/self/fd")
    check(result[1].split() == [b"0", b"1", b"2", b"3"], "it has three descriptors, and ls's own", result)


def exec_directory_and_user():
    check(kbox("exec", "work", "--", "pwd")[1] == b"/tmp\n", "the directory is the box's")
    result = kbox("exec", "-w", "/usr/lib", "work", "--", "pwd")
    check(result == (0, b"/usr/lib\n", b""), "-w", result)
    for wrong in ("/no/such", "/etc/passwd"):
        result = kbox("exec", "-w", wrong, "work", "--", "pwd")
        check(refused(result), "-w %s: 125" % wrong, result)
    ids = ("/bin/sh", "-c", "echo $(id -u) $(id -g) $(id -G)")
    for name, options, want in (("work", (), b"0 0 0"), ("work", ("--change-id", "1234:100"), b"1234 100 100"),
                                ("work", ("--root-id",), b"0 0 0"), ("user", (), b"1000 1001 1001"), ("user", ("--root-id",), b"0 0 0"),
                                ("user", ("--change-id", "7:8"), b"7 8 8")):
        result = kbox("exec", *options, name, "--", *ids)
        check(result == (0, want + b"\n", b""), "user: %s %s" % (name, " ".join(options)), result)


def exec_arguments():
    every = bytes(range(1, 256))
    result = execute("work", "printf %s \"$1\"", every)
    check(result == (0, every, b""), "an argument of every byte", result)
    words = ["", " ", "\"", "\\", "\\u0041", "\n", "{}", "-e", "--", "\u20ac", "a b"]
    result = execute("work", "for a; do echo \"<$a>\"; done", *words)
    check(result == (0, "".join("<%s>\n" % w for w in words).encode(), b""), "arguments are as they were", result)
    result = execute("work", "echo ${#1}", "x" * (100 << 10))
    check(result == (0, b"102400\n", b""), "an argument of 100 KiB", result)
    result = execute("work", "echo $# $9999", *("%09d" % n for n in range(10000)))
    check(result[0] == 0 and result[1].startswith(b"10000 "), "10,000 arguments, 100 KiB", result)
    result = execute("work", "echo $#", *("x" * (100 << 10) for _ in range(3)))
    check(refused(result), "300 KiB of them: a line, and 125", result)
    check(execute("work", "exit 8")[0] == 8, "the box goes on")


def exec_signals():
    script = ("for s in %s; do trap \"echo $s\" $s; done; sleep 77701 & trap 'echo end; exit 9' USR2; echo ready; "
              "while :; do sleep 0.1; done")
    names = "TERM INT HUP QUIT USR1"
    process = begin("exec", "work", "--", "/bin/sh", "-c", script % names)
    said = [line(process.stdout)]
    for name in (names + " USR2").split():
        process.send_signal(getattr(signal, "SIG" + name))
        said.append(line(process.stdout))
    status = end(process)
    check(said == [b"ready\n"] + [b"%s\n" % n.encode() for n in names.split()] + [b"end\n"] and status == 9,
          "signals for kbox exec are the program's", said, status)
    check(not in_guest("work", 77701), "and those of its process group")
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        process = begin("exec", "work", "--", "/bin/sh", "-c", "echo ready; exec sleep 77702")
        said = line(process.stdout)
        process.send_signal(sig)
        status = end(process)
        check((said, status) == (b"ready\n", 128 + sig), "%s ends one that does not expect it" % sig.name, said, status)


def client_is_killed():
    scripts = ("exec sleep 77703", "trap '' HUP TERM; sleep 77704 & sleep 77704; sleep 77704", "exec sleep 77705")
    kept = begin("exec", "--keep", "work", "--", "/bin/sh", "-c", "trap '' HUP; echo $$; " + scripts[2])
    ends = [begin("exec", "work", "--", "/bin/sh", "-c", "echo ready; " + s) for s in scripts[:2]]
    number = line(kept.stdout).decode()
    ready = [line(p.stdout) for p in ends] == [b"ready\n"] * 2
    check(ready and soon(lambda: all(in_guest("work", n) for n in (77703, 77704, 77705))), "programs whose clients are to be killed")
    for process in (kept, *ends):
        process.kill()
        end(process)
    check(soon(lambda: not in_guest("work", 77703)), "the client is killed: its program ends")
    check(soon(lambda: not in_guest("work", 77704)), "also one that ignores SIGHUP, with its children")
    check(in_guest("work", 77705), "--keep: not that one")
    execute("work", "kill -9 " + number)
    check(soon(lambda: not in_guest("work", 77705)), "which can be ended as any other")


def many_at_once():
    before = guest_processes("work")
    some = [begin("exec", "work", "--", "/bin/sh", "-c", "read x; echo $x; exit $x", stdin=subprocess.PIPE) for _ in range(20)]
    for i, process in enumerate(some):
        process.stdin.write(b"%d\n" % i)
    got = [(line(p.stdout), end(p)) for p in some]
    check(got == [(b"%d\n" % i, i) for i in range(20)], "20 at once", got)
    held = [begin("exec", "work", "--", "/bin/sleep", "77706") for _ in range(10)]
    soon(lambda: len(guest_processes("work")) >= len(before) + 10)
    for process in held:
        process.kill()
        end(process)
    check(soon(lambda: len(guest_processes("work")) == len(before)), "10 whose clients are killed at once: no process is left",
          before, guest_processes("work"))


def one_after_the_other():
    pid = pid_of("work")

    def state():
        """What could grow."""
        return len(execute("work", "cat /proc/hostfds")[1].splitlines()), len(guest_processes("work")), descriptors(pid) or 0

    before = state()
    script = "i=0; while [ $i -lt 300 ]; do \"$@\" $i </dev/null || echo failed $?; i=$((i + 1)); done 2>&1 | sort -n | uniq | wc -l"
    out = subprocess.run(["sh", "-c", script, "sh", KBOX, "exec", "work", "--", "/bin/echo"], stdout=subprocess.PIPE,
                         timeout=LIMIT).stdout
    check(out.strip() == b"300", "300, one after the other", out)
    check(soon(lambda: all(now <= then for now, then in zip(state(), before))), "no descriptor and no process is left of them",
          before, state())


def directories_that_are_refused():
    def wrong_mode(d):
        os.mkdir(d)
        os.chmod(d, 0o750)

    def wrong_owner(d):
        os.mkdir(d, 0o700)
        os.chown(d, 1234, 1234)

    def a_symlink(d):
        os.mkdir(d + ".real", 0o700)
        os.symlink(d + ".real", d)

    def a_file(d):
        open(d, "w").close()

    def nothing_there(d):
        os.rmdir(os.path.dirname(d))

    for make in (wrong_mode, wrong_owner, a_symlink, a_file, nothing_there):
        runtime = temporary()
        if make is wrong_owner and os.geteuid():
            skip("the directory is refused: wrong owner", "only root can make one")
            continue
        make(runtime + "/kbox")
        with contextlib.suppress(OSError):
            server = socket.socket(socket.AF_UNIX)
            server.bind(runtime + "/kbox/a")
            server.listen()
            server.setblocking(False)
        env = {**os.environ, "XDG_RUNTIME_DIR": runtime}
        results = [kbox(*BOX[1:], "--name", "a", "--", *SLEEP, env=env), kbox("exec", "a", "true", env=env), kbox("stop", "a", env=env)]
        if make is not nothing_there:
            results.append(kbox("ps", env=env))
        check(all(map(refused, results)) and is_silent(server), "the directory is refused: " + make.__name__.replace("_", " "), results)


def is_silent(server):
    """Nobody has connected."""
    try:
        server.accept()
        return False
    except OSError:
        return True


def longest_directory():
    runtime = temporary() + "/" + "d" * 150
    os.mkdir(runtime, 0o700)
    env = {**os.environ, "XDG_RUNTIME_DIR": runtime}
    result = start("a", "/bin/true", env=env)
    check(result == (0, b"") or (result[0] == 125 and is_line(result[1])), 
          "a path that is too long for a socket's works, or is refused", result)
    check(soon(lambda: not listed(env)), "and the box ends")


def stale_sockets():
    def leave(name):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path(name))

    leave("stale")
    check("stale" not in listed() and not os.path.lexists(path("stale")), "a socket that nobody listens at: ps removes it")
    leave("stale")
    result = kbox("exec", "stale", "true")
    check(refused(result), "exec: there is no such box", result)
    leave("stale") if not os.path.lexists(path("stale")) else None
    result = start("stale")
    check(result == (0, b"") and execute("stale", "exit 2")[0] == 2, "--name takes it", result)
    open(path("other"), "w").close()
    check(sorted(listed()) == ["stale", "user", "work"], "a file there is no box", listed())
    os.unlink(path("other")) if os.path.lexists(path("other")) else None


def supervisor_is_killed():
    """That of the box "stale". The watcher comes late, when another box has the name already."""
    pid = pid_of("stale")
    family = children(pid)
    process = begin("exec", "stale", "--", "/bin/sh", "-c", "echo ready; exec sleep 1000000")
    check(line(process.stdout) == b"ready\n" and family, "a box with a program, whose supervisor is to be killed", family)
    os.kill(pid, signal.SIGKILL)
    status = end(process)
    said = line(process.stderr)
    check(status == 137 and is_line(said), "the supervisor is killed: exec returns 137, with a line", status, said)
    check(gone(family + children(pid)), "no host process is left", [(p, field(p, "State")) for p in family])
    check(soon(lambda: not os.path.lexists(path("stale"))), "the socket is gone")


def watcher_comes_late():
    start("late")
    pid = pid_of("late")
    family = children(pid)
    for p in family:
        os.kill(p, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    gone([pid])
    result = start("late")
    for p in filter(is_alive, family):
        os.kill(p, signal.SIGCONT)
    check(result == (0, b"") and gone(family), "a name whose box was killed is taken before the watcher has seen to it", result)
    check(execute("late", "exit 2")[0] == 2 and "late" in listed(), "the watcher leaves the new socket alone", os.listdir(DIRECTORY))
    kill("late")


def two_of_one_name():
    for _ in range(2):
        errors = [tempfile.TemporaryFile() for _ in range(2)]
        both = [begin(*BOX[1:], "--name", "twin", "-d", "--", *SLEEP, stdout=subprocess.DEVNULL, stderr=e) for e in errors]
        statuses = [end(p) for p in both]
        said = [os.pread(e.fileno(), 1000, 0) for e in errors]
        check(sorted(statuses) == [0, 125] and is_line(said[statuses.index(125)]) and execute("twin", "exit 2")[0] == 2,
              "two of one name at once: one of them lives", statuses, said)
        result = kbox("stop", "-t", "0", "twin")
        check(result[0] == 0 and "twin" not in listed(), "stop -t 0 ends it, and the name is free", result)


def foreground(name, script, *options):
    """A box that says "up"."""
    process = begin(*BOX[1:], "--name", name, *options, "--", "/bin/sh", "-c", "echo up; " + script)
    return process if line(process.stdout) == b"up\n" else None


def stop_is_orderly():
    volume = temporary()
    process = foreground("first", "trap 'sleep 0.5; echo bye >/vol/bye; exit 3' TERM; while :; do sleep 0.1; done", "-v", volume + ":/vol")
    inside = begin("exec", "first", "--", "/bin/sh", "-c", "echo in; exec sleep 1000000")
    check(process and line(inside.stdout) == b"in\n", "a box in the foreground that has a name")
    result = kbox("stop", "first")
    written = os.path.exists(volume + "/bye")
    check(result == (0, b"", b"") and written, "stop: the command had its time", result, written)
    check(end(process) == 3, "its status is kbox's")
    status = end(inside)
    check(status in (137, 143), "what exec has started has ended, too", status)
    check("first" not in listed() and soon(lambda: not os.path.lexists(path("first"))), "its name is free")


def stop_by_force():
    process = foreground("second", "trap '' TERM; while :; do sleep 0.1; done")
    family = children(process.pid)
    result = kbox("stop", "-t", "1", "second")
    check(result[0] == 0 and gone(family + [process.pid]) is True, "stop -t 1: one that ignores SIGTERM is killed", result)
    status = end(process)
    check(status not in (0, "no end"), "which its status says", status)


def box_is_stopped():
    start("third")
    pid = pid_of("third")
    os.kill(pid, signal.SIGSTOP)
    status, out, err = kbox("ps")
    check(status == 0 and sorted(text.split()[0] for text in out.splitlines()[1:]) == [b"third", b"user", b"work"] and err == b"",
          "ps: a box that does not answer is listed, with others", status, out, err)
    os.kill(pid, signal.SIGCONT)


def stop_of_some():
    for words in ((), ("nobody",), ("-t", "x", "third"), ("-t", "-1", "third"), ("--nonsense", "third")):
        result = kbox("stop", *words)
        check(refused(result), "stop: 125 for " + " ".join(words), result)
    check("third" in listed(), "which has stopped nothing")
    result = kbox("stop", "nobody", "third")
    check(result[0] == 125 and is_line(result[2]) and "third" not in listed(), "stop of one that is not there, and one that is", result)
    pids = [pid_of(name) for name in ("work", "user")]
    result = kbox("stop", "work", "user")
    check(result == (0, b"", b"") and gone(pids) and not listed(), "stop of two", result, listed())


def name_is_used_again():
    for i in range(3):
        begun = start("again")
        pid = pid_of("again")
        stopped = kbox("stop", "again")
        check((begun, stopped) == ((0, b""), (0, b"", b"")) and pid, "a name is used again at once", begun, stopped, pid)


def agent_is_killed():
    start("blind")
    pid = pid_of("blind")
    other = begin("exec", "blind", "--", "/bin/sh", "-c", "echo ready; exec sleep 1000000")
    line(other.stdout)
    result = execute("blind", "kill -9 $PPID")
    check(result[0] != "no end", "the guest kills who starts programs there: exec returns", result)
    check(end(other) != "no end", "and another one")
    result = execute("blind", "true")
    check(refused(result) or result[0] == 137, "the next is refused", result)
    check(pid_of("blind") in (pid, None), "the box is listed", listed())
    result = kbox("stop", "-t", "1", "blind")
    check(gone([pid]), "and ends", result)


def output_of_a_box_in_the_background():
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*BOX, "--name", "out", "-d", "--", "/bin/sh", "-c", "wc -c; echo out; echo err >&2"],
                                   stdin=subprocess.PIPE, stdout=out, stderr=out)
        process.stdin.write(b"not for the box")
        process.stdin.close()
        status = end(process)
        soon(lambda: "out" not in listed())
        said = os.pread(out.fileno(), 1000, 0)
    check((status, said) == (0, b"0\nout\nerr\n"), "-d: output and errors go to files, and input is empty", status, said)


def without_the_variable():
    """Nor a name: it has one by its number."""
    env = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
    before = set(listed(env))
    result = start(None, env=env)
    mine = {name: box for name, box in listed(env).items() if name not in before and name == "kbox-%d" % box["pid"]}
    check(result == (0, b"") and len(mine) == 1, "-d without a name, and without XDG_RUNTIME_DIR", result, mine, before)
    for name, box in mine.items():
        check(os.path.lexists("/tmp/kbox-%d/%s" % (os.geteuid(), name)), "its socket is in /tmp/kbox-UID")
        result = kbox("stop", "-t", "0", name, env=env)
        check(result[0] == 0 and gone([box["pid"]]), "and it can be stopped", result)


perform(boxes_start, names_are_names, name_in_use, command_cannot_start, longest_name, ps_lists,
        exec_statuses, exec_streams, ends_of_pipes_are_seen, sockets_as_streams,
        a_mebibyte_each_way, exec_environment, exec_is_as_the_command, exec_directory_and_user,
        exec_arguments, exec_signals, client_is_killed, many_at_once, one_after_the_other,
        directories_that_are_refused, longest_directory, stale_sockets, supervisor_is_killed,
        watcher_comes_late, two_of_one_name, stop_is_orderly, stop_by_force, box_is_stopped,
        stop_of_some, name_is_used_again, agent_is_killed, output_of_a_box_in_the_background,
        without_the_variable)
