#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boxes that stand still and are moved at any moment, with a program in them that notices what is lost (tests/guest/standstill.c).
SNAPSHOT_SEED begins with the same moments again, FULL=1 has more of them."""
import sys
import threading
sys.dont_write_bytecode = True
from snapshot import *  # noqa: E402,F403

MORE = 10 if FULL else 2


class Watched:
    """A box with that program, in the foreground, and what it says, wherever it goes on."""
    def __init__(self, name, program, options=(), parts=(), env=None):
        self.name, self.env, self.said, self.errors = name, env, [], b""
        self.file = name
        self.words = ["-e", "STANDSTILL_FILE=/tmp/stop", "-e", "KBOX_HOST_PID=1", "-e", "TAP_SECONDS=1000000", *options]
        self.watch(begin(*BOX[1:], "--name", name, *self.words, "--", "/tests/" + program, *parts, env=env))

    def watch(self, process):
        self.process = process
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for text in self.process.stdout:
            self.said.append(text)
        self.errors += self.process.stderr.read()

    def at_work(self):
        """Since now every part has done something."""
        n = self.said.count(b"# at work\n")
        return soon(lambda: self.said.count(b"# at work\n") > n + 1 or self.process.poll() is not None) and self.process.poll() is None

    def write(self):
        return snapshot(self.name, self.file, env=self.env)

    def move(self):
        stopped = snapshot(self.name, self.file, "--stop", env=self.env)
        status = end(self.process)
        self.thread.join(LIMIT)
        if stopped[0] == 0:
            self.watch(resume_here(self.name, self.file, env=self.env))
            soon(lambda: self.name in listed() or self.process.poll() is not None)
        return stopped, status

    def leave(self):
        """Its status, and the lines that are not as they should be."""
        execute(self.name, "touch /tmp/stop")
        status = end(self.process)
        self.thread.join(LIMIT)
        said = b"".join(self.said).splitlines()
        plan = int(next((text for text in said if text.startswith(b"1..")), b"1..0")[3:])
        good = sum(text.startswith(b"ok ") for text in said)
        bad = [text for text in said if not text.startswith((b"ok ", b"1..")) and text != b"# at work"]
        return status == 0 and not bad and plan == good > 0, (status, plan, good, bad[:10], self.errors[:300])


def moments(what, program, writes, moves, *arguments, **more):
    """Whether all are at work is asked now and then, since that takes longer than a move."""
    dice = random.Random(SEED)
    box = Watched(program, program, *arguments, **more)
    good = check(box.at_work(), what + ": all are at work", box.said[-5:], box.errors)
    for i in range(1, 1 + writes + moves):
        if not good:
            break
        time.sleep(dice.uniform(0, 0.3))
        result = box.write() if i <= writes else box.move()
        good = result == ((0, b"", b"") if i <= writes else ((0, b"", b""), 137))
        good = good and (not FULL and i % 5 and i not in (writes, writes + moves) or box.at_work())
        check(good, what + (": written, and on" if i <= writes else ": moved, and on"), i, result, box.said[-5:],
              box.errors, box.process.poll(), SEED)
    good, notes = box.leave() if box.process.poll() is None else (False, (box.said[-5:], box.errors))
    check(good, what + ": nothing is lost", notes, SEED)
    kill(box.name)


def calls_by_patched_sites():
    moments("rewrite", "standstill-m", 10, 10)


def calls_by_traps():
    moments("trap", "standstill-g", 1, MORE, ("--syscall-mode=trap",))


def hosts_that_lack_something():
    variants = ["fsgsbase,populate,vdso-clock", "dispatch"]
    if FULL:
        with tempfile.TemporaryFile() as none:
            said = subprocess.run([KBOX, "doctor"], stdin=none, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env={**os.environ, "KBOX_HIDE": "none"}).stderr.decode()
        variants += said.partition("there are")[2].strip().split(", ")
    for hidden in variants:
        moments("without " + hidden, "standstill-g", 0, MORE // 2, ("--syscall-mode=trap",) if hidden == "dispatch" else (),
                env={**os.environ, "KBOX_HIDE": hidden})


def is_one_of_many():
    """Boxes from one file at once, each of which has all that it had."""
    first = Watched("first", "standstill-g")
    check(first.at_work() and first.write() == (0, b"", b""), "many: a box is written")
    copies = []
    for i in range(4 if FULL else 2):
        copy = Watched.__new__(Watched)
        copy.name, copy.env, copy.said, copy.errors = "copy%d" % i, None, [], b""
        copy.watch(resume_here(copy.name, first.file))
        copies.append(copy)
    for box in [*copies, first]:
        good = box.at_work()
        execute(box.name, "touch /tmp/stop")
        status = end(box.process)
        box.thread.join(LIMIT)
        bad = [text for text in box.said if not text.startswith((b"ok ", b"1..")) and text != b"# at work\n"]
        check(good and status == 0 and not bad and any(text.startswith(b"ok 23 ") for text in box.said),
              "many: " + box.name, good, status, bad[:10], box.errors)
        kill(box.name)


if len(sys.argv) > 1:
    perform(*(globals()[name] for name in sys.argv[1:]))
perform(calls_by_patched_sites, calls_by_traps, hosts_that_lack_something, is_one_of_many)
