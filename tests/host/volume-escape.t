#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A guest's program does not get out of a volume: not by links, "..", handles or descriptors, nor
while the host moves things under it. What a guest does that owns its kernel is
tests/hostile/volumes.t."""
import itertools
import re
import sys
import threading
import traceback
sys.dont_write_bytecode = True
from volume import *  # noqa: E402,F403

ROUNDS = 20000 if os.environ.get("FULL") else 300
TOP_DIR, VOLUME, OUTSIDE = TMP + "/top", TMP + "/top/volume", TMP + "/top/outside"
SECRET = b"what nobody in a box may know"
CREATE = os.O_RDWR | os.O_CREAT
cases = []


def case(run):
    cases.append(run)
    return run


def make_tree():
    shutil.rmtree(TOP_DIR, ignore_errors=True)
    for d in (TOP_DIR, VOLUME, OUTSIDE, OUTSIDE + "/sub"):
        os.mkdir(d)
    for path in (OUTSIDE + "/secret", OUTSIDE + "/sub/secret"):
        with open(path, "wb") as f:
            f.write(SECRET)
    os.symlink("a secret link", OUTSIDE + "/link")
    os.symlink("a secret link", OUTSIDE + "/sub/link")


def snapshot(top):
    found = []
    for where, dirs, files in os.walk(top):
        for name in sorted([".", *dirs, *files]):
            st = os.lstat(os.path.join(where, name))
            found.append((where, name, st.st_ino, st.st_mode, st.st_uid, st.st_nlink, st.st_size, st.st_mtime_ns, st.st_ctime_ns))
    return sorted(found)


@case
def links_that_lead_out(a):
    os.symlink(OUTSIDE + "/secret", VOLUME + "/absolute")
    os.symlink("../outside/secret", VOLUME + "/relative")
    os.symlink("../" * 20 + OUTSIDE[1:] + "/secret", VOLUME + "/far")
    os.symlink(OUTSIDE, VOLUME + "/dir")
    os.symlink("..", VOLUME + "/up")
    os.symlink("/proc/self/root" + OUTSIDE, VOLUME + "/magic")
    os.symlink("/proc/1/cwd/..", VOLUME + "/magic2")
    for path in ("absolute", "relative", "far", "dir/secret", "up/outside/secret", "magic/secret", "magic2/outside/secret",
                 "../outside/secret", "../../outside/secret", OUTSIDE + "/secret", "/../.." + OUTSIDE + "/secret",
                 "/volume/../outside/secret", "/proc/self/root" + OUTSIDE + "/secret", "/proc/self/cwd/../outside/secret"):
        same(a.get(path), "ENOENT", path)
        same(a.stat(path, 0), "ENOENT", path)
        same(a.put(path, b"x", os.O_TRUNC) in ("ENOENT", "EACCES", 1), True, path)


@case
def descriptors_lead_no_further(a):
    os.mkdir(VOLUME + "/d")
    for where in (".", "d"):
        fd = a.open(where, os.O_RDONLY | os.O_DIRECTORY)
        path = a.open(where, 0o10000000)         # O_PATH
        for name in ("../outside/secret", "../../outside/secret", "../../../outside/secret"):
            same(a.openat(fd, name, 0, 0), "ENOENT", name)
            same(a.openat(path, name, 0, 0), "ENOENT", name)
            same(a.get("/proc/self/fd/%d/%s" % (fd, name)), "ENOENT", name)


@case
def handles_of_files(a):
    """They would name any file of a file system."""
    a.put("f", b"x")
    handle = struct.pack("Ii", 128, 0) + bytes(128)
    ret, outs = a.call("name_to_handle_at", HERE, "f", handle, Out(8), 0)
    same(ret, "EOPNOTSUPP", str(outs))
    st = os.stat(OUTSIDE + "/secret")
    handle = struct.pack("IiII", 8, 1, st.st_ino & 0xffffffff, 0)
    same(a.open_by_handle_at(a.open(".", os.O_RDONLY), handle, 0) in ("ESTALE", "EOPNOTSUPP"), True)


@case
def directories_that_are_moved_out(a):
    os.makedirs(VOLUME + "/d/e")
    with open(VOLUME + "/d/e/f", "wb") as f:
        f.write(b"in")
    same(a.chdir("d/e"), 0)
    same(a.get("f"), b"in")
    os.rename(VOLUME + "/d", OUTSIDE + "/d")
    before = snapshot(OUTSIDE)
    for path in ("../secret", "../../secret", "../../../secret", "../link"):
        same(a.get(path) in ("ENOENT", "ESTALE"), True, path)
        same(a.stat(path) in ("ENOENT", "ESTALE"), True, path)
    for gave in (a.put("new", b"x"), a.mkdir("sub"), a.unlink("f"), a.rename("f", "g"), a.put("../new", b"x"), a.chmod("f", 0o777),
                 a.unlink("../secret"), a.link("f", "../../g"), a.symlink("x", "../s"), a.utime("f", 0, 0)):
        same(gave in ("ENOENT", "ESTALE", "EXDEV"), True, str(gave))
    same(a.chdir("/volume"), 0)
    same(snapshot(OUTSIDE), before)


class Flipper(threading.Thread):
    """Until it is told to stop, a name is a directory and a link that leads out, in turn."""

    def __init__(self, target):
        super().__init__()
        os.mkdir(VOLUME + "/d")
        os.mkdir(VOLUME + "/d/sub")
        with open(VOLUME + "/d/secret", "wb") as f:
            f.write(b"known")
        os.symlink("a known link", VOLUME + "/d/link")
        os.symlink(target, VOLUME + "/l")
        self.stop = False
        self.times = 0

    def run(self):
        import ctypes
        renameat2 = ctypes.CDLL(None).renameat2
        one, two = (VOLUME + "/d").encode(), (VOLUME + "/l").encode()
        while not self.stop:
            renameat2(-100, one, -100, two, RENAME_EXCHANGE)
            self.times += 1


def race(a, target):
    before = snapshot(OUTSIDE)
    flipper = Flipper(target)
    flipper.start()
    got = set()
    try:
        for i in range(ROUNDS):
            name = "d/made%d" % i
            got.add(a.get(("d/secret", "d/sub/secret")[i % 2]))
            got.add(type(a.stat("d/sub", 0)))
            for ret in (a.put(name, b"x"), a.mkdir("d/dir%d" % i), a.chmod("d/sub", 0o700 + i % 64), a.utime("d/secret", i, i),
                        a.rename(name, "d/sub/x%d" % i), a.unlink("d/sub/x%d" % i), a.rmdir("d/dir%d" % i), a.unlink(name),
                        a.symlink("x", "d/s"), a.unlink("d/s"), a.setx("d/secret", "user.x", b"1")):
                got.add(ret)
            got.add(len(a.ls("d")) > 0)
    finally:
        flipper.stop = True
        flipper.join()
    same([g for g in got if isinstance(g, bytes) and g != b"known"], [])
    same(snapshot(OUTSIDE), before, "after %d flips" % flipper.times)
    same(b"known" in got or flipper.times < 10, True, str(got))


@case
def a_race_with_an_absolute_link(a):
    race(a, OUTSIDE)


@case
def a_race_with_a_relative_link(a):
    race(a, "../outside")


def apart(run, fence, env):
    make_tree()
    a = in_box(VOLUME, "the box", env)
    try:
        run(a)
        return None
    except (Differs, Gone) as e:
        lines = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__]
        return "line %s: %s" % (lines[-1], e)
    finally:
        a.end()


ways = fences()
if not ways:
    skip_all("this host can keep a box in no directory")
for (fence, env), run in itertools.product(ways, cases):
    wrong = apart(run, fence, env)
    check(not wrong, "%s, by %s" % (re.sub("_", " ", run.__name__), fence), wrong)
done()
