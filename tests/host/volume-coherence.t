#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the host changes in a volume is seen by the next call in a box, and the other way round, and
from one box to another. Each scenario runs between two agents, of which A does something and B sees
it, first with both natively: that tells whether the scenario is right. Arguments: shell patterns of
the names to run."""
import fnmatch
import stat
import sys
import traceback
sys.dont_write_bytecode = True
from volume import *  # noqa: E402,F403

scenarios = []
RW, CREATE, APPEND = os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT


def scenario(run):
    scenarios.append(run)
    return run


@scenario
def contents(a, b):
    same(a.put("f", b"first"), 5)
    fd = b.open("f", RW)
    same(b.pread(fd, 100, 0), b"first")
    same(a.put("f", b"2nd"), 3)
    same(b.pread(fd, 100, 0), b"2nd")
    same(b.fstat(fd).size, 3)
    same(a.put("f", b" and more", os.O_APPEND), 9)
    same(b.lseek(fd, 0, 2), 12)
    same(b.get("f"), b"2nd and more")
    same(a.truncate("f", 4), 0)
    same(b.fstat(fd).size, 4)
    same(b.stat("f").size, 4)
    same(b.pread(fd, 100, 0), b"2nd ")
    same(a.truncate("f", 8), 0)
    same(b.pread(fd, 100, 2), b"d \0\0\0\0")


@scenario
def many_contents(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", CREATE)
    for i in range(200):
        text = b"%03d" % i
        same(a.pwrite(fa, text, i % 7), 3)
        same(b.pread(fb, 3, i % 7), text)
        same(b.get("f")[i % 7:i % 7 + 3], text)
        same(b.pwrite(fb, text[::-1], i % 5), 3)
        same(a.pread(fa, 3, i % 5), text[::-1])


@scenario
def shared_maps(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", RW)
    same(a.ftruncate(fa, 3 * PAGE), 0)
    ma, mb = a.map(fa, 3 * PAGE), b.map(fb, 3 * PAGE)
    for i in range(50):
        text = b"%08d" % i
        same(a.poke(ma + i * 200, text), 8)
        same(b.peek(mb + i * 200, 8), text)
        same(b.pread(fb, 8, i * 200), text)
        same(b.pwrite(fb, text, i * 200 + 100), 8)
        same(a.peek(ma + i * 200 + 100, 8), text)
        same(b.poke(mb + i * 200 + 50, text), 8)
        same(a.pread(fa, 8, i * 200 + 50), text)


@scenario
def private_maps(a, b):
    """They are new each time: what is mapped already may stay as it was."""
    fa, fb = a.open("f", CREATE), b.open("f", RW)
    same(a.pwrite(fa, bytes(PAGE), 0), PAGE)
    for i in range(200):
        text = b"%08d" % i
        same(a.pwrite(fa, text, 8 * (i % 100)), 8)
        m = b.map(fb, PAGE, PRIVATE)
        same(b.peek(m + 8 * (i % 100), 8), text, "change %d" % i)
        same(b.munmap(m, PAGE), 0)


@scenario
def private_maps_of_what_is_mapped(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", RW)
    same(a.pwrite(fa, bytes(PAGE), 0), PAGE)
    ma = a.map(fa, PAGE)
    for i in range(50):
        text = b"%08d" % i
        same(a.poke(ma + 8 * i, text), 8)
        m = b.map(fb, PAGE, PRIVATE)
        same(b.peek(m + 8 * i, 8), text, "change %d" % i)
        same(b.munmap(m, PAGE), 0)


@scenario
def maps_and_the_end(a, b):
    same(a.put("f", b"x" * PAGE), PAGE)
    fb = b.open("f", RW)
    shared, private = b.map(fb, 3 * PAGE), b.map(fb, 3 * PAGE, PRIVATE)
    same(b.peek(shared + 2 * PAGE, 1), "SIGBUS")
    same(a.truncate("f", 3 * PAGE), 0)
    same(b.fstat(fb).size, 3 * PAGE)
    same(b.peek(shared + 2 * PAGE, 1), b"\0")
    same(b.peek(private + 2 * PAGE, 1), b"\0")
    same(a.truncate("f", 10), 0)
    same(b.fstat(fb).size, 10)
    same(b.peek(shared + 2 * PAGE, 1), "SIGBUS")
    same(b.peek(private + 2 * PAGE, 1), "SIGBUS")
    same(b.peek(shared, 11), b"x" * 10 + b"\0")


@scenario
def names(a, b):
    same(b.stat("f"), "ENOENT")
    same(a.put("f", b"1"), 1)
    same(b.get("f"), b"1")
    same(b.ls(), [b"f"])
    same(a.rename("f", "g"), 0)
    same(b.stat("f"), "ENOENT")
    same(b.get("f"), "ENOENT")
    same(b.get("g"), b"1")
    same(a.unlink("g"), 0)
    same(b.get("g"), "ENOENT")
    same(b.stat("g"), "ENOENT")
    same(b.unlink("g"), "ENOENT")
    same(b.rename("g", "h"), "ENOENT")
    same(b.chmod("g", 0o600), "ENOENT")
    same(b.ls(), [])
    same(a.put("g", b"2"), 1)
    same(b.put("g", b"3", os.O_EXCL), "EEXIST")
    same(b.mkdir("g"), "EEXIST")
    same(b.symlink("x", "g"), "EEXIST")
    same(b.get("g"), b"2")


@scenario
def made_while_it_was_known_to_be_missing(a, b):
    for i in range(20):
        same(b.stat("n%d" % i), "ENOENT")
        same(a.put("n%d" % i, b"x"), 1)
        name = "n%d" % i
        if i % 4 == 0:
            same(b.mkdir(name), "EEXIST")
        elif i % 4 == 1:
            same(b.put(name, b"y", os.O_APPEND), 1)
            same(a.get(name), b"xy")
        elif i % 4 == 2:
            same(b.stat(name).size, 1)
        else:
            same(b.link(name, "l%d" % i), 0)


@scenario
def other_kinds(a, b):
    """Of one name."""
    for _ in range(3):
        same(a.put("x", b"file"), 4)
        same(b.get("x"), b"file")
        same(a.unlink("x"), 0)
        same(a.mkdir("x"), 0)
        same(a.put("x/y", b"inner"), 5)
        same(b.get("x"), "EISDIR")
        same(b.get("x/y"), b"inner")
        same(b.ls("x"), [b"y"])
        same(a.unlink("x/y"), 0)
        same(a.rmdir("x"), 0)
        same(a.put("z", b"target"), 6)
        same(a.symlink("z", "x"), 0)
        same(b.get("x"), b"target")
        same(b.get("x/y"), "ENOTDIR")
        same(stat.S_ISLNK(b.stat("x").mode), True)
        same(a.unlink("x"), 0)
        same(a.mknodat(HERE, "x", stat.S_IFIFO | 0o600, 0), 0)
        same(stat.S_ISFIFO(b.stat("x").mode), True)
        same(a.unlink("x"), 0)


@scenario
def a_directory_where_a_file_was(a, b):
    for i in range(3):
        same(a.put("x", b"file"), 4)
        same(b.get("x"), b"file")
        same(a.unlink("x"), 0)
        same(a.mkdir("x"), 0)
        same(b.ls("x") if i else b.mkdir("x/y"), [] if i else 0)
        same(a.rmdir("x/y") if i == 0 else 0, 0)
        same(a.rmdir("x"), 0)


@scenario
def a_socket_where_a_file_was(a, b):
    same(a.put("x", b"file"), 4)
    same(b.get("x"), b"file")
    same(a.unlink("x"), 0)
    same(a.mknodat(HERE, "x", stat.S_IFSOCK | 0o644, 0), 0)
    same(b.put("x", b"more", os.O_APPEND), "ENXIO")


@scenario
def a_link_where_a_directory_was(a, b):
    for d in ("one", "two"):
        same(a.mkdir(d), 0)
        same(a.put(d + "/f", d.encode()), 3)
    same(b.get("one/f"), b"one")
    same(b.stat("one/f").size, 3)
    same(a.rename("one", "three"), 0)
    same(a.symlink("two", "one"), 0)
    same(b.get("one/f"), b"two")
    same(b.stat("one/f").ino, a.stat("two/f").ino)
    same(b.put("one/g", b"new"), 3)
    same(a.get("two/g"), b"new")
    same(b.mkdir("one/d"), 0)
    same(b.rename("one/g", "one/d/g"), 0)
    same(a.get("two/d/g"), b"new")
    same(b.ls("one"), [b"d", b"f"])


@scenario
def another_directory_of_that_name(a, b):
    for _ in range(3):
        for d in ("x", "y"):
            same(a.mkdir(d), 0)
            same(a.mkdir(d + "/sub"), 0)
            same(b.put(d + "/sub/f", d.encode()), 1)
            same(b.ls(d + "/sub"), [b"f"])
        same(a.rename("y", "z"), 0)
        same(a.mkdir("y"), 0)
        same(a.mkdir("y/sub"), 0)
        same(b.rename("x/sub/f", "y/sub/f"), 0)
        same(a.get("y/sub/f"), b"x")
        same(a.rename("z", "w"), 0)
        same(b.rename("w/sub", "x/sub"), 0)
        same(b.get("x/sub/f"), b"y")
        same(a.rename("x", "y", RENAME_EXCHANGE), 0)
        same(b.rename("x/sub/f", "y/sub/f"), 0)
        same(a.get("y/sub/f"), b"x")
        same(a.unlink("y/sub/f"), 0)
        for d in ("x/sub", "y/sub", "w", "x", "y"):
            same(b.rmdir(d), 0)
        same(a.ls(), [])


@scenario
def links_lead_elsewhere(a, b):
    for i in range(20):
        same(a.put("t%d" % i, b"%d" % i), len(str(i)))
        same(a.symlink("t%d" % i, "new"), 0)
        same(a.rename("new", "current"), 0)
        same(b.get("current"), b"%d" % i)
        same(b.readlink("current"), b"t%d" % i)
    same(a.mkdir("d1"), 0)
    same(a.mkdir("d2"), 0)
    same(a.put("d1/f", b"one"), 3)
    same(a.put("d2/f", b"two"), 3)
    for i in range(10):
        same(a.symlink("d%d" % (1 + i % 2), "new"), 0)
        same(a.rename("new", "dir"), 0)
        same(b.get("dir/f"), [b"one", b"two"][i % 2])
        same(b.put("dir/made%d" % i, b"x"), 1)
        same(a.get("d%d/made%d" % (1 + i % 2, i)), b"x")


@scenario
def directories_take_each_others_place(a, b):
    for d in ("one", "two"):
        same(a.mkdir(d), 0)
        same(a.mkdir(d + "/sub"), 0)
        same(a.put(d + "/sub/f", d.encode()), 3)
    for i in range(10):
        same(b.get("one/sub/f"), [b"one", b"two"][i % 2])
        same(b.get("two/sub/f"), [b"two", b"one"][i % 2])
        same(b.stat("one/sub").ino, a.stat("one/sub").ino)
        same(a.rename("one", "two", RENAME_EXCHANGE), 0)
    same(a.rename("one", "three"), 0)
    same(b.get("one/sub/f"), "ENOENT")
    same(b.ls("one"), "ENOENT")
    same(b.put("one/sub/g", b"x"), "ENOENT")
    same(b.get("three/sub/f"), b"one")


@scenario
def saved_over(a, b):
    same(a.put("f", b"old"), 3)
    fd = b.open("f", RW)
    same(a.put("f.new", b"newer"), 5)
    same(a.rename("f.new", "f"), 0)
    same(b.get("f"), b"newer")
    same(b.pread(fd, 10, 0), b"old")
    same(b.fstat(fd).nlink, 0)
    same(b.pwrite(fd, b"OLD", 0), 3)
    same(a.get("f"), b"newer")
    same(b.fstat(fd).ino != b.stat("f").ino, True)
    same(b.stat("f").ino, a.stat("f").ino)


@scenario
def removed_while_open(a, b):
    same(a.put("f", b"text"), 4)
    fd = b.open("f", RW)
    m = b.map(fd, PAGE)
    same(a.unlink("f"), 0)
    same(b.fstat(fd).nlink, 0)
    same(b.pread(fd, 10, 0), b"text")
    same(b.pwrite(fd, b"more", 4), 4)
    same(b.peek(m, 8), b"textmore")
    same(b.ftruncate(fd, 5), 0)
    same(b.fchmod(fd, 0o600), 0)
    same(b.fstat(fd).size, 5)
    same(b.put("f", b"another", os.O_EXCL), 7)
    same(a.get("f"), b"another")
    same(b.pread(fd, 10, 0), b"textm")


@scenario
def removed_directories(a, b):
    same(a.mkdir("d"), 0)
    same(b.ls("d"), [])
    fd = b.open("d", os.O_RDONLY)
    same(a.rmdir("d"), 0)
    same(b.ls("d"), "ENOENT")
    same(b.entries(fd), "ENOENT")
    same(b.openat(fd, "f", CREATE, 0o644), "ENOENT")
    same(b.fstat(fd).nlink, 0)
    same(a.mkdir("d"), 0)
    same(b.put("d/f", b"x"), 1)
    same(b.ls("d"), [b"f"])
    same(a.ls("d"), [b"f"])
    same(b.rmdir("d"), "ENOTEMPTY")


@scenario
def numbers_are_used_again(a, b):
    """Each time the file that has just come is another than the one that has gone."""
    for i in range(30):
        kind = i % 3
        text = b"%04d" % i
        if kind == 0:
            same(a.put("a", text), 4)
            fd = b.open("a")
            m = b.map(fd, PAGE, PRIVATE, READ)
            same(b.peek(m, 4), text)
            same(b.munmap(m, PAGE), 0)
            same(b.close(fd), 0)
            same(a.unlink("a"), 0)
        elif kind == 1:
            same(a.mkdir("b"), 0)
            same(b.stat("b").ino, a.stat("b").ino)
            same(b.put("b/f%d" % i, b"x"), 1)
            same(a.ls("b"), [b"f%d" % i])
            same(a.unlink("b/f%d" % i), 0)
            same(b.ls("b"), [])
            same(a.rmdir("b"), 0)
        else:
            same(a.symlink(text, "c"), 0)
            same(b.readlink("c"), text)
            same(a.unlink("c"), 0)


@scenario
def the_same_size_and_time(a, b):
    """A file that cannot be told from the one before by these."""
    for i in range(20):
        text = b"%04d" % i
        same(a.put("f%d" % (i % 2), text), 4)
        same(a.utime("f%d" % (i % 2), 10**18, 10**18), 0)
        fd = b.open("f%d" % (i % 2))
        m = b.map(fd, PAGE, PRIVATE, READ)
        same(b.peek(m, 4), text)
        same(b.munmap(m, PAGE), 0)
        same(b.close(fd), 0)
        if i % 4 == 3:
            same(a.unlink("f%d" % (i % 2)), 0)


@scenario
def attributes(a, b):
    same(a.put("f", b"x"), 1)
    fd = b.open("f")
    for mode in (0o600, 0o755, 0o4711, 0o2775, 0, 0o644):
        same(a.chmod("f", mode), 0)
        same(b.stat("f").mode & 0o7777, mode)
        same(b.fstat(fd).mode & 0o7777, mode)
    same(a.utime("f", 10**18, 1234567890987654321), 0)
    same(b.stat("f").mtime, 1234567890987654321)
    same(a.link("f", "g"), 0)
    same(b.stat("f").nlink, 2)
    same(b.fstat(fd).nlink, 2)
    same(b.stat("g").ino, b.fstat(fd).ino)
    same(a.unlink("f"), 0)
    same(b.fstat(fd).nlink, 1)
    same(a.mkdir("d"), 0)
    same(b.stat("d").nlink, a.stat("d").nlink)
    same(a.mkdir("d/sub"), 0)
    same(b.stat("d").nlink, a.stat("d").nlink)
    same(a.chmod("d", 0o1777), 0)
    same(b.stat("d").mode & 0o7777, 0o1777)
    same(b.stat("d").mtime, a.stat("d").mtime)


@scenario
def extended_attributes(a, b):
    same(a.put("f", b"x"), 1)
    if a.setx("f", "user.a", b"one") == "EOPNOTSUPP":
        return
    same(b.getx("f", "user.a"), b"one")
    same(a.setx("f", "user.a", b"two"), 0)
    same(b.getx("f", "user.a"), b"two")
    same(a.removexattr("f", "user.a"), 0)
    same(b.getx("f", "user.a"), "ENODATA")
    same(b.setx("f", "user.b", b"b"), 0)
    same(a.getx("f", "user.b"), b"b")


@scenario
def holes(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", CREATE)
    same(a.pwrite(fa, b"x" * 8 * PAGE, 0), 8 * PAGE)
    m = b.map(fb, 8 * PAGE)
    same(b.peek(m + 2 * PAGE, 1), b"x")
    if a.fallocate(fa, 3, 2 * PAGE, 2 * PAGE) == "EOPNOTSUPP":
        return
    same(b.pread(fb, 1, 3 * PAGE), b"\0")
    same(b.lseek(fb, 0, 4), 2 * PAGE)
    same(b.lseek(fb, 2 * PAGE, 3), 4 * PAGE)
    same(b.peek(m + 2 * PAGE, 1), b"\0")        # which in a tmpfs makes a page
    same(a.ftruncate(fa, 100 << 30), 0)
    same(b.fstat(fb).size, 100 << 30)
    same(b.pwrite(fb, b"end", (100 << 30) - 3), 3)
    same(a.pread(fa, 10, (100 << 30) - 3), b"end")
    same(a.lseek(fa, 8 * PAGE, 3) > 99 << 30, True)


@scenario
def locks_of_files(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", CREATE)
    same(a.flock(fa, LOCK_EX), 0)
    same(b.flock(fb, LOCK_SH | LOCK_NB), "EAGAIN")
    same(a.flock(fa, LOCK_SH), 0)
    same(b.flock(fb, LOCK_SH | LOCK_NB), 0)
    same(a.flock(fa, LOCK_EX | LOCK_NB), "EAGAIN")      # which costs the one to share
    same(b.flock(fb, LOCK_EX | LOCK_NB), 0)
    b.close(fb)
    same(a.flock(fa, LOCK_EX | LOCK_NB), 0)
    fb, other = b.open("f", os.O_RDONLY), a.open("f", os.O_RDONLY)
    same(a.flock(other, LOCK_EX | LOCK_NB), "EAGAIN")
    a.close(other)
    same(b.flock(fb, LOCK_EX | LOCK_NB), "EAGAIN")
    b.begin("flock", fb, LOCK_EX)
    same(a.flock(fa, LOCK_UN), 0)
    same(b.result()[0], 0)
    same(a.flock(fa, LOCK_SH | LOCK_NB), "EAGAIN")


@scenario
def locks_of_directories(a, b):
    same(a.mkdir("d"), 0)
    fa, fb = a.open("d"), b.open("d")
    same(a.flock(fa, LOCK_EX), 0)
    same(b.flock(fb, LOCK_EX | LOCK_NB), "EAGAIN")
    b.begin("flock", fb, LOCK_EX)
    a.close(fa)
    same(b.result()[0], 0)


@scenario
def shared_by_two_of_one_side(a, b):
    """What one side has is all that its files have."""
    first, second, fb = a.open("f", CREATE), a.open("f", os.O_RDONLY), b.open("f", RW)
    same(a.flock(first, LOCK_SH), 0)
    same(a.flock(second, LOCK_SH), 0)
    same(a.flock(first, LOCK_UN), 0)
    same(b.flock(fb, LOCK_EX | LOCK_NB), "EAGAIN")
    same(a.flock(second, LOCK_UN), 0)
    same(b.flock(fb, LOCK_EX | LOCK_NB), 0)
    same(b.flock(fb, LOCK_UN), 0)
    same(a.record(first, F_OFD_SETLK, F_RDLCK, 0, 100), 0)
    same(a.record(second, F_OFD_SETLK, F_RDLCK, 50, 100), 0)
    same(a.record(first, F_OFD_SETLK, F_UNLCK), 0)
    same(b.record(fb, F_SETLK, F_WRLCK, 0, 50), 0)
    same(b.record(fb, F_SETLK, F_WRLCK, 49, 2), "EAGAIN")
    same(b.record(fb, F_SETLK, F_WRLCK, 150), 0)
    a.close(second)
    same(b.record(fb, F_SETLK, F_WRLCK, 50, 100), 0)


@scenario
def locks_of_ranges(a, b):
    fa, fb = a.open("f", CREATE), b.open("f", RW)
    same(a.record(fa, F_SETLK, F_WRLCK, 10, 10), 0)
    same(b.record(fb, F_SETLK, F_RDLCK, 0, 10), 0)
    same(b.record(fb, F_SETLK, F_RDLCK, 15, 10), "EAGAIN")
    same(b.record(fb, F_SETLK, F_WRLCK, 20), 0)
    same(b.record(fb, F_GETLK, F_RDLCK, 5, 7), (F_WRLCK, 10, 10))
    same(a.record(fa, F_GETLK, F_WRLCK, 25), (F_WRLCK, 20, 0))
    same(a.record(fa, F_GETLK, F_RDLCK, 0, 5), "free")
    same(a.record(fa, F_SETLK, F_RDLCK, 12, 2), 0)          # a part of it is to be read
    same(b.record(fb, F_SETLK, F_RDLCK, 12, 2), 0)
    same(b.record(fb, F_SETLK, F_RDLCK, 11, 1), "EAGAIN")
    same(a.record(fa, F_SETLK, F_WRLCK, 10, 10), "EAGAIN")
    same(b.record(fb, F_GETLK, F_WRLCK, 12, 2), (F_RDLCK, 12, 2))       # it has what it had
    b.begin("fcntl", fb, F_SETLKW, b.flock_of(F_WRLCK, 10, 10))
    same(a.record(fa, F_SETLK, F_UNLCK), 0)
    same(b.result()[0], 0)
    same(a.record(fa, F_SETLK, F_WRLCK, 0, 1), "EAGAIN")
    b.close(b.open("f", os.O_RDONLY))                      # which ends all of a process
    same(a.record(fa, F_SETLK, F_WRLCK), 0)


@scenario
def from_reader_to_writer(a, b):
    """The lock of who only reads stays when one is made to write."""
    same(a.put("f", b"x"), 1)
    reads, writes, fb = a.open("f", os.O_RDONLY), a.open("f", RW), b.open("f", RW)
    same(a.record(reads, F_SETLK, F_RDLCK, 0, 10), 0)
    same(a.record(reads, F_SETLK, F_RDLCK, 20, 10), 0)
    same(a.record(writes, F_SETLK, F_WRLCK, 5, 2), 0)
    same(b.record(fb, F_SETLK, F_WRLCK, 0, 1), "EAGAIN")
    same(b.record(fb, F_SETLK, F_RDLCK, 0, 5), 0)
    same(b.record(fb, F_SETLK, F_RDLCK, 5, 2), "EAGAIN")
    same(b.record(fb, F_GETLK, F_WRLCK, 20, 10), (F_RDLCK, 20, 10))
    same(b.record(fb, F_SETLK, F_WRLCK, 10, 10), 0)


@scenario
def appended_by_both(a, b):
    fa, fb = a.open("log", APPEND), b.open("log", APPEND)
    want = b""
    for i in range(50):
        for side, fd in ((a, fa), (b, fb)):
            text = b"%s %d\n" % (side.name.encode(), i)
            same(side.write(fd, text, len(text)), len(text))
            want += text
            same(side.lseek(fd, 0, 1), len(want))
    same(a.get("log"), want)
    same(b.get("log"), want)


@scenario
def directories(a, b):
    for i in range(300):
        same(a.put("f%d" % i, b""), 0)
    fd = b.open(".", os.O_RDONLY)
    same(len(b.entries(fd)), 300)
    for i in range(0, 300, 3):
        same(a.unlink("f%d" % i), 0)
    same(len(b.ls()), 200)
    same(b.lseek(fd, 0, 0), 0)
    same(len(b.entries(fd)), 200)
    same(a.put("late", b""), 0)
    same(b.lseek(fd, 0, 0), 0)
    same(b"late" in b.entries(fd), True)
    for name in b.ls():
        same(b.unlink(name), 0)
    same(a.ls(), [])


@scenario
def read_while_the_other_writes_there(a, b):
    for i in range(600):
        same(a.put("stays%d" % i, b""), 0)
    fd = b.open(".", os.O_RDONLY)
    seen = []
    for i in range(10**6):
        ret, outs = b.call("getdents64", fd, Out(300), 300)
        if not ret:
            break
        same(isinstance(ret, int), True)
        at = 0
        while at < ret:
            length = struct.unpack_from("H", outs[0], at + 16)[0]
            seen.append(outs[0][at + 19:at + length].split(b"\0", 1)[0])
            at += length
        same(a.put("comes%d" % i, b""), 0)
        same(a.unlink("comes%d" % (i - 5)) if i >= 5 else 0, 0)
    same(sorted(n for n in seen if n.startswith(b"stays")), sorted(b"stays%d" % i for i in range(600)))


@scenario
def odd_names(a, b):
    for name in (b"\xff\xfe", b"\xc3\x28", b"a\nb", b" ", b"\x01\x7f", b"n" * 255, b"\xe4" * 255, b"..a", b"a\\b:c"):
        same(a.put(name, name), len(name))
        same(b.get(name), name)
        same(b.ls(), [name])
        same(b.rename(name, b"x" + name[1:]), 0)
        same(a.unlink(b"x" + name[1:]), 0)
    same(b.ls(), [])


def apart(scenario, number, a, b):
    """In a directory of its own; what went wrong, or nothing."""
    name = "%s-%d" % (scenario.__name__, number)
    os.mkdir(TMP + "/volume/" + name)
    try:
        for side in (a, b):
            same(side.chdir(name), 0)
        scenario(a, b)
        for side in (a, b):
            same(side.chdir(".."), 0)
    except Differs as e:
        line = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__][-1].lineno
        return "line %d: %s" % (line, e)
    except Gone as e:
        return str(e)
    return None


os.mkdir(TMP + "/volume")
MAKERS = {"host": lambda: native(TMP + "/volume"), "host2": lambda: native(TMP + "/volume")}
PAIRS = [("host", "host2")]
for fence, env in fences():
    MAKERS[fence] = lambda f=fence, e=env: in_box(TMP + "/volume", "a box by " + f, e)
    MAKERS[fence + "2"] = lambda f=fence, e=env: in_box(TMP + "/volume", "another box by " + f, e)
    PAIRS += [("host", fence), (fence, "host"), (fence, fence + "2")]
if len(PAIRS) == 1:
    skip_all("this host can keep a box in no directory")
patterns = sys.argv[1:] or ["*"]
wanted = [s for s in scenarios if any(fnmatch.fnmatch(s.__name__, p) for p in patterns)]
sides = {name: make() for name, make in MAKERS.items()}
for number, pair in enumerate(PAIRS):
    for run in wanted:
        a, b = (sides[p] for p in pair)
        wrong = apart(run, number, a, b)
        check(not wrong, "%s: %s, then %s" % (run.__name__, a.name, b.name), wrong)
        if wrong:               # they may be anywhere, or have ended
            for p in pair:
                sides[p].end()
                sides[p] = MAKERS[p]()
for side in sides.values():
    side.end()
done()
