#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Other processes of the user are none that a guest's kernel can reach: not by a signal, and not by a trick."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403


def spares(words, name, command="call", title=None):
    """A bystander, whose number PID is in the words, takes no harm; the box ends by this call's name, or it was none."""
    with Bystander() as other:
        line = [w.replace("PID", str(other.pid)) for w in words.split()]
        status, lines = run(PROGRAM, command, *line)
        harm = other.harm()
        check(not harm and was_refused(status, lines, name), title or words, harm, status, lines)


# Signals to those that are not of the box.
for sig in (9, 19, 23, 0):
    spares("kill PID %d" % sig, "kill")
for sig in (9, 15, 19, 10, 0):
    spares("tgkill PID PID %d" % sig, "tgkill")
for sig in (34, 64, -1, 1 << 32 | 9):
    spares("tgkill PID PID %d" % sig, "tgkill")
for sig in (9, 23):
    spares("tkill PID %d" % sig, "tkill")
spares("rt_sigqueueinfo PID 10 page", "rt_sigqueueinfo")
spares("rt_tgsigqueueinfo PID PID 10 page", "rt_tgsigqueueinfo")
spares("kill -1 9", "kill", title="kill(-1): of all processes that the user has")
spares("kill 0 9", "kill", title="kill(0): of the box's group")

# What the kernel sends its own threads, sent to others: by each way in which a host keeps them in the box. Where
# it has none, these are signals that nobody hears who has not asked for them, and the only ones.
NONE = "landlock,user-notif"
for hide in ("", "landlock", NONE):
    for who, ids in (("another process", "PID PID"), ("another process as a thread of its own", "pid PID"),
                     ("its own number in another process", "PID pid")):
        with Bystander() as other:
            words = ("tgkill %s 23 , tgkill %s 28" % (ids, ids)).replace("PID", str(other.pid)).split()
            status, lines = run(PROGRAM, "call", *words, env={"KBOX_HIDE": hide})
            got = [r for _, r in results(lines)]
            reached = hide == NONE and ids == "PID PID"
            check(other.harm() == ("signals 8400000" if reached else "") and len(got) == 2 and
                  all(r == 0 if reached else r in (-1, -3) for r in got),
                  "tgkill of %s%s" % (who, hide and " without " + hide), other.harm(), status, lines)
    if hide:
        with Bystander() as other:
            status, lines = run(PROGRAM, "call", "tgkill", str(other.pid), str(other.pid), "9", env={"KBOX_HIDE": hide})
            check(not other.harm() and (was_refused(status, lines) or hide == NONE and was_killed(status, lines)),
                  "tgkill with signal 9 without " + hide, other.harm(), status, lines)
status, lines = run(PROGRAM, "call", *"tgkill pid pid 23 , tgkill pid pid 28".split())
check(status == 0 and results(lines) == [("tgkill", 0)] * 2, "tgkill of the box's own thread", status, lines)
# It has no stack for signals, which may be its end and the box's.
status, lines = run(PROGRAM, "call", *"tgkill pid thread 23 , tgkill pid pid 23".split())
check(not any(r for _, r in results(lines)) and not was_refused(status, lines), "tgkill of one that the guest has made", status, lines)

# Other ways in.
spares("ptrace 16 PID 0 0", "ptrace")
spares("process_vm_readv PID page 1 page 1 0", "process_vm_readv")
spares("process_vm_writev PID page 1 page 1 0", "process_vm_writev")
spares("pidfd_open PID 0", "pidfd_open")
spares("setpgid PID 0", "setpgid")
spares("setpriority 0 PID 19", "setpriority")
spares("sched_setaffinity PID 8 page", "sched_setaffinity")
spares("prlimit64 PID 7 page 0", "prlimit64")
spares("kcmp pid PID 0 0 0", "kcmp")
spares("get_robust_list PID page page", "get_robust_list")
spares("move_pages PID 0 0 0 0 0", "move_pages")
spares("ioprio_set 1 PID 0", "ioprio_set")

# Not from a kernel's text that the guest has put in the place of its own, nor by other kinds of calls.
spares("getpid , kill PID 9", "kill", command="owntext", title="kill from a text that the guest has written")
for kind in ("int80", "compat"):
    with Bystander() as other:
        status, lines = run(PROGRAM, kind, "37", str(other.pid), "9")
        check(not other.harm() and status not in (None, 2) and "int80 = 0" not in lines, "an i386 call of kill (%s)" % kind, other.harm(), status, lines)
for nr in (0x40000000 + 62, 0x40000000 + 200, 0x40000000 + 39):
    with Bystander() as other:
        status, lines = run(PROGRAM, "call", str(nr), str(other.pid), "9")
        check(not other.harm() and (was_refused(status, lines) or was_killed(status, lines)), "x32 call %#x" % nr,
              other.harm(), status, lines)

# The supervisor.
for call in ("kill supervisor 19", "kill supervisor 9", "tkill supervisor 19", "tgkill supervisor supervisor 19"):
    with Box(PROGRAM, "call", *call.split()) as b:
        status = b.wait()
        check(was_refused(status, b.lines(), call.split()[0]), call, status, b.lines())
status, lines = run(PROGRAM, "call", *"tgkill supervisor supervisor 23 , tgkill supervisor supervisor 28".split())
check(all(r in (-1, -3) for _, r in results(lines)) and len(results(lines)) == 2,
      "tgkill of the supervisor with the kernel's own signals", status, lines)


def gone():
    return not processes()


# All of them die with the supervisor, whatever they have asked for.
refuses("prctl 1 0")
refuses("prctl 1 15")
with Box(PROGRAM, "orphan") as b:
    ready = b.wait_for(b"clones: ")
    before = len(processes())
    b.process.kill()
    b.process.wait()
    check(ready and before >= 3 and soon(gone),
          "a process that the guest has made without PR_SET_PDEATHSIG dies with the supervisor", before, processes(), b.lines())
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    soon(gone)
with Box(PROGRAM, "orphan") as b:
    b.wait_for(b"clones: ")
    b.term()
    status = b.wait()
    check(status is not None and gone(), "nor does it stay after an orderly end", status, processes(), b.lines())
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
with Box(PROGRAM, "deaf", options=()) as b:
    check(b.wait_for(b"ready"), "a thread that blocks all signals", b.lines())
    b.term()
    status = b.wait()
    check(status is not None and soon(gone), "SIGTERM ends its box", status, processes(), b.lines())

# How many there are.
with Box(PROGRAM, "clones", "400", options=("--max-processes", "40")) as b:
    ready = b.wait_for(b"clones: ") or b.process.poll() is not None
    most = len(processes())
    b.term()
    status = b.wait()
    check(ready and 3 <= most <= 40 + 64, "about as many processes as --max-processes allows", most, status, b.lines())
    check(soon(gone), "and none is left of them", processes())
done()
