#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Terminals of the host in a box."""
import fcntl
import os
import pty
import struct
import termios
import time

from hostfd import *


def raw(fd):
    t = termios.tcgetattr(fd)
    t[0] = t[1] = t[3] = 0
    termios.tcsetattr(fd, termios.TCSANOW, t)


def quiet(fd):
    t = termios.tcgetattr(fd)
    t[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, t)


@scenario
def terminal_is_one(way):
    (master, slave), (r, _) = pty.openpty(), pipe()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    a, fd, p, f, s = way.start(os.dup(slave), r, file(), pair()[1])
    same(a.isatty(fd), 1)
    same([a.isatty(x) for x in (p, f, s)], ["ENOTTY"] * 3)
    same(a.winsize(fd), (31, 97))
    same(a.set_winsize(fd, 10, 20), 0)
    same(struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, bytes(8)))[:2], (10, 20))
    same(a.winsize(p), "ENOTTY")


@scenario
def terminal_settings(way):
    master, slave = pty.openpty()
    a, fd = way.start(os.dup(slave))
    was = a.tcgetattr(fd)
    same(was[1:5], termios.tcgetattr(slave)[:4])
    lflag = was[4] & ~(termios.ECHO | termios.ICANON)
    for when in (termios.TCSANOW, termios.TCSADRAIN, termios.TCSAFLUSH):
        same(a.tcsetattr(fd, when, was[1], was[2], was[3], lflag, was[5]), 0)
        same(termios.tcgetattr(slave)[3], lflag)
        same(a.tcgetattr(fd), was[:4] + [lflag] + was[5:])
        same(a.tcsetattr(fd, when, *was[1:]), 0)
        same(a.tcgetattr(fd), was)
    same(a.tcdrain(fd), 0)
    same(a.tcflush(fd, termios.TCIOFLUSH), 0)


@scenario
def terminal_is_read_by_lines(way):
    master, slave = pty.openpty()
    quiet(slave)
    a, fd = way.start(slave)
    os.write(master, b"helxx\x7f\x7flo")
    same(poll_one(a, fd, IN), 0)
    a.begin("read", fd, 100)
    true(a.busy(), "it waits for the end of the line")
    os.write(master, b"\nnext\n")
    same(a.end(), b"hello\n")
    same(poll_one(a, fd, IN, -1), IN)
    same(a.read(fd, 3), b"nex")
    same(a.read(fd, 3), b"t\n")
    os.write(master, b"\x04")
    same(a.read(fd, 3), b"")
    same(a.write(fd, [b"a\n"]), 2)
    same(read(master), b"a\r\n")


@scenario
def terminal_is_read_raw(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(slave)
    ep = epoll(a, fd=(fd, IN | ET))
    os.write(master, b"x")
    same(a.epoll_wait(ep, -1), [(fd, IN)])
    same(a.read(fd, 100), b"x")
    same(a.epoll_wait(ep, 5), [])
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.write(master, b"\x03\x1a")
    same(a.end(), b"\x03\x1a")
    same(a.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK), 0)
    same(a.read(fd, 1), "EAGAIN")
    os.close(master)
    same(a.read(fd, 1), b"")
    same(poll_one(a, fd, IN) & HUP, HUP)
    same(a.write(fd, [b"x"]), "EIO")


@scenario
def terminal_of_which_the_guest_is_the_master(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(master)
    same(a.isatty(fd), 1)
    same(a.write(fd, [b"typed"]), 5)
    same(read(slave), b"typed")
    os.write(slave, b"shown")
    same(a.read(fd, 100), b"shown")
    a.begin("read", fd, 100)
    true(a.busy(), "it waits")
    os.close(slave)
    same(a.end(), "EIO")


@scenario
def terminal_that_takes_no_more(way):
    master, slave = pty.openpty()
    raw(slave)
    os.write(slave, b"odd")
    a, fd = way.start(slave)
    same(a.later(0, "fill", fd, 200000), 0)
    time.sleep(MOMENT)
    goes_on(a)
    same(read_all(master, 200003) == b"odd" + pattern(200000), True)


@scenario
def terminal_that_is_stopped(way):
    master, slave = pty.openpty()
    raw(slave)
    a, fd = way.start(os.dup(slave))
    termios.tcflow(slave, termios.TCOOFF)
    same(poll_one(a, fd, OUT), 0)
    same(a.later(0, "write", fd, b"held"), 0)
    nothing_comes(master)
    goes_on(a)
    termios.tcflow(slave, termios.TCOON)
    same(read(master), b"held")


@in_box
def nothing_is_typed_into_the_hosts_terminal(way):
    master, slave = pty.openpty()
    a, fd = way.start(os.dup(slave))
    true(a.ioctl_int(fd, termios.TIOCSTI, ord("x")) in ("EPERM", "EIO", "ENOTTY", "EINVAL"), "TIOCSTI is refused")
    true(a.ioctl_int(fd, 0x541c, 2) in ("EPERM", "EIO", "ENOTTY", "EINVAL"), "TIOCLINUX is refused")
    nothing_comes(slave)
    same(a.isatty(fd), 1)


main()
