#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The devices have to do with a driver that gives them no rest, or nonsense. The supervisor ends the box
all the same, and at once: it has no need of the time that it gives to a box that does not want to end."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

before = os.stat(IMAGE)


def ends(name, *words, **more):
    """The guest's kernel has said that the box is at its end, with status 7."""
    with Box(PROGRAM, *words, **more) as b:
        status = b.wait()
        check(status == 7 and not any("did not end" in line for line in b.lines()), name, status, b.lines())


ends("requests without end", "reads")
ends("requests without end for entropy", "entropy")
for kind, what in (("11", "discards"), ("13", "zeroes to be written")):
    for sectors in ("0x80000", "0xffffffff", "1"):
        ends("254 segments of %s, of %s sectors, without end" % (what, sectors), "discards", kind, sectors)
own = TMP + "/image"
shutil.copyfile(IMAGE, own)
os.chmod(own, 0o666)
ends("the same in an image that is written to", "discards", "13", "0x80000", image=own)
ends("chains and rings that are none", "chains")
ends("statuses and resets without end, between requests", "statuses")
check(unchanged(before), "the image is as it was")

# SIGTERM is heard whatever comes from the guest.
for attack in ("flood", "nokernel", "exits"):
    with Box(PROGRAM, attack) as b:
        ready = b.wait_for(b"ready")
        time.sleep(0.5)
        b.term()
        status = b.wait()
        check(ready and status is not None, "SIGTERM ends a box in spite of: " + attack, status, b.lines())
check(soon(lambda: not processes()), "none is left", processes())
done()
