#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kbox snapshot and kbox --from: boxes that are written to a file, and go on, there or elsewhere. What is lost at no moment is
snapshot-moments.t's, files that are damaged snapshot-damaged.t's."""
import shutil
import struct
import sys
sys.dont_write_bytecode = True
from snapshot import *  # noqa: E402,F403

SMALL = [*BOX[:-1], "64M"]
COUNTS = "n=0; while :; do n=$((n+1)); echo $n >/tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.02; done"
RANDOM = "cat /proc/sys/kernel/random/uuid; head -c 16 /dev/urandom | hexdump -v -e '1/1 \"%02x\"'"


def number(name):
    """How far COUNTS has come there."""
    said = execute(name, "cat /tmp/n")[1]
    return int(said) if said.strip().isdigit() else -1


def counts_on(name, since):
    return soon(lambda: number(name) > since + 1)


def no_other_file():
    """There are no unfinished ones, but of the box that is written all the time."""
    return [f for f in os.listdir(FILES) if "." in f and not f.startswith("frozen.")]


def boxes():
    """But for the one that is kept for the end."""
    return sorted(name for name in listed() if name != "frozen")


def it_goes_on():
    result = start("work", "/bin/sh", "-c", COUNTS, box=SMALL)
    check(result == (0, b""), "a box that counts", result)
    soon(lambda: number("work") > 0)
    # What is on the disk alone, what is in the page cache alone, and what is in tmpfs.
    result = execute("work", "head -c 3000000 /dev/urandom >/var/tmp/a; sync; echo 3 >/proc/sys/vm/drop_caches; "
                     "head -c 1000000 /dev/urandom >/var/tmp/b; head -c 1000000 /dev/urandom >/tmp/c; rm /etc/group; "
                     "sha256sum /var/tmp/a /var/tmp/b /tmp/c")
    global SUMS
    SUMS = result[1]
    check(result[0] == 0 and len(SUMS.splitlines()) == 3, "files in it", result)
    before = number("work")
    result = snapshot("work", "first")
    check(result == (0, b"", b""), "kbox snapshot: status 0, and it says nothing", result)
    check(stat_is_private("first") and no_other_file() == [], "the file is there, and no other one", os.listdir(FILES))
    check(counts_on("work", number("work")) and number("work") > before, "the box goes on")
    check(execute("work", "sha256sum /var/tmp/a /var/tmp/b /tmp/c")[1] == SUMS, "its files are as they were")
    result = snapshot("work", "first")
    check(result == (0, b"", b"") and counts_on("work", number("work")), "once more, over the same file", result)
    global AT_FIRST
    AT_FIRST = number("work")
    result = snapshot("work", "first")
    check(result == (0, b"", b"") and no_other_file() == [], "and again", result, os.listdir(FILES))


def stat_is_private(file):
    """It has all that programs have in memory."""
    st = os.stat(file_of(file))
    return st.st_mode & 0o077 == 0 and st.st_size > 64 << 20


def two_of_one_file():
    results = [resume(name, "first") for name in ("a", "b")]
    check(results == [(0, b"")] * 2, "two boxes from one file, while the first goes on", results)
    check(all(counts_on(name, AT_FIRST) for name in ("a", "b")), "both count on")
    check(boxes() == ["a", "b", "work"] and listed()["a"]["command"] == listed()["work"]["command"],
          "kbox ps lists them, with their command", listed())
    said = {name: execute(name, RANDOM)[1].split() for name in ("a", "b", "work")}
    words = [word for some in said.values() for word in some]
    check(len(words) == 6 and len(set(words)) == 6, "each has random numbers of its own", said)
    for name in ("a", "b"):
        check(execute(name, "sha256sum /var/tmp/a /var/tmp/b /tmp/c; [ ! -e /etc/group ]")[:2] == (0, SUMS), "the files are there: " + name)
        execute(name, "echo %s >/var/tmp/b; echo %s >/tmp/who; sync; echo 3 >/proc/sys/vm/drop_caches" % (name, name))
    said = [execute(name, "cat /var/tmp/b /tmp/who")[1] for name in ("a", "b")]
    check(said == [b"a\na\n", b"b\nb\n"] and execute("work", "sha256sum /var/tmp/a /var/tmp/b /tmp/c")[1] == SUMS,
          "what one writes no other one sees", said)
    said = [execute(name, "head -c 20000000 /dev/zero >/var/tmp/z && sync && echo 3 >/proc/sys/vm/drop_caches && "
                    "cat /var/tmp/z | wc -c && sha256sum /var/tmp/a")[:2] for name in ("a", "b")]
    want = (0, b"20000000\n" + SUMS.splitlines()[0] + b"\n")
    check(said == [want] * 2, "both can write to their disks", said, want)


def one_of_another():
    result = snapshot("a", "second")
    check(result == (0, b"", b""), "a snapshot of a box that is one's", result)
    result = resume("c", "second")
    check(result == (0, b"") and counts_on("c", AT_FIRST), "a box from that", result)
    said = execute("c", "cat /tmp/who /var/tmp/b; wc -c </var/tmp/z")
    check(said[1] == b"a\na\n20000000\n", "its files are there", said)
    result = kbox("stop", "c", "b")
    check(result == (0, b"", b"") and boxes() == ["a", "work"], "kbox stop ends them", result, listed())
    result = kbox("--name", "a", "--from", file_of("first"))
    check(refuses(result) and counts_on("a", number("a")), "a name that is in use", result)
    result = kbox("stop", "a")
    check(result == (0, b"", b""), "kbox stop", result)


def without_a_name():
    before = set(listed())
    process = subprocess.Popen([KBOX, "--from", file_of("first")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    check(soon(lambda: set(listed()) - before), "without --name it has one", listed())
    name = (set(listed()) - before).pop()
    check(counts_on(name, AT_FIRST), "and counts", name)
    process.terminate()
    check(end(process) != "no end", "SIGTERM ends it")


def programs_of_exec():
    """Their input and output are of kbox exec's, which has nothing to do with the other box."""
    process = begin("exec", "work", "--", "/bin/sh", "-c",
                    "echo ready; read x; echo \"read $? $x\" >/tmp/said; echo more || echo failed >>/tmp/said; cat; exit 7",
                    stdin=subprocess.PIPE)
    check(line(process.stdout) == b"ready\n", "a program by kbox exec")
    results = snapshot("work", "exec"), resume("a", "exec")
    check(results == ((0, b"", b""), (0, b"")), "is in a snapshot", results)
    check(soon(lambda: b"failed" in execute("a", "cat /tmp/said")[1]), "in another box its input and output fail",
          execute("a", "cat /tmp/said"))
    check(soon(lambda: [c[:-1] for c in guest_processes("a").values()].count("sh") == 1), "and it ends", guest_processes("a"))
    process.stdin.write(b"x\n")
    said = line(process.stdout)
    process.stdin.write(b"y\n")
    process.stdin.close()
    rest = line(process.stdout)
    check((said, rest, end(process)) == (b"more\n", b"y\n", 7), "where it was it goes on", said, rest)
    result = execute("a", "cat; echo err >&2; exit 3", input=b"in")
    check(result == (3, b"in", b"err\n"), "another one runs in the new box", result)
    result = kbox("stop", "a")
    check(result == (0, b"", b""), "which ends", result)


def one_after_another():
    """While a snapshot is made, by a client that takes its time."""
    client = Standstill("work")
    check("frozen" in client.answer and len(client.fds) == 2, "a client has the box stand still", client.answer)
    result = snapshot("work", "other")
    check(refuses(result) and not os.path.exists(file_of("other")), "a second one is refused", result)
    check("work" in listed(), "kbox ps lists the box")
    process = begin("exec", "work", "--", "/bin/sh", "-c", "cat /tmp/n; cat /tmp/n")
    client.go()
    out = ends(process)
    check(out[0] == 0, "kbox exec, begun meanwhile, runs when the box goes on", out)
    check(counts_on("work", number("work")), "which it does, although the client has not said so")
    client = Standstill("work")
    check(client.ask({"thaw": {}}) == {"ok": True} and counts_on("work", number("work")), "it does when the client says so")
    answer = client.ask({"thaw": {}})
    check("error" in answer, "twice is refused", answer)
    client.go()
    for _ in range(20):
        client = Standstill("work")
        client.go()
    check(counts_on("work", number("work")), "twenty times, one after the other")
    for _ in range(10):     # it may not stand still yet when they go
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path("work"))
            s.sendall(b'{"freeze":false}\n')
    check(counts_on("work", number("work")), "ten that do not wait")
    result = snapshot("work", "other")
    check(result == (0, b"", b"") and counts_on("work", number("work")), "kbox snapshot, then", result)


def client_has_gone():
    """The moment is by chance."""
    dice = random.Random(SEED)
    for sig in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM) * (10 if FULL else 2):
        process = begin("snapshot", "work", file_of("gone"))
        time.sleep(dice.uniform(0, 0.3))
        process.send_signal(sig)
        status = end(process)
        soon_gone = counts_on("work", number("work"))
        check(soon_gone and status in (0, -sig), "kbox snapshot gets signal %d: the box goes on" % sig, status, SEED)
        if sig == signal.SIGKILL:
            for name in no_other_file():
                os.unlink(file_of(name))
        else:
            check(no_other_file() == [], "no unfinished file is left", status, os.listdir(FILES))
    process = begin("snapshot", "work", file_of("gone"))
    time.sleep(dice.uniform(0, 0.2))
    process.send_signal(signal.SIGSTOP)
    check("work" in listed(), "kbox snapshot is stopped: the box is listed")
    process.send_signal(signal.SIGCONT)
    out = ends(process)
    check(out == (0, b"", b"") and counts_on("work", number("work")), "and goes on with it", out)


def stop_meanwhile():
    for options in ((), ("-t", "1")):
        start("still", "/bin/sh", "-c", COUNTS, box=SMALL)
        client = Standstill("still")
        result = kbox("stop", *options, "still")
        check(result == (0, b"", b"") and "still" not in listed(), "kbox stop while it stands still %s" % (options,), result, client.answer)
        client.go()
    start("still", box=SMALL)
    pid = pid_of("still")
    client = Standstill("still")
    os.kill(pid, signal.SIGTERM)
    check(gone([pid]), "SIGTERM for its supervisor", client.answer)
    client.go()
    process = foreground("still", "sleep 1000000")
    client = Standstill("still")
    process.kill()
    end(process)
    check(soon(lambda: "still" not in listed() and not os.path.lexists(path("still"))), "SIGKILL for its supervisor")
    client.go()
    start("still", box=SMALL)
    client = Standstill("still")
    answer = client.ask({"kill": {}})
    check(answer == {"ok": True} and soon(lambda: "still" not in listed()), "kill", answer)
    client.go()


def foreground(name, script, *options, **streams):
    """A box that says "up"."""
    process = begin(*SMALL[1:], "--name", name, *options, "--", "/bin/sh", "-c", "echo up; " + script, **streams)
    return process if line(process.stdout) == b"up\n" else None


def stop_and_go_on():
    script = "while read x; do echo \"got $x\" || exit 9; echo \"err $x\" >&2; done; echo end; exit 3"
    process = foreground("moved", script, stdin=subprocess.PIPE)
    process.stdin.write(b"1\n")
    said = line(process.stdout), line(process.stderr)
    check(said == (b"got 1\n", b"err 1\n"), "a box with pipes", said)
    result = snapshot("moved", "moved", "--stop")
    out = ends(process)
    check(result == (0, b"", b"") and out[:2] == (137, b""), "snapshot --stop: its kbox ends with 137", result, out)
    check("moved" not in listed() and not os.path.lexists(path("moved")), "and its name is free", listed())
    for _ in range(2):
        process = resume_here("moved", "moved", stdin=subprocess.PIPE)
        process.stdin.write(b"2\n")
        said = line(process.stdout), line(process.stderr)
        check(said == (b"got 2\n", b"err 2\n"), "--from: its streams are the new kbox's", said)
        process.stdin.close()
        said, status = line(process.stdout), end(process)
        check((said, status) == (b"end\n", 3), "to their end, and the command's status is kbox's", said, status)
    with tempfile.TemporaryFile() as out:
        process = resume_here("moved", "moved", stdin=subprocess.PIPE, stdout=out)
        process.stdin.write(b"3\n")
        status = end(process)
        size = os.fstat(out.fileno()).st_size
    check((status, size) == (9, 0), "output is a file, where it was a pipe: writes fail", status, size)
    process = resume_here("moved", "moved", stdin=subprocess.DEVNULL)
    said, status = line(process.stdout), end(process)
    check((said, status) == (b"end\n", 3), "input is /dev/null, where it was a pipe: it ends", said, status)


def files_stay_files():
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(b"1\n2\n3\n")
        source.seek(0)
        script = "exec 3</dev/null; read x; echo \"got $x\"; until [ -e /tmp/go ]; do sleep 0.02; done; read x; echo \"got $x\"; exit 4"
        process = begin(*SMALL[1:], "--name", "files", "--", "/bin/sh", "-c", script, stdin=source, stdout=target)
        check(soon(lambda: os.fstat(target.fileno()).st_size), "a box whose input and output are files")
        result = snapshot("files", "files", "--stop")
        status = end(process)
        with tempfile.TemporaryFile() as other, tempfile.TemporaryFile() as out:
            other.write(b"a\nb\n")
            other.seek(0)
            process = resume_here("files", "files", stdin=other, stdout=out)
            soon(lambda: "files" in listed())
            execute("files", "touch /tmp/go")
            last = end(process)
            said = os.pread(out.fileno(), 1000, 0)
        first = os.pread(target.fileno(), 1000, 0)
    check((result[0], status, first) == (0, 137, b"got 1\n"), "is stopped", result, status, first)
    check(last == 4 and said == b"got a\n", "in the other box they are its files", last, said)


def null_stays_null():
    """Whatever the new kbox has."""
    script = "until [ -e /tmp/go ]; do sleep 0.02; done; read x; echo out && echo err >&2 && exit 5; exit 6"
    end(begin(*SMALL[1:], "--name", "null", "-d", "--", "/bin/sh", "-c", script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    result = snapshot("null", "null", "--stop")
    process = resume_here("null", "null", stdin=subprocess.PIPE)
    soon(lambda: "null" in listed())
    execute("null", "touch /tmp/go")
    out = ends(process)
    check(result[0] == 0 and out == (5, b"", b""), "standard streams that were /dev/null are that", result, out)


def command_beside():
    """The box ends with it."""
    before = boxes()
    result = kbox("--from", file_of("first"), "-e", "A=b c", "-w", "/usr", "--", "/bin/sh", "-c",
                  "pwd; echo \"$A\"; sha256sum /var/tmp/a /var/tmp/b /tmp/c; cat; echo err >&2; exit 4", input=b"in")
    check(result == (4, b"/usr\nb c\n" + SUMS + b"in", b"err\n"), "a command beside --from", result)
    for command, status in (("exit 0", 0), ("kill -9 $$", 137), ("kill -TERM $$", 143)):
        result = kbox("--from", file_of("first"), "/bin/sh", "-c", command)
        check(result == (status, b"", b""), "its status: " + command, result)
    result = kbox("--from", file_of("first"), "/no/such")
    check(result[0] == 127 and is_line(result[2]), "one that is not there", result)
    process = begin("--name", "beside", "--from", file_of("first"), "--", "/bin/sh", "-c", "echo up; exec sleep 1000000")
    check(line(process.stdout) == b"up\n" and counts_on("beside", AT_FIRST), "the other programs go on beside it")
    process.send_signal(signal.SIGTERM)
    check(end(process) == 143, "a signal for kbox is for it")
    process = begin("--name", "beside", "--from", file_of("first"), "--", "/bin/sh", "-c", "echo up; exec sleep 1000000")
    line(process.stdout)
    pid = pid_of("beside")
    process.kill()
    end(process)
    check(pid and gone([pid]) and soon(lambda: boxes() == before), "kbox is killed: the box ends", boxes())


def fork(*names):
    """Its status, and what it said. The copies have its output and errors as boxes of -d have."""
    with tempfile.TemporaryFile() as errors:
        status = end(begin("fork", *names, stdout=subprocess.DEVNULL, stderr=errors))
        return status, os.pread(errors.fileno(), 1000, 0)


def forks():
    result = fork("work", "f1", "f2")
    check(result == (0, b"") and all(counts_on(name, AT_FIRST) for name in ("f1", "f2", "work")), "kbox fork", result)
    said = [execute(name, RANDOM)[1] for name in ("f1", "f2", "work")]
    check(len(set(said)) == 3, "each has random numbers of its own", said)
    said = execute("f1", "sha256sum /var/tmp/a /var/tmp/b /tmp/c")[1]
    check(said == SUMS, "its files are there", said)
    result = fork("f1", "f3")
    check(result == (0, b"") and counts_on("f3", AT_FIRST), "a copy of a copy", result)
    for words in ((), ("work",), ("nobody", "f4"), ("work", "f1"), ("work", "a/b"), ("--nonsense", "work", "f4")):
        result = kbox("fork", *words)
        check(refuses(result), "125 for kbox fork " + " ".join(words), result)
    result = kbox("stop", "f1", "f2", "f3")
    check(result == (0, b"", b"") and counts_on("work", number("work")), "they end", result)


def image_that_is_written_to():
    image = TMP + "/rw.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", IMAGE, image], check=True)
    words = ["-S", image, "--mem", "64M"]
    result = start("rw", "/bin/sh", "-c", "while :; do date >>/var/tmp/log; sleep 0.05; done", box=[KBOX, *words])
    execute("rw", "mkdir /var/tmp/d; for i in $(seq 200); do echo $i >/var/tmp/d/$i; done; head -c 1000000 /dev/urandom >/root/a; "
            "sync; echo 3 >/proc/sys/vm/drop_caches; head -c 1000000 /dev/urandom >/root/b; rm /var/tmp/d/1*")
    sums = execute("rw", "cat /root/a /root/b | " + HASH)[1]
    result = snapshot("rw", "rw")
    check(refuses(result) and not os.path.exists(file_of("rw")), "a box that writes to its image: refused", result)
    result = snapshot("rw", "rw", "--stop")
    check(result == (0, b"", b"") and soon(lambda: "rw" not in listed()), "but with --stop", result)
    result = resume("rw", "rw")
    check(result == (0, b"") and execute("rw", "cat /root/a /root/b | " + HASH)[1] == sums, "it goes on", result)
    result = resume("two", "rw")
    check(refuses(result), "only once at a time", result)
    said = execute("rw", "ls /var/tmp/d | wc -l; rm -r /var/tmp/d; head -c 3000000 /dev/urandom >/root/c; sync; " + "cat /root/c | " + HASH)
    result = kbox("stop", "rw")
    check(said[0] == 0 and said[1].split()[0] == b"89" and result == (0, b"", b""), "and ends in order", said, result)
    fsck = subprocess.run(["/sbin/e2fsck", "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(fsck.returncode == 0, "the image's file system is sound", fsck.stdout.decode())
    result = kbox("--ephemeral", *words, "--", "/bin/sh", "-c",
                  "cat /root/a /root/b | %s; cat /root/c | %s; ls -d /var/tmp/d" % (HASH, HASH))
    check(result[1].splitlines() == [sums.strip(), said[1].split()[1]], "and has all that was written", result)
    result = resume("rw", "rw")
    check(refuses(result), "it does not go on a second time", result)
    check(soon(lambda: "rw" not in listed()), "and leaves nothing")


def image_has_changed():
    image = TMP + "/changed.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", IMAGE, image], check=True)
    for mode in ("--ephemeral", "--read-only"):
        start("changed", box=[KBOX, "-S", image, mode, "--mem", "64M"])
        result = snapshot("changed", "changed", "--stop")
        st = os.stat(image)
        check(result[0] == 0 and resume("changed", "changed") == (0, b""), "%s: an image that has not changed" % mode, result)
        kill("changed")
        os.utime(image, ns=(st.st_atime_ns, st.st_mtime_ns + 1))
        result = resume("changed", "changed")
        check(refuses(result), "%s: that has another time" % mode, result)
        os.utime(image, ns=(st.st_atime_ns, st.st_mtime_ns))
        os.truncate(image, st.st_size + 4096)
        os.utime(image, ns=(st.st_atime_ns, st.st_mtime_ns))
        result = resume("changed", "changed")
        check(refuses(result), "%s: another size" % mode, result)
        os.truncate(image, st.st_size)
        os.utime(image, ns=(st.st_atime_ns, st.st_mtime_ns))
    os.rename(image, image + ".away")
    result = resume("changed", "changed")
    check(refuses(result), "that is not there", result)


def compressed():
    start("small", "/bin/sh", "-c", COUNTS, box=SMALL)
    result = snapshot("small", "plain-file"), snapshot("small", "zstd-file", "--compress")
    sizes = [os.stat(file_of(f)).st_blocks * 512 for f in ("plain-file", "zstd-file")]
    check(result == ((0, b"", b""), (0, b"", b"")) and sizes[1] < sizes[0] / 2 and no_other_file() == [],
          "snapshot --compress takes less than half of the other's blocks", result, sizes)
    check(counts_on("small", number("small")), "the box goes on")
    result = resume("big", "zstd-file")
    check(result == (0, b"") and counts_on("big", number("big")), "and another one from that file", result)
    result = snapshot("big", "stopped", "--stop", "--compress")
    check(result == (0, b"", b"") and soon(lambda: "big" not in listed()), "with --stop the box ends", result)
    result = resume("again", "stopped")
    check(result == (0, b"") and counts_on("again", number("again")), "and goes on where it was", result)
    with open(file_of("zstd-file"), "rb") as f:
        good = f.read()
    for what, bad in (("truncated", good[:len(good) // 2]), ("only its first bytes", good[:4]), ("a byte", good[:9000] + b"x" + good[9001:])):
        with open(file_of("bad"), "wb") as f:
            f.write(bad)
        check(refuses(resume("bad", "bad")), "damaged: " + what, resume("bad", "bad"))
    for what, pieces in (("nothing", b""), ("no end", bytes(16) + b"x" * 16), ("far away", struct.pack("=QQ", 1 << 62, 4096)),
                         ("large", struct.pack("=QQ", 0, 1 << 63)), ("empty", bytes(16))):
        with open(file_of("bad"), "wb") as f:
            subprocess.run(["zstd", "-q", "-c"], input=pieces, stdout=f, check=True)
        check(refuses(resume("bad", "bad")), "pieces that are wrong: " + what, resume("bad", "bad"))
    nothing = {**os.environ, "PATH": TMP}
    result = snapshot("small", "none", "--compress", env=nothing), resume("bad", "zstd-file", env=nothing)
    check(all(refuses(r) and b"install the package zstd" in r[-1] for r in result) and no_other_file() == [], "no zstd: one line", result)
    check(counts_on("small", number("small")), "and the box goes on")


def cannot_be_written():
    start("plain", "/bin/sh", "-c", COUNTS, box=SMALL)
    os.mkdir(file_of("directory"))
    os.mkfifo(TMP + "/fifo")
    for words in ((), ("plain",), ("plain", "a", "b"), ("nobody", file_of("x")), ("--nonsense", "plain", file_of("x")),
                  ("plain", "/no/such/file"), ("--stop", "plain", "/no/such/file"), ("plain", "/proc/x"), ("plain", ""),
                  ("plain", file_of("directory")), ("--stop", "plain", file_of("directory")), ("a/b", file_of("x")), ("", file_of("x"))):
        result = kbox("snapshot", *words)
        check(refuses(result), "125 for kbox snapshot " + " ".join(words), result)
    check(os.listdir(FILES).count("x") == 0 and no_other_file() == [], "which has left no files", os.listdir(FILES))
    check(counts_on("plain", number("plain")), "the box goes on")
    with tempfile.TemporaryFile() as said:
        process = subprocess.run(["prlimit", "--fsize=1000000", KBOX, "snapshot", "plain", file_of("large")], stdout=said, stderr=said)
        said.seek(0)
        text = said.read()
    check(process.returncode == 125 and is_line(text) and no_other_file() == [] and counts_on("plain", number("plain")),
          "a file that may not be so large", process.returncode, text, os.listdir(FILES))


def boxes_that_have_none():
    volume = temporary()
    for what, box, options in (("directories", SMALL, ("-v", volume + ":/vol")), ("this machine's system", [KBOX, "run"], ()),
                               ("a network", SMALL, ("--net",))):
        result = start("other", box=box, options=options)
        if result[0] != 0 and what == "a network":
            skip(what, "it cannot be had here")
            continue
        for stop in ((), ("--stop",)):
            refused_ = snapshot("other", "other-box", *stop)
            check(result == (0, b"") and refuses(refused_), "a box with %s: refused %s" % (what, "".join(stop)), result, refused_)
        result = execute("other", "exit 2")
        check(result[0] == 2, "and goes on", result)
        kill("other")


def beside_from():
    first = file_of("first")
    for words in (("--from", first, "-d", "--", "true"), ("--from", first, "--mem", "64M"), ("--from", first, "--mem", "64M", "true"),
                  ("--from", first, "-S", IMAGE), ("--from", first, "--ephemeral"), ("--from", first, "--read-only"),
                  ("--from", first, "-v", "/tmp:/tmp"), ("--from", first, "-e", "A=B"), ("--from", first, "--net"),
                  ("--from", first, "-w", "/"), ("--from", first, "--syscall-mode=trap"), ("--from", first, "--max-processes", "5"),
                  ("--from", first, "--hostname", "x"), ("--from", first, "--init"), ("--from", first, "--fd", "0"),
                  ("--from", first, "--root-id"), ("--from", first, "--change-id", "1:1"), ("--from", first, "-k", "x"),
                  ("--from",), ("--from", ""), ("--from", "/no/such"), ("--from", "/"), ("--from", "/dev/null"), ("--from", "/dev/zero"),
                  ("--from", IMAGE), ("--from", KBOX), ("--from", TMP + "/fifo")):
        result = kbox(*words)
        check(refuses(result), "125 for kbox " + " ".join(words).replace(TMP, "TMP"), result)
    other = TMP + "/vmlinux"
    shutil.copyfile(BUILD + "/vmlinux", other)
    with open(other, "r+b") as f:
        f.seek(find_build_id(other))
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    result = kbox("--from", first, env={**os.environ, "KBOX_KERNEL": other})
    check(refuses(result), "another kernel", result)
    for hidden in ("vdso-clock", "dispatch", "populate"):
        result = kbox("--from", first, env={**os.environ, "KBOX_HIDE": hidden})
        check(refuses(result), "a host that lacks something: " + hidden, result)
    result = resume("other", "first", env={**os.environ, "KBOX_HIDE": "dispatch"})
    check(refuses(result) and "other" not in listed(), "with -d", result)


def find_build_id(file):
    with open(file, "rb") as f:
        data = f.read()
    at = data.rindex(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0")
    return at + 16


def many():
    """Processes and threads."""
    script = ("for i in $(seq 60); do sleep 1000000 & done; for i in 1 2 3 4; do STANDSTILL_SECONDS=1000000 TESTDIR=/tmp "
              "/tests/standstill-m thread_pointers >/dev/null & done; sleep 1000000")
    start("many", "/bin/sh", "-c", script, box=BOX)
    count = "cat /proc/[0-9]*/comm | sort | uniq -c | grep -E 'sleep|standstill'; ls -d /proc/[0-9]*/task/* | wc -l"

    def all_there():
        said = execute("many", count)[1].split()
        return said[:2] == [b"61", b"sleep"] and len(guest_threads("many")) == 61 + 4 * (16 + 5)

    check(soon(all_there), "a box with 60 processes, and 60 threads in others", execute("many", count))
    before = guest_threads("many")
    for i in range(3 if FULL else 1):
        result = snapshot("many", "many", "--stop")
        after = resume("many", "many")
        check(result == (0, b"", b"") and after == (0, b""), "which is moved", result, after)
        check(soon(lambda: guest_threads("many") == before), "all are there",
              sorted(guest_threads("many") ^ before))
    result = kbox("stop", "-t", "1", "many")
    check(result[0] == 0, "and it ends", result)


def guest_threads(name):
    """Of programs that stay."""
    said = execute(name, "for t in /proc/[0-9]*/task/*; do read c <$t/comm && echo $t $c; done 2>/dev/null")[1].decode()
    return {text.split("/")[-1] for text in said.splitlines() if "sleep" in text or "standstill" in text}


def first_moments():
    """A box that has hardly begun is refused, or stands still; it goes on in any case."""
    for i in range(20 if FULL else 4):
        process = begin(*SMALL[1:], "--name", "early", "--", "/bin/sh", "-c", "echo up; read x; exit 5", stdin=subprocess.PIPE)
        soon(lambda: os.path.lexists(path("early")))
        time.sleep(i * 0.03)
        result = snapshot("early", "early")
        said = line(process.stdout)
        process.stdin.write(b"x\n")
        status = end(process)
        check((refuses(result) or result == (0, b"", b"")) and said == b"up\n" and status == 5,
              "a box in its first moments", i, result, said, status)
        if result[0] == 0:
            process = resume_here("early", "early", stdin=subprocess.PIPE)
            try:
                process.stdin.write(b"x\n")
            except BrokenPipeError:
                pass
            result = ends(process)
            check(result[0] == 5 or is_line(result[2]), "and from its file", result)


WAITS = None        # kbox snapshot of a box that does not come to rest


def waits_in_vain():
    """For a file system that is frozen. The kernel gives up after 10 seconds, so what becomes of it is looked at in the end."""
    start("frozen", "/bin/sh", "-c", COUNTS, box=SMALL)
    result = execute("frozen", "head -c 8000000 /dev/zero >/var/tmp/fs && mke2fs -F /var/tmp/fs >/dev/null && "
                     "mount -o loop /var/tmp/fs /mnt && fsfreeze --freeze /mnt && "
                     "{ (echo x >/mnt/file) </dev/null >/dev/null 2>&1 & } && sleep 0.2")
    if result[0] != 0:
        skip("a program that waits uninterruptibly", "no loop mount: %r" % (result[2],))
        return
    global WAITS
    WAITS = begin("snapshot", "frozen", file_of("frozen"))


def has_waited_in_vain():
    if not WAITS:
        return
    result = ends(WAITS)
    check(refuses(result) and not [f for f in os.listdir(FILES) if f.startswith("frozen")],
          "a program waits for a file system that is frozen: refused", result)
    check(counts_on("frozen", number("frozen")), "the box goes on")
    result = execute("frozen", "fsfreeze --unfreeze /mnt; until [ -s /mnt/file ]; do sleep 0.02; done; cat /mnt/file")
    check(result == (0, b"x\n", b""), "and so does the program, in the end", result)
    result = snapshot("frozen", "frozen"), resume("thawed", "frozen")
    check(result == ((0, b"", b""), (0, b"")), "then there is a snapshot", result)
    result = execute("thawed", "cat /mnt/file; umount /mnt")
    check(result == (0, b"x\n", b""), "with the file system in it", result)


def all_end():
    result = kbox("stop", *sorted(listed()))
    check(result == (0, b"", b"") and not listed(), "all that is left ends by kbox stop", result, listed())
    pids = [p for p in started if p]
    check(gone(pids), "no supervisor is left", [p for p in pids if is_alive(p)])


if len(sys.argv) > 1:
    perform(*(globals()[name] for name in sys.argv[1:]))
perform(waits_in_vain, it_goes_on, two_of_one_file, one_of_another, without_a_name, command_beside, forks, programs_of_exec,
        one_after_another, client_has_gone, stop_meanwhile, stop_and_go_on, files_stay_files, null_stays_null,
        image_that_is_written_to, image_has_changed, compressed, cannot_be_written, boxes_that_have_none, beside_from, many, first_moments,
        has_waited_in_vain, all_end)
