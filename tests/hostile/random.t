#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random host calls from the kernel's text, and random words in guest memory, in many short boxes:
the same ones each time, or others for HOSTILE_SECONDS (half an hour, by hand, finds more). Meanwhile
nothing changes outside: processes of the same user, files, a terminal. In half of the boxes a refused
call is only reported (KBOX_FENCE=log), so that more come after it. HOSTILE_SEED is where the boxes'
seeds begin; a box's is said where something is found."""
import random
import select
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

MIB = 1 << 20
# So many boxes with the same seeds each time; or for so long, with others.
BOXES = 300
SECONDS = float(os.environ.get("HOSTILE_SECONDS", 0))
SEED = int(os.environ.get("HOSTILE_SEED", random.randrange(1 << 30) if SECONDS else 1))
AT_ONCE = 2
MEMORY = 64
print("# HOSTILE_SEED=%d" % SEED)


class Outside:
    """What must stay as it is."""

    def __init__(self):
        self.bystanders = [Bystander() for _ in range(3)]
        self.directory = TMP + "/canaries"
        os.mkdir(self.directory)
        for name in ("first", "second", ".hidden"):
            with open(self.directory + "/" + name, "w") as f:
                f.write(name * 10)
        subprocess.run(["chmod", "-R", "a+rwX", self.directory], check=True)
        self.master, self.slave = pty.openpty()
        os.write(self.master, b"typed for others\n")
        # The host's kernel brings it there when it comes to it.
        select.select([self.slave], [], [])
        self.image = os.stat(IMAGE)
        self.before = self.state()

    def files(self):
        seen = []
        for name in sorted(os.listdir(self.directory)):
            path = self.directory + "/" + name
            st = os.stat(path)
            with open(path) as f:
                seen.append((name, f.read(), st.st_mtime_ns, st.st_mode, st.st_uid, st.st_nlink))
        return seen

    def terminal(self):
        waiting = fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4)
        return termios.tcgetattr(self.slave), waiting

    def limits(self):
        """Of the bystanders: what others could have set."""
        found = []
        for b in self.bystanders:
            with open("/proc/%d/limits" % b.pid) as f:
                found.append((f.read(), os.getpriority(os.PRIO_PROCESS, b.pid), sorted(os.sched_getaffinity(b.pid)), os.getpgid(b.pid)))
        return found

    def state(self):
        return {
            "processes": [b.harm() for b in self.bystanders], "files": self.files(), "terminal": self.terminal(),
            "limits": self.limits(), "image": unchanged(self.image), "directory": sorted(os.listdir(TMP)),
            "shared memory": sorted(n for n in os.listdir("/dev/shm") if "kbox" in n),
        }

    def changed(self):
        """What is not as it was, before and now."""
        return [(k, self.before[k], now) for k, now in self.state().items() if now != self.before[k]]


outside = Outside()
worst = {"memory": 0, "anonymous": 0, "processes": 0}


def measure():
    pids = processes()
    used, _ = memory_file(pids)
    worst["memory"] = max(worst["memory"], used)
    worst["anonymous"] = max(worst["anonymous"], sum(int((field(p, "RssAnon") or "0").split()[0]) * 1024 for p in pids))
    worst["processes"] = max(worst["processes"], len(pids))


class Attack:
    """One box, with a seed that says what it does, and how it is ended."""

    def __init__(self, seed):
        self.seed = seed
        draw = random.Random(seed)
        self.kind = "scribble" if draw.random() < 0.2 else "random"
        self.log = draw.random() < 0.5
        self.by_term = draw.random() < 0.3
        self.box = Box(PROGRAM, self.kind, str(seed), "300" if self.kind == "random" else "20", terminal=draw.random() < 0.5,
                       memory="%dM" % MEMORY, env={"KBOX_FENCE": "log"} if self.log else None)
        self.end = time.monotonic() + 2 * SLOWNESS

    def over(self):
        while self.box.read(0):
            pass
        return self.box.process.poll() is not None or b"\ndone" in self.box.text or time.monotonic() > self.end

    def finish(self):
        """Whether it ends when it is told to."""
        if self.box.process.poll() is None:
            self.box.term() if self.by_term else self.box.process.kill()
        status = self.box.wait()
        self.box.__exit__()
        return status is not None

    def __str__(self):
        return "seed %d (%s, %s)" % (self.seed, self.kind, "KBOX_FENCE=log" if self.log else "as usual")


running, number, calls, refusals, found = [], 0, 0, 0, []
end = time.monotonic() + SECONDS


def more():
    return time.monotonic() < end if SECONDS else number < BOXES


while more() or running:
    while len(running) < AT_ONCE and more():
        running.append(Attack(SEED + number))
        number += 1
    time.sleep(0.05)
    measure()
    for attack in [a for a in running if a.over()]:
        running.remove(attack)
        text = attack.box.text
        if not attack.finish():
            found.append((str(attack), "does not end", text[-300:]))
        refusals += attack.box.text.count(b"which it may not")
        calls += sum(int(n) for n in re.findall(rb"round \d+: (\d+) calls", attack.box.text))
    if outside.changed():
        found.append(([str(a) for a in running], *outside.changed()))
        break
for attack in running:
    attack.finish()
print("# %d boxes, %d calls, %d of them refused; at most %s" % (number, calls, refusals, worst))
check(number > 0 and refusals > 0, "random calls are made, and some are refused", number, refusals)
check(not found, "nothing changes outside of the boxes, and each ends when it is told to", *found[:3])
check(not outside.changed(), "it is all as it was", *outside.changed())
check(worst["memory"] <= AT_ONCE * bound(MEMORY) and worst["anonymous"] <= worst["processes"] * 2 * MIB + 64 * MIB,
      "the boxes have had the memory that they were given", worst)
check(soon(lambda: not processes()), "no process is left", [(p, field(p, "State")) for p in processes()])
for b in outside.bystanders:
    b.process.kill()
done()
