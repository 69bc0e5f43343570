#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kbox --from with files that are damaged: a line and status 125, whatever it is. Those whose sums are right again are a guest's
doing: then any end is as good as another, but kbox's own by a signal."""
import struct
import sys
sys.dont_write_bytecode = True
from snapshot import *  # noqa: E402,F403

SMALL = [*BOX[:-1], "32M"]
HEAD, WORDS = 56, 64 << 10      # struct snapshot_head
PHYSICAL = 0x2000               # struct kbox_shared, in guest memory
dice = random.Random(SEED)


def make():
    result = start("work", box=SMALL)
    check(result == (0, b""), "a small box", result)
    result = snapshot("work", "whole", "--stop")
    check(result == (0, b"", b""), "its snapshot", result)
    result = resume("work", "whole")
    check(result == (0, b"") and execute("work", "exit 3")[0] == 3, "which is good", result)
    kill("work")
    compiler = subprocess.run(["cc", "-O2", "-Isrc", "-idirafter", "kernel/arch/kbox/include/uapi", "-o", TMP + "/sums",
                               "tests/host/snapshot-sums.c"], cwd=TOP, stderr=subprocess.PIPE)
    check(compiler.returncode == 0, "what makes sums anew", compiler.stderr.decode())


def size():
    return os.stat(file_of("whole")).st_size


def data_at():
    """A place in the file where there is something."""
    with open(file_of("whole"), "rb") as f:
        return os.lseek(f.fileno(), dice.randrange(size() - 4096), os.SEEK_DATA) + dice.randrange(4096)


def from_changed(change):
    """What --from says of a file that is changed in place and mended again."""
    with open(file_of("whole"), "r+b") as f:
        undo = change(f)
        f.flush()
        process = begin("--name", "damaged", "--from", file_of("whole"))
        result = ends(process)
        undo(f)
    return result


def put(at, data):
    def change(f):
        f.seek(at)
        was = f.read(len(data))
        f.seek(at)
        f.write(data)

        def undo(f):
            f.seek(at)
            f.write(was)
        return undo
    return change


def xor(at, bits):
    def change(f):
        byte = os.pread(f.fileno(), 1, at)
        return put(at, bytes([byte[0] ^ bits]))(f)
    return change


def check_refused(name, changes):
    bad = [(what, result) for what, change in changes for result in [from_changed(change)] if not refuses(result)]
    check(not bad, name, SEED, *bad[:5])


def whole():
    """It is as it was in between."""
    result = resume("work", "whole")
    check(result == (0, b""), "without a change it is good", result)
    kill("work")


def head():
    check_refused("each byte of the head", [((at, bits), xor(at, bits)) for at in range(HEAD) for bits in ([1, 0x80, 0xff] if FULL else
                                            [1 << dice.randrange(8)])])
    values = (0, 1, 0xffff, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 4096)
    check_refused("numbers of the head", [((at, value), put(at, struct.pack("=Q", value))) for at in range(16, HEAD, 8)
                                          for value in (values if FULL else dice.sample(values, 3))])


def anywhere():
    places = [dice.randrange(HEAD, WORDS) if n % 10 == 0 else data_at() for n in range(10000 if FULL else 120)]
    with open(file_of("whole"), "rb") as f:
        end_of_words = HEAD + struct.unpack("=I", os.pread(f.fileno(), 4, 20))[0]
    # Between the description and the memory there is nothing that counts.
    places = [at for at in places if not end_of_words <= at < WORDS]
    check_refused("bytes anywhere", [(at, xor(at, 1 << dice.randrange(8))) for at in places])
    check_refused("where there was nothing", [(at, put(at, b"\1")) for n in range(1000 if FULL else 10)
                                              for at in [WORDS + dice.randrange(size() - WORDS)]
                                              if not byte_at(at)])


def byte_at(at):
    with open(file_of("whole"), "rb") as f:
        return os.pread(f.fileno(), 1, at)[0]


def truncated():
    copy = TMP + "/short"
    lengths = [0, 1, 15, 16, 63, 64, 65, 4096, WORDS - 1, WORDS, WORDS + 4096, size() - 4096, size() - 1, size() + 1, size() + 4096]
    bad = []
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", file_of("whole"), copy], check=True)
    for length in [*lengths[::-1], *sorted((dice.randrange(size()) for _ in range(1000 if FULL else 5)), reverse=True)]:
        if length < os.stat(copy).st_size < size() or length > size() or os.stat(copy).st_size == size():
            os.truncate(copy, length)
        else:
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", file_of("whole"), copy], check=True)
            os.truncate(copy, length)
        result = kbox("--from", copy)
        if not refuses(result):
            bad.append((length, result))
    check(not bad, "truncated, or longer", SEED, *bad[:5])
    os.unlink(copy)


def with_sums(change, patience=LIMIT):
    """The same, with sums that are right. What then runs, or has not begun to after that time, is killed."""
    copy = TMP + "/other"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", file_of("whole"), copy], check=True)
    with open(copy, "r+b") as f:
        change(f)
    if subprocess.run([TMP + "/sums", copy]).returncode:
        return None
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([KBOX, "--name", "other", "-d", "--from", copy], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors)
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            status = 0
        if status == 0 and "other" in os.listdir(DIRECTORY):
            kbox("stop", "-t", "0", "other")
        process.wait(LIMIT)
        errors.seek(0)
        return status, b"", errors.read()


def description(change):
    """The words of the file, with a change to their object; or other words."""
    def write(f):
        f.seek(0)
        head = f.read(HEAD)
        words = f.read(struct.unpack("=I", head[20:24])[0])
        new = change(json.loads(words))
        new = new if isinstance(new, bytes) else json.dumps(new).encode()
        f.seek(20)
        f.write(struct.pack("=I", len(new)))
        f.seek(HEAD)
        f.write(new)
    return write


def words():
    with open(file_of("whole"), "rb") as f:
        head = f.read(HEAD)
        box = json.loads(f.read(struct.unpack("=I", head[20:24])[0]))
    others = (None, 0, -1, 5, 1 << 40, -(1 << 63), (1 << 64) - 1, 1.5, True, "", "x", "ro", "/", "/dev/zero",
              [], ["a"], [1, None], {}, {"a": 1})
    changes = [((key, value), description(lambda o, key=key, value=value: {**o, key: value})) for key in box
               for value in (others if FULL else dice.sample(others, 2)) if value != box[key]]
    changes += [((key, "missing"), description(lambda o, key=key: {k: v for k, v in o.items() if k != key})) for key in box]
    changes += [(text, description(lambda o, text=text: text))
                for text in (b"", b"{", b"[]", b"null", b"\0", b"{}", b"[" * 5000, b"\xff" * 20)]
    # The command is for who looks at it, and its words may be anything.
    bad = [(what, result) for what, change in changes for result in [with_sums(change)]
           if result and not (refuses(result) or (isinstance(what, tuple) and result[0] >= 0 and
                                                  what[0] in ("command", "processes", "init", "agent", "clock", "clock_offset", "cpu", "mode", "overlay")))]
    check(not bad, "descriptions that are wrong, with right sums", SEED, *bad[:10])


def memory():
    """Guest memory that is not as the kernel left it, which a hostile guest can do, too."""
    bad = []
    for n in range(1000 if FULL else 12):
        at = WORDS + PHYSICAL + dice.randrange(6 * 4096) if n % 2 else data_at()
        data = dice.choice((b"\0" * 8, b"\xff" * 8, bytes(dice.randrange(256) for _ in range(8)), b"\0" * 4096))
        if at < WORDS:
            continue
        result = with_sums(put(at, data), 3)
        if result and result[0] is not None and (result[0] < 0 or result[0] > 255):
            bad.append((at, data[:8], result))
    check(not bad, "memory that is wrong, with right sums: kbox itself does not crash", SEED, *bad[:5])
    check(soon(lambda: not {"other", "damaged"} & set(listed())), "and nothing is left", listed())


if len(sys.argv) > 1:
    perform(make, *(globals()[name] for name in sys.argv[1:]))
perform(make, head, anywhere, truncated, whole, words, memory)
