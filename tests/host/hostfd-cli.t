#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""--fd on the command line, and programs that know nothing of it."""
import fcntl
import os
import resource
import socket
import subprocess

from hostfd import *


def run_box(fds, *command, options=(), **more):
    """(status, output, errors) of a command in a box"""
    p = subprocess.run(box_command(fds, *options) + list(command), pass_fds=[n for n, _ in fds if n > 2], timeout=LIMIT,
                       **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})
    return p.returncode, p.stdout, p.stderr


def said(fds, script, **more):
    """What a shell in the box says, with our descriptors as these of its own."""
    status, out, err = run_box(fds, "/bin/bash", "-c", script, **more)
    true(status == 0 and not err, "status %d, %r" % (status, err))
    return out.decode()


@in_box
def number_is_kept(way):
    r, w = pipe()
    os.write(w, b"hello\n")
    os.close(w)
    os.dup2(r, 77)
    p = subprocess.run(box_command((), "--fd", "77") + ["/bin/bash", "-c", "cat <&77"], pass_fds=(77,), capture_output=True, timeout=LIMIT)
    same((p.returncode, p.stdout), (0, b"hello\n"))


@in_box
def same_descriptor_twice(way):
    r, w = pipe()
    same(said([(w, 7), (w, 8)], "grep -c . /proc/hostfds; grep '^%d ' /proc/hostfds; echo a >&7; echo b >&8" % w), "4\n%d 1\n" % w)
    os.close(w)
    same(read_all(r, 100), b"a\nb\n")


@in_box
def one_of_two_goes_on(way):
    r, w = pipe()
    p = subprocess.Popen(box_command([(w, 7), (w, 8)]) + ["/bin/sh", "-c", "exec 7>&-; read x; echo b >&8; exec 8>&-; read x"],
                         stdin=subprocess.PIPE, pass_fds=(w,))
    os.close(w)
    nothing_comes(r)
    p.stdin.write(b"\n")
    p.stdin.flush()
    same(read(r), b"b\n")
    true(ends(r), "the end is seen while the box goes on")
    same(p.poll(), None)
    p.communicate(b"\n", timeout=PATIENCE)
    same(p.returncode, 0)


@in_box
def descriptor_instead_of_stdio(way):
    (r, w), (out, theirs), (r2, w2) = pipe(), pipe(), pipe()
    os.write(w2, b"input\n")
    os.close(w2)
    p = subprocess.Popen(box_command([(w, 1), (r2, 0)]) + ["/bin/sh", "-c", "cat; echo to the pipe; exec 1>&-; sleep 600"],
                         stdin=subprocess.DEVNULL, stdout=theirs, pass_fds=(w, r2))
    os.close(w)
    os.close(theirs)
    same(read_all(r, 18), b"input\nto the pipe\n")
    true(ends(r), "the end is seen while the box goes on")
    true(ends(out), "what it replaces is closed")
    same(p.poll(), None)
    p.terminate()
    p.wait(PATIENCE)


@in_box
def stdio_at_another_number(way):
    same(said([(1, 9)], "echo x >&9; echo y"), "x\ny\n")
    same(said([(0, 9)], "cat <&9", stdin=file(b"input\n")), "input\n")
    r, w = pipe()
    same(said([(w, 1), (1, 9)], "echo to the pipe; echo to stdout >&9"), "to stdout\n")
    os.close(w)
    same(read_all(r, 100), b"to the pipe\n")


@in_box
def stdio_is_exchanged(way):
    status, out, err = run_box([(1, 2), (2, 1)], "/bin/sh", "-c", "echo out; echo err >&2")
    same((status, out, err), (0, b"err\n", b"out\n"))


@in_box
def descriptors_are_exchanged(way):
    (r, w), (r2, w2) = pipe(), pipe()
    said([(w, w2), (w2, w)], "echo first >&%d; echo second >&%d" % (w2, w))
    os.close(w)
    os.close(w2)
    same((read_all(r, 100), read_all(r2, 100)), (b"first\n", b"second\n"))


@in_box
def high_numbers(way):
    r, w = pipe()
    same(said([(w, 900), (w, 2000), (w, 65535)], "echo a >&900; echo b >&2000; echo c >&65535; ulimit -n"), "1024\n")
    os.close(w)
    same(read_all(r, 100), b"a\nb\nc\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    r, w = pipe()
    high = fcntl.fcntl(w, fcntl.F_DUPFD, 3000)
    same(said([(high, 7)], "echo a >&7; grep -c '^3000 1$' /proc/hostfds"), "1\n")
    same(read(r), b"a\n")


@in_box
def many_are_given(way):
    pipes = [pipe() for _ in range(100)]
    same(said([(w, 100 + i) for i, (_, w) in enumerate(pipes)],
              "for i in $(seq 100 199); do echo $i >&$i; done; grep -c ' 1$' /proc/hostfds"), "103\n")
    same([read(r) for r, _ in pipes], [b"%d\n" % (100 + i) for i in range(100)])


@in_box
def command_without_rights(way):
    r, w = pipe()
    same(said([(w, 7)], "echo a >&7; echo b >/proc/self/fd/7; id -u", options=("--change-id", "1000:1000")), "1000\n")
    same(read_all(r, 4), b"a\nb\n")


@in_box
def descriptors_are_not_closed_by_exec(way):
    r, w = pipe()
    same(said([(w, 7)], "exec /bin/sh -c 'exec /bin/sh -c \"echo x >&7\"'"), "")
    same(read(r), b"x\n")


@in_box
def box_ends_and_all_is_closed(way):
    (r, w), (s, theirs) = pipe(), pair()
    same(said([(w, 7), (theirs.fileno(), 8)], "true"), "")
    os.close(w)
    theirs.close()
    true(ends(r) and ends(s.fileno()), "the ends are seen")


def refused(*options, fds=()):
    p = subprocess.run(box_command((), *options) + ["/bin/echo", "runs"], pass_fds=fds, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=LIMIT)
    same((p.returncode, p.stdout, p.stderr[:6]), (125, b"", b"kbox: "), "kbox %r" % (options,))
    return p.stderr.decode()


@in_box
def what_cannot_be_given(way):
    for fd in (3, 4, 5, 6, 7, 8, 9, 66):        # some of them would be kbox's own
        true("not open" in refused("--fd", "%d" % fd), "it is not open")
        true("not open" in refused("-d", "--fd", "%d" % fd), "nor is it in the background")
    for flags in (os.O_RDONLY, os.O_PATH):
        fd = os.open("/", flags)
        true("directory" in refused("--fd", "%d:7" % fd, fds=(fd,)), "a directory")
    for bad in ("", "x", "5x", "5:", ":5", "5:6:7", "-1", "5:-1", " 5", "5: 6", "65536", "5:65536", "99999999999", "5:99999999999", "0x5",
                "18446744073709551617", "5:18446744073709551617"):
        true("--fd " + bad in refused("--fd", bad), "it says what")
    true("--fd" in refused("--fd", "1:7", "--fd", "2:7"), "a number of the command's, twice")


@in_box
def stdio_that_is_closed_cannot_be_given(way):
    p = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&-', "sh"] + box_command([], "--fd", "0:7") + ["/bin/true"],
                       capture_output=True, timeout=LIMIT)
    same(p.returncode, 125)
    true(b"not open" in p.stderr, repr(p.stderr))

# Programs that know nothing of it.

@in_box
def tool_does_one_thing(way):
    r, w = pipe()
    same(run_box([(w, 7)], "/tests/hostfd-m", "write", "7", "6869"), (0, b"2\n", b""))
    same(run_box([(w, 7)], "/tests/hostfd-g", "read", "7", "1"), (1, b"-9\n", b""))
    same(read(r), b"hi")


@in_box
def many_processes_write_lines(way):
    r, w = pipe()
    script = "for i in {1..8}; do for j in {1..200}; do echo $i-$j; done >&7 & done; wait"
    p = subprocess.Popen(box_command([(w, 7)]) + ["/bin/bash", "-c", script], pass_fds=(w,), stdin=subprocess.DEVNULL)
    os.close(w)
    lines = read_all(r, 1 << 20).decode().split()
    same(sorted(lines), sorted("%d-%d" % (i, j) for i in range(1, 9) for j in range(1, 201)))
    same(p.wait(PATIENCE), 0)


@in_box
def shells_use_them(way):
    (r, w), f, (s, theirs) = pipe(), file(b"a\nb\nc\n"), pair()
    script = "while read -r x <&7; do echo \"<$x>\"; done; head -c 3 <&9 >&8; printf done >&9"
    s.send(b"sock")
    same(said([(f, 7), (w, 8), (theirs.fileno(), 9)], script), "<a>\n<b>\n<c>\n")
    same((read(r), s.recv(10)), (b"soc", b"done"))


def passes(name):
    """A guest test, beside descriptors of the host, which are afterwards as they were."""
    (r, w), (r2, w2) = pipe(), pipe()
    status, out, err = run_box([(r, 5), (w, 6), (w2, 7)], "/bin/sh", "-c",
                               "cat /proc/hostfds; /tests/%s; s=$?; cat /proc/hostfds; echo still >&6; exit $s" % name)
    lines = out.decode().splitlines()
    counts = [x for x in lines if x.replace(" ", "").isdigit()]
    same(status, 0, name)
    same([x for x in lines if x.startswith("not ok")], [], name)
    true(any(x.startswith("ok") for x in lines), "%s has tested something: %r" % (name, out))
    same(counts, ["0 1", "1 1", "2 1"] + ["%d 1" % fd for fd in sorted((r, w, w2))] + counts[:len(counts) // 2][6:] + counts[:6], name)
    same(os.read(r, 10), b"still\n")


@in_box
def dup_test_beside_descriptors_of_the_host(way):
    for libc in "mg":
        passes("dup-test-" + libc)


@in_box
def clone3_test_beside_descriptors_of_the_host(way):
    for libc in "mg":
        passes("clone3-test-" + libc)


@in_box
def random_operations_by_way_of_the_host(way):
    a, b = pair(socket.SOCK_SEQPACKET)
    (r, w), f = pipe(), file()
    ops = os.environ.get("HOSTFD_OPS", str(100000 // min(SLOWNESS, 10)))
    status, out, err = run_box([(a.fileno(), 7), (b.fileno(), 8), (r, 9), (w, 10), (f, 11)], "/tests/hostfd-m", "random_operations",
                               options=("-e", "HOSTFD_LOOP=7,8", "-e", "HOSTFD_OPS=" + ops))
    same((status, out.splitlines()[-1:]), (0, [b"ok 1 - random_operations"]), repr(out + err))


main()
