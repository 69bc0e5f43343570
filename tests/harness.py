# SPDX-License-Identifier: GPL-2.0-only
"""
What tests in Python share (tests/host, tests/hostile): what they are to run, and TAP.

BUILD, KBOX, IMAGE, SECONDS_LIMIT and KBOX_SLOWNESS in the environment are as for tests/run.
"""
import atexit
import os
import shutil
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", TOP + "/build")
KBOX = os.environ.get("KBOX", BUILD + "/kbox")
IMAGE = os.environ.get("IMAGE", BUILD + "/test.img")
SLOWNESS = int(os.environ.get("KBOX_SLOWNESS", 1))
# What takes longer hangs.
LIMIT = float(os.environ.get("SECONDS_LIMIT", 600 * SLOWNESS))
count = 0
failed = False


def check(good, name, *notes):
    global count, failed
    count += 1
    failed |= not good
    print("ok" if good else "not ok", count, "-", name)
    if not good:
        for note in notes:
            print("# " + (note if isinstance(note, str) else repr(note))[:600].replace("\n", "\n# "))
    sys.stdout.flush()
    return good


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why))


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def done():
    print("1..%d" % count)
    sys.exit(failed)


def soon(condition, seconds=LIMIT):
    """It comes true, after a while."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def temporary():
    """A directory that goes with the test."""
    directory = tempfile.mkdtemp(prefix="kbox-test.")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory
