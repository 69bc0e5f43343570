#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A guest that takes all that it can have of something. The host answers meanwhile, SIGTERM ends the
box, and nothing is left of it: no process, no file, no control group."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

MIB = 1 << 20


def traces():
    """What a box could leave behind."""
    found = []
    for directory in ("/dev/shm", "/tmp", "/var/tmp", "/dev/mqueue", "/run", TMP):
        if os.path.isdir(directory):
            found += [directory + "/" + name for name in os.listdir(directory)]
    mine = [name for name in found if os.path.lexists(name) and is_mine(name)]
    return sorted(mine), control_groups(), ipc()


def is_mine(name):
    """Other tests may run beside this one."""
    return name.startswith(TMP) or "hbox" in name or ("kbox" in name and not os.path.basename(name).startswith("kbox-test."))


def control_groups():
    return sum(1 for path, _, _ in os.walk("/sys/fs/cgroup") if "kbox" in path)


def ipc():
    return [open("/proc/sysvipc/" + kind).read() for kind in ("shm", "sem", "msg") if os.path.exists("/proc/sysvipc/" + kind)]


def host_answers():
    """A process and an open file can be had."""
    try:
        with open("/etc/passwd"):
            return subprocess.run([*USER, "true"], timeout=LIMIT).returncode == 0
    except OSError:
        return False


def bomb(kind, memory=64, **more):
    with Box(PROGRAM, "bomb", kind, memory="%dM" % memory, **more) as b:
        full = b.wait_for(b"full") or b.process.poll() == 120   # or its kernel has no way on without memory
        answers = host_answers()
        pids = processes()
        used, _ = memory_file(pids)
        anonymous = sum(int((field(p, "RssAnon") or "0").split()[0]) * 1024 for p in pids)
        b.term()
        status = b.wait()
        check(full and answers, kind + ": the host answers", full, answers, status, b.lines())
        check(used <= bound(memory) and anonymous <= 16 * MIB + len(pids) * 2 * MIB, kind + ": no more memory than the box has",
              used, anonymous, len(pids))
        check(status is not None and status >= 0 and soon(lambda: not processes()), kind + ": SIGTERM ends the box, and all of it",
              status, processes(), b.lines())


before = traces()
image_before = os.stat(IMAGE)
for kind in ("forks", "threads", "anonymous", "tmpfs", "descriptors", "pipes", "signals", "kicks", "disk"):
    bomb(kind)
check(unchanged(image_before), "the image is as it was")
own = TMP + "/image"
subprocess.run(["cp", "--sparse=always", IMAGE, own], check=True)
os.chmod(own, 0o666)
size = os.stat(own).st_size
bomb("disk", image=own)
check(os.stat(own).st_size == size and os.stat(own).st_blocks * 512 <= size + MIB, "an image that is full is no larger")
os.unlink(own)
after = traces()
check(after == before, "nothing is left behind", before, after)
done()
