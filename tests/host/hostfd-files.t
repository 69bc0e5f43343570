#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Files of the host in a box."""
import fcntl
import os
import pty

from hostfd import *


@scenario
def file_is_read_and_written(way):
    mine = file(b"0123456789")
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 4), b"0123")
    same(a.write(fd, [b"abc"]), 3)
    same(a.readv(fd, [1, 1, 100]), b"789")
    same(a.read(fd, 10), b"")
    same(a.pread(fd, 100, 2), b"23abc789")
    same(a.preadv(fd, [2, 3], 1), b"123ab")
    same(a.pread(fd, 1, 1000), b"")
    same(a.pwrite(fd, [b"XY", b"Z"], 0), 3)
    same(a.write(fd, [b"!", b"", b"?"]), 2)
    same(content(mine), b"XYZ3abc789!?")
    same(a.pread(fd, 1, -1), "EINVAL")
    same(a.read(fd, 0), b"")
    same(a.write(fd, [b""]), 0)


@scenario
def file_offset_is_shared_with_the_host(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)
    same(os.read(mine, 50), pattern(150)[100:])
    same(a.lseek(fd, 0, os.SEEK_CUR), 150)
    same(a.pread(fd, 10, 500), pattern(510)[500:])
    same(a.pwrite(fd, [b"x"], 999), 1)
    same(os.lseek(mine, 0, os.SEEK_CUR), 150)
    same(a.lseek(fd, -10, os.SEEK_END), 990)
    same(os.read(mine, 100), pattern(999)[990:] + b"x")
    same(a.lseek(fd, 5, os.SEEK_SET), 5)
    same(a.dup(fd), 3)
    same(a.read(3, 2), pattern(7)[5:])
    same(a.child("read", fd, 2), pattern(9)[7:])
    same(a.lseek(fd, 0, os.SEEK_CUR), 9)
    same(a.write(fd, [b"--"]), 2)
    same(os.lseek(mine, 0, os.SEEK_CUR), 11)
    same(a.lseek(fd, 5000, os.SEEK_SET), 5000)
    same(a.read(fd, 1), b"")
    same(a.lseek(fd, -1, os.SEEK_SET), "EINVAL")
    same(a.lseek(fd, 0, 99), "EINVAL")


@scenario
def file_with_holes(way):
    mine = file()
    os.ftruncate(mine, 1 << 20)
    os.pwrite(mine, b"x" * 4096, 512 << 10)
    a, fd = way.start(os.dup(mine))
    same(a.lseek(fd, 0, os.SEEK_DATA), os.lseek(mine, 0, os.SEEK_DATA))
    same(a.lseek(fd, 0, os.SEEK_HOLE), os.lseek(mine, 0, os.SEEK_HOLE))
    same(a.lseek(fd, 2 << 20, os.SEEK_DATA), "ENXIO")
    same(a.pread(fd, 10, (512 << 10) - 5), bytes(5) + b"xxxxx")
    same(a.pwrite(fd, [b"far"], 5 << 30), 3)
    same(os.fstat(mine).st_size, (5 << 30) + 3)
    same(a.pread(fd, 10, 5 << 30), b"far")


@scenario
def file_of_megabytes(way):
    mine = file()
    a, fd = way.start(os.dup(mine))
    same(a.fill(fd, 3 << 20), 3 << 20)
    same(content(mine) == pattern(3 << 20), True)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(len(a.read(fd, 1 << 20)), 1 << 20)
    same(os.lseek(mine, 0, os.SEEK_CUR), 1 << 20)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.drain(fd, 4 << 20), (3 << 20, 0))


@scenario
def file_that_is_appended_to(way):
    mine = file(b"first", os.O_RDWR | os.O_APPEND)
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_APPEND, os.O_APPEND)
    same(a.write(fd, [b" second"]), 7)
    os.write(mine, b" third")
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.write(fd, [b" fourth"]), 7)
    same(a.pwrite(fd, [b"!"], 0), 1)
    same(content(mine), b"first second third fourth!")


@scenario
def append_is_set_by_fcntl(way):
    mine = file(b"first")
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_APPEND), 0)
    same(a.write(fd, [b" second"]), 7)
    same(a.lseek(fd, 0, os.SEEK_SET), 0)
    same(a.write(fd, [b" third"]), 6)
    same(content(mine), b"first second third")


@scenario
def append_is_cleared_by_fcntl(way):
    mine = file(b"first", os.O_RDWR | os.O_APPEND)
    a, fd = way.start(os.dup(mine))
    same(a.fcntl(fd, fcntl.F_SETFL, 0), 0)
    same(a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_APPEND, 0)
    same(a.write(fd, [b"F"]), 1)
    same(content(mine), b"First")


@scenario
def file_sizes(way):
    mine = file(pattern(100))
    a, fd = way.start(os.dup(mine))
    same(a.ftruncate(fd, 10), 0)
    same(content(mine), pattern(10))
    same(a.fstat(fd).size, 10)
    same(a.ftruncate(fd, 20), 0)
    same(content(mine), pattern(10) + bytes(10))
    same(a.ftruncate(fd, -1), "EINVAL")
    os.ftruncate(mine, 7)
    same(a.fstat(fd).size, 7)
    same(a.lseek(fd, 0, os.SEEK_END), 7)
    same(a.fallocate(fd, 0, 0, 8192), 0)
    same(os.fstat(mine).st_size, 8192)
    same(a.fallocate(fd, 1, 0, 16384), 0)       # FALLOC_FL_KEEP_SIZE
    same(a.fstat(fd).size, 8192)
    same(a.fallocate(fd, 3, 0, 4), 0)           # and FALLOC_FL_PUNCH_HOLE
    same(content(mine)[:8], bytes(4) + pattern(7)[4:] + b"\0")
    same(a.fallocate(fd, 0, 0, 0), "EINVAL")
    same(a.fsync(fd), 0)
    same(a.fdatasync(fd), 0)


@scenario
def file_opened_again_has_an_offset_of_its_own(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    other = a.open("/proc/self/fd/%d" % fd, os.O_RDWR)
    same(a.read(other, 10), pattern(10))
    same(a.lseek(other, 0, os.SEEK_CUR), 10)
    same(a.write(other, [b"!"]), 1)
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)
    same(content(mine)[:12], pattern(10) + b"!" + pattern(12)[11:])


@scenario
def file_opened_again_to_be_truncated_and_appended_to(way):
    mine = file(pattern(1000))
    a, fd = way.start(os.dup(mine))
    same(a.read(fd, 100), pattern(100))
    other = a.open("/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_APPEND)
    same(a.write(other, [b"end"]), 3)
    same(content(mine)[990:], pattern(1000)[990:] + b"end")
    other = a.open("/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_TRUNC)
    same(content(mine), b"")
    same(a.write(other, [b"new"]), 3)
    same(content(mine), b"new")


@scenario
def advice_is_taken(way):
    a, fd, p = way.start(file(pattern(10000)), pipe()[0])
    for advice in range(6):
        same(a.fadvise(fd, 0, 0, advice), 0)


@scenario
def access_mode_is_kept(way):
    a, r, w = way.start(file(b"abc", os.O_RDONLY), file(b"abc", os.O_WRONLY))
    same([a.fcntl(fd, fcntl.F_GETFL, 0) & os.O_ACCMODE for fd in (r, w)], [os.O_RDONLY, os.O_WRONLY])
    same(a.write(r, [b"x"]), "EBADF")
    same(a.pwrite(r, [b"x"], 0), "EBADF")
    same(a.read(w, 1), "EBADF")
    same(a.ftruncate(r, 0), "EINVAL")
    same(a.fallocate(r, 0, 0, 1), "EBADF")
    same(a.read(r, 5), b"abc")
    same(a.write(w, [b"x"]), 1)


def the_same_stat(a, fd, mine):
    st, got = os.fstat(mine), a.fstat(fd)
    same(got, Stat(st.st_mode, st.st_size, st.st_ino, st.st_nlink, st.st_rdev, st.st_mtime_ns))


@scenario
def stat_is_the_hosts(way):
    f, (r, w), (master, slave) = file(pattern(777)), pipe(), pty.openpty()
    null, m = os.open("/dev/null", os.O_RDWR), os.memfd_create("m")
    mine = [f, r, w, slave, null, m]
    a, *fds = way.start(*map(os.dup, mine))
    for fd, here in zip(fds, mine):
        the_same_stat(a, fd, here)
    os.write(f, b"more")
    the_same_stat(a, fds[0], f)
    same(a.write(fds[0], [b"x" * 1000]), 1000)
    the_same_stat(a, fds[0], f)


@scenario
def stat_of_a_socket_and_an_eventfd(way):
    s, other = pair()
    e = os.eventfd(0)
    a, sock, event = way.start(os.dup(s.fileno()), os.dup(e))
    same(a.fstat(sock).mode & 0o170000, 0o140000)
    same(a.fstat(event).mode & 0o170000, os.fstat(e).st_mode & 0o170000)
    other.close()


@in_box
def mode_and_owner_here_are_the_guests_own(way):
    mine = file(b"abc")
    was = os.fstat(mine).st_mode
    a, fd = way.start(os.dup(mine))
    same(a.fchmod(fd, 0o777), 0)
    same(a.fstat(fd).mode & 0o777, 0o777)
    same(os.fstat(mine).st_mode, was)


@scenario
def bytes_of_a_file_are_sent(way):
    mine, other, (r, w) = file(pattern(1000)), file(), pipe()
    s, theirs = pair()
    a, fd, to, out, sock = way.start(os.dup(mine), os.dup(other), w, theirs)
    same(a.sendfile(out, fd, 100, 50), [50, 150])
    same(read(r), pattern(150)[100:])
    same(a.sendfile(sock, fd, 0, 1000), [1000, 1000])
    same(s.recv(2000), pattern(1000))
    same(a.sendfile(to, fd, 990, 100), [10, 1000])
    same(content(other), pattern(1000)[990:])
    same(a.sendfile(out, fd, 1000, 1), [0, 1000])
    same(os.lseek(mine, 0, os.SEEK_CUR), 0)
    same(a.open("/etc/passwd", os.O_RDONLY), 3)
    n = a.fstat(3).size
    same(a.sendfile(out, 3, 0, n), [n, n])
    same(len(read_all(r, n)), n)


@scenario
def bytes_are_sent_from_where_the_file_is(way):
    mine, (r, w) = file(pattern(1000)), pipe()
    a, fd, out = way.start(os.dup(mine), w)
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.sendfile(out, fd, -1, 50), [50, -1])
    same(read(r), pattern(150)[100:])
    same(os.lseek(mine, 0, os.SEEK_CUR), 150)


@scenario
def splice_by_a_pipe_of_the_guest(way):
    mine, other, (r, w), (r2, w2) = file(pattern(500)), file(), pipe(), pipe()
    s, theirs = pair()
    a, fd, to, src, dst, sock = way.start(os.dup(mine), os.dup(other), r, w2, theirs)
    pr, pw = a.pipe()
    same(a.splice(fd, 10, pw, -1, 100, 0), 100)
    same(a.splice(pr, -1, dst, -1, 100, 0), 100)
    same(read(r2), pattern(110)[10:])
    os.write(w, b"through pipes")
    same(a.splice(src, -1, pw, -1, 100, 0), 13)
    same(a.splice(pr, -1, to, 3, 100, 0), 13)
    same(content(other), b"\0\0\0through pipes")
    s.send(b"by a socket")
    same(a.splice(sock, -1, pw, -1, 100, 0), 11)
    same(a.splice(pr, -1, sock, -1, 100, 0), 11)
    same(s.recv(100), b"by a socket")
    same(a.splice(src, -1, pw, -1, 100, 2), "EAGAIN")       # SPLICE_F_NONBLOCK


@scenario
def splice_from_where_the_file_is(way):
    mine = file(pattern(500))
    a, fd = way.start(os.dup(mine))
    pr, pw = a.pipe()
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.splice(fd, -1, pw, -1, 100, 0), 100)
    same(a.read(pr, 1000), pattern(200)[100:])
    same(os.lseek(mine, 0, os.SEEK_CUR), 200)
    same(a.write(pw, [b"new"]), 3)
    same(a.splice(pr, -1, fd, -1, 100, 0), 3)
    same(os.lseek(mine, 0, os.SEEK_CUR), 203)
    same(content(mine)[195:205], pattern(200)[195:] + b"new" + pattern(205)[203:])


@scenario
def offset_is_right_when_the_guest_has_closed_it(way):
    mine, (r, w) = file(pattern(500)), pipe()
    a, fd, out = way.start(os.dup(mine), w)
    pr, pw = a.pipe()
    same(a.splice(fd, -1, pw, -1, 100, 0), 100)
    same(a.close(fd), 0)
    same(os.lseek(mine, 0, os.SEEK_CUR), 100)


@scenario
def ranges_of_files_are_copied(way):
    mine, other = file(pattern(1000)), file()
    a, fd, to = way.start(os.dup(mine), os.dup(other))
    same(a.copy_file_range(fd, 100, to, 0, 200, 0), 200)
    same(content(other), pattern(300)[100:])
    same(a.copy_file_range(fd, 950, to, 10, 200, 0), 50)
    same(content(other)[10:60], pattern(1000)[950:])
    same(a.copy_file_range(fd, 1000, to, 0, 1, 0), 0)


@scenario
def ranges_are_copied_from_where_the_files_are(way):
    mine, other = file(pattern(1000)), file()
    a, fd, to = way.start(os.dup(mine), os.dup(other))
    same(a.lseek(fd, 100, os.SEEK_SET), 100)
    same(a.copy_file_range(fd, -1, to, -1, 200, 0), 200)
    same(a.write(to, [b"behind"]), 6)
    same(content(other), pattern(300)[100:] + b"behind")
    same([os.lseek(x, 0, os.SEEK_CUR) for x in (mine, other)], [300, 206])
    same(a.read(fd, 10), pattern(310)[300:])


@scenario
def bytes_are_sent_into_a_file_of_the_guest(way):
    mine = file(pattern(100000))
    a, fd = way.start(os.dup(mine))
    own = a.open("/var/tmp", os.O_RDWR | os.O_TMPFILE)
    if own == "EOPNOTSUPP":     # by overlayfs, natively
        own = a.open("/tmp", os.O_RDWR | os.O_TMPFILE)
    same(a.sendfile(own, fd, -1, 200000), [100000, -1])
    same(os.lseek(mine, 0, os.SEEK_CUR), 100000)
    same(a.pread(own, 10, 99990), pattern(100000)[99990:])
    same(a.lseek(fd, 5, os.SEEK_SET), 5)
    same(a.sendfile(own, fd, -1, 10), [10, -1])
    same(a.pread(own, 10, 100000), pattern(15)[5:])
    same(a.read(fd, 5), pattern(20)[15:])


main()
