#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random operations on names, attributes and contents of a small tree, each by one of the host and
two boxes, and each natively on another tree as well: what it gives has to be the same, and so are
the trees in the end. VOLUME_SEED and VOLUME_OPERATIONS (1, 4000) are others."""
import random
import stat
import sys
sys.dont_write_bytecode = True
from volume import *  # noqa: E402,F403

SEED = int(os.environ.get("VOLUME_SEED", 1))
OPERATIONS = int(os.environ.get("VOLUME_OPERATIONS", 40000 if FULL else 4000))
NAMES_HERE = ["a", "b", "c", "d", "e"]
# Where there is nothing, what is said depends on what a box knows of the way there.
NOTHING = {"ENOENT", "ENOTDIR", "EISDIR", "EPERM"}
FLAGS = [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_EXCL,
         os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR | os.O_APPEND, os.O_RDONLY | os.O_DIRECTORY,
         os.O_RDONLY | os.O_NOFOLLOW]


class Files:
    """A side's open files, by the number that the test gives them."""

    def __init__(self, agent):
        self.agent = agent
        self.fds = {}

    def close(self, key):
        if key in self.fds:
            self.agent.close(self.fds.pop(key))


def path(r):
    """One to three names, now and then by an odd way."""
    names = [r.choice(NAMES_HERE) for _ in range(r.choice((1, 1, 2, 2, 3)))]
    odd = r.random()
    if odd < 0.03:
        names.insert(r.randrange(len(names)), ".")
    return "/".join(names) + ("/" if odd > 0.98 else "")


def target(r):
    return r.choice([path(r), "../" + path(r), "./" + r.choice(NAMES_HERE), "nowhere", r.choice(NAMES_HERE)])


def shown(st):
    """What of a stat has to be the same on both trees."""
    if isinstance(st, str):
        return st
    size = st.size if not stat.S_ISDIR(st.mode) else 0
    return st.mode, st.nlink, st.uid, st.gid, size


def data(r):
    return bytes(r.randrange(256) for _ in range(r.choice((1, 3, 20, 300)))) * r.choice((1, 1, 1, 20))


def opened(side, key, p, flags, mode):
    """It is kept open for later, if it is a file; else what is wrong. A directory in a box is what has its name."""
    side.close(key)
    fd = side.agent.open(p, flags, mode)
    if not isinstance(fd, int):
        return fd
    if not stat.S_ISREG(side.agent.fstat(fd).mode):
        side.agent.close(fd)
        return "not kept"
    side.fds[key] = fd
    return "open"


def with_fd(key, what):
    return lambda s: what(s.agent, s.fds[key]) if key in s.fds else None


def by_map(a, fd, at, text):
    """Written by a map, if it is there."""
    st = a.fstat(fd)
    if not stat.S_ISREG(st.mode) or at + len(text) > st.size:
        return "none"
    m = a.map(fd, st.size)
    if isinstance(m, str):
        return m
    ret = a.poke(m + at, text)
    a.munmap(m, st.size)
    return ret


def set_time(a, p, time):
    """Those of links and sockets cannot be set behind each fence."""
    ret, st = a.utime(p, time, time), a.stat(p)
    if isinstance(st, str):
        return ret
    return (ret, st.mtime == time) if stat.S_ISREG(st.mode) or stat.S_ISDIR(st.mode) else None


def set_mode(a, p, mode):
    st = a.stat(p, 0)
    return None if isinstance(st, Stat) and stat.S_ISSOCK(st.mode) else a.chmod(p, mode | 0o700)


def end_of(a, fd):
    """That of a directory is the file system's."""
    return a.lseek(fd, 0, 2) if stat.S_ISREG(a.fstat(fd).mode) else None


def operation(r):
    """Its name, and what does it on a side. All that is random is decided before."""
    p, q, t, key, mode, text, at = path(r), path(r), target(r), r.randrange(4), r.randrange(0o1000), data(r), r.randrange(2000)
    flags, value, time = r.choice(FLAGS), r.randbytes(5), r.randrange(2 * 10**18)
    rename = r.choice((0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE))
    return r.choice([
        ("put " + p, lambda s: s.agent.put(p, text)),
        ("append " + p, lambda s: s.agent.put(p, text, os.O_APPEND)),
        ("get " + p, lambda s: s.agent.get(p)),
        ("mkdir " + p, lambda s: s.agent.mkdir(p)),
        ("mkdir " + p, lambda s: s.agent.mkdir(p)),
        ("rmdir " + p, lambda s: s.agent.rmdir(p)),
        ("unlink " + p, lambda s: s.agent.unlink(p)),
        ("rename %s %s %d" % (p, q, rename), lambda s: s.agent.rename(p, q, rename)),
        ("rename %s %s %d" % (p, q, rename), lambda s: s.agent.rename(p, q, rename)),
        ("link %s %s" % (p, q), lambda s: s.agent.link(p, q)),
        ("symlink %s %s" % (t, p), lambda s: s.agent.symlink(t, p)),
        ("readlink " + p, lambda s: s.agent.readlink(p)),
        ("mknod " + p, lambda s: s.agent.mknodat(HERE, p, stat.S_IFSOCK | mode, 0)),
        ("lstat " + p, lambda s: shown(s.agent.stat(p))),
        ("stat " + p, lambda s: shown(s.agent.stat(p, 0))),
        ("ls " + p, lambda s: s.agent.ls(p)),
        ("chmod %s %o" % (p, mode), lambda s: set_mode(s.agent, p, mode)),
        ("utime " + p, lambda s: set_time(s.agent, p, time)),
        ("truncate " + p, lambda s: s.agent.truncate(p, at)),
        ("setxattr " + p, lambda s: s.agent.setx(p, "user.x", value)),
        ("getxattr " + p, lambda s: s.agent.getx(p, "user.x")),
        ("open %d %s %o" % (key, p, flags), lambda s: opened(s, key, p, flags, 0o644)),
        ("open %d %s %o" % (key, p, flags), lambda s: opened(s, key, p, flags, 0o644)),
        ("pread %d" % key, with_fd(key, lambda a, fd: a.pread(fd, 1000, at))),
        ("pwrite %d" % key, with_fd(key, lambda a, fd: a.pwrite(fd, text, at))),
        ("map %d" % key, with_fd(key, lambda a, fd: by_map(a, fd, at % 300, text[:100]))),
        ("fstat %d" % key, with_fd(key, lambda a, fd: shown(a.fstat(fd)))),
        ("ftruncate %d" % key, with_fd(key, lambda a, fd: a.ftruncate(fd, at))),
        ("fchmod %d" % key, with_fd(key, lambda a, fd: a.fchmod(fd, mode | 0o600))),
        ("punch %d" % key, with_fd(key, lambda a, fd: a.fallocate(fd, 3, at, 500))),
        ("end %d" % key, with_fd(key, end_of)),
    ])


def tree(top):
    found = []
    for where, dirs, files in os.walk(top):
        for name in sorted(dirs + files):
            p = os.path.join(where, name)
            st = os.lstat(p)
            more = os.readlink(p) if stat.S_ISLNK(st.st_mode) else None
            if stat.S_ISREG(st.st_mode):
                with open(p, "rb") as f:
                    more = f.read()
            found.append((os.path.relpath(p, top), st.st_mode, st.st_nlink, more))
    return sorted(found)


def run(fence, env, seed):
    """What went wrong, or nothing."""
    r = random.Random(seed)
    for name in ("mirror", "volume"):
        shutil.rmtree(TMP + "/" + name, ignore_errors=True)
        os.makedirs(TMP + "/" + name + "/top")      # where ".." leads, too
    real = [Files(native(TMP + "/volume")), Files(in_box(TMP + "/volume", "one box", env)), Files(in_box(TMP + "/volume", "another box", env))]
    mirror = [Files(native(TMP + "/mirror")) for _ in real]
    past = []
    try:
        for side in real + mirror:
            same(side.agent.chdir("top"), 0)
        for n in range(OPERATIONS):
            which = r.randrange(len(real))
            what, do = operation(r)
            want, got = do(mirror[which]), do(real[which])
            past.append("%d, %s: %s: %s" % (n, real[which].agent.name, what, shorter(want)))
            if got != want and not (isinstance(got, str) and isinstance(want, str) and {got, want} <= NOTHING):
                return ["%s, natively it is %s" % (shorter(got), past.pop())] + past[-12:]
        want, got = tree(TMP + "/mirror"), tree(TMP + "/volume")
        return None if got == want else ["the trees differ", *(x for x in got + want if (x in got) != (x in want))]
    except Gone as e:
        return [str(e)] + past[-5:]
    finally:
        for side in real + mirror:
            side.agent.end()


if not fences():
    skip_all("this host can keep a box in no directory")
os.umask(0o022)
for fence, env in fences():
    for seed in range(SEED, SEED + (10 if FULL else 2)):
        wrong = run(fence, env, seed)
        check(not wrong, "seed %d, by %s" % (seed, fence), *(wrong or []))
done()
