#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Programs that lock files: two boxes of the host's own system and the host itself use one database,
one counter. volume-coherence.t has what each kind of lock is."""
import fcntl
import sys
import threading
sys.dont_write_bytecode = True
from volume import *  # noqa: E402,F403

PYTHON = "/usr/bin/python3"
VOLUME = TMP + "/volume"
ROUNDS = 300 if FULL else 60
# All three are there before the first begins.
TOGETHER = """
import os, sys, time
where = os.path.dirname(sys.argv[1])
open(where + "/is-" + sys.argv[2], "w").close()
while sum(name.startswith("is-") for name in os.listdir(where)) < 3:
    time.sleep(0.01)
"""
SQLITE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=%d, isolation_level=None)
for i in range(%d):
    db.execute("begin immediate" if i %% 2 else "begin exclusive")
    n, = db.execute("select n from counter").fetchone()
    db.execute("update counter set n = ?", (n + 1,))
    db.execute("insert into log values (?, ?)", (sys.argv[2], i))
    db.execute("commit")
""" % (LIMIT, ROUNDS)
COUNTER = """
import fcntl, os, sys
how = {"flock": fcntl.flock, "fcntl": fcntl.lockf}[sys.argv[3]]
fd = os.open(sys.argv[1], os.O_RDWR)
for i in range(%d):
    how(fd, fcntl.LOCK_EX)
    n = int(os.pread(fd, 20, 0))
    os.pwrite(fd, b"%%d" %% (n + 1), 0)
    how(fd, fcntl.LOCK_UN)
""" % (5 * ROUNDS)
WAITS = """
import fcntl, os, signal, sys
fd = os.open(sys.argv[1], os.O_RDWR)
def stop(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
for how in (fcntl.flock, fcntl.lockf):
    try:
        how(fd, fcntl.LOCK_EX)
        print("locked")
    except KeyboardInterrupt:
        print("interrupted")
"""
DEADLOCK = """
import errno, fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
r, w = os.pipe()
fcntl.lockf(fd, fcntl.LOCK_EX, 1, 1)
first = os.fork()
own = 1 if first else 0
if first:
    os.read(r, 1)
else:
    fcntl.lockf(fd, fcntl.LOCK_EX, 1, own)
    os.write(w, b"x")
try:
    fcntl.lockf(fd, fcntl.LOCK_EX, 1, 1 - own)
except OSError as e:
    os.write(1, b"told" if e.errno == errno.EDEADLK else repr(e).encode())
if first:
    fcntl.lockf(fd, fcntl.LOCK_UN)
    os.wait()
"""


def boxed(*command, access=""):
    return [KBOX, "run", "--mem", "256M", "-v", VOLUME + ":" + VOLUME + access, "--", *command]


def run(command, env):
    return subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=LIMIT, check=False).stdout.decode(errors="replace")


def together(script, path, env, *args):
    """The host and two boxes, at the same time: what they have said."""
    said = {}
    for name in os.listdir(VOLUME):
        if name.startswith("is-"):
            os.unlink(VOLUME + "/" + name)

    def work(name, command):
        said[name] = run(command, env)

    ways = {"host": [], "one": boxed(), "two": boxed()}
    workers = [threading.Thread(target=work, args=(name, [*before, PYTHON, "-c", TOGETHER + script, path, name, *args]))
               for name, before in ways.items()]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return said


def database(env):
    path = VOLUME + "/db"
    make = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript('create table counter (n); " \
        "insert into counter values (0); create table log (who, i)')"
    same(run([PYTHON, "-c", make, path], {}), "")
    same(together(SQLITE, path, env), {"host": "", "one": "", "two": ""})
    ask = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); print(*[db.execute(q).fetchall() for q in (" \
        "'select n from counter', 'select count(*), count(distinct who) from log', 'pragma integrity_check')])"
    same(run([PYTHON, "-c", ask, path], {}), "[(%d,)] [(%d, 3)] [('ok',)]\n" % (3 * ROUNDS, 3 * ROUNDS))


def counter(env):
    for how in ("flock", "fcntl"):
        path = VOLUME + "/" + how
        with open(path, "w", encoding="ascii") as f:
            f.write("0")
        same(together(COUNTER, path, env, how), {"host": "", "one": "", "two": ""})
        with open(path, encoding="ascii") as f:
            same(f.read(), str(3 * 5 * ROUNDS), how)


def interrupted(env):
    """A signal ends the wait for a lock of the host's, and what another box held is free when it was killed."""
    with open(VOLUME + "/f", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        fcntl.lockf(f, fcntl.LOCK_EX)
        same(run(boxed(PYTHON, "-c", WAITS, VOLUME + "/f"), env), "interrupted\ninterrupted\n")
    held = in_box(VOLUME, env=env)
    same(held.flock(fd := held.open("f", os.O_RDWR), LOCK_EX), 0)
    same(held.record(fd, F_SETLK, F_WRLCK), 0)
    with open(VOLUME + "/f", "r+", encoding="ascii") as f:
        for how in (fcntl.flock, fcntl.lockf):
            try:
                how(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise Differs("the host has not seen the lock")
            except BlockingIOError:
                pass
        held.end()
        fcntl.flock(f, fcntl.LOCK_EX)
        fcntl.lockf(f, fcntl.LOCK_EX)


def deadlock(env):
    """One of two processes of a box that wait for each other is told."""
    with open(VOLUME + "/f", "w", encoding="ascii"):
        pass
    same(run(boxed(PYTHON, "-c", DEADLOCK, VOLUME + "/f"), env), "told")


def not_written(env):
    """Who may only read stops nobody: locks of a volume that is not written are the box's own."""
    with open(VOLUME + "/f", "w", encoding="ascii"):
        pass
    ro = Agent("a box", box_command("/tests/volume-m", "agent", "/volume", volumes=[VOLUME + ":/volume:ro"]), env)
    one, two = ro.open("f"), ro.open("f")
    same(ro.flock(one, LOCK_EX), 0)
    same(ro.record(one, F_SETLK, F_RDLCK), 0)
    same(ro.flock(two, LOCK_EX | LOCK_NB), "EAGAIN")
    with open(VOLUME + "/f", "r+", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ro.end()


CASES = [database, counter, interrupted, deadlock, not_written]
if not fences():
    skip_all("this host can keep a box in no directory")
for fence, hide in fences():
    for case in CASES:
        title = "%s, by %s" % (case.__name__, fence)
        shutil.rmtree(VOLUME, ignore_errors=True)
        os.mkdir(VOLUME)
        if not os.path.exists(PYTHON):
            skip(title, "no " + PYTHON)
            continue
        try:
            case(hide)
            check(True, title)
        except (Differs, Gone, subprocess.TimeoutExpired) as e:
            check(False, title, str(e))
done()
