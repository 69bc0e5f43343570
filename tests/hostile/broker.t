#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where a box has neither a namespace nor Landlock around it, the supervisor opens the files of its
volumes. What a hostile kernel asks of that: paths that lead out, files that are none of a volume's,
arguments that are wrong, that change, or that come from many threads at once."""
import socket
import stat
import sys
import threading
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

ENOENT, EBADF, EACCES, EFAULT, EEXIST, EXDEV, EINVAL, EROFS, ENAMETOOLONG, ELOOP, ENXIO, EOPNOTSUPP, ESTALE = \
    -2, -9, -13, -14, -17, -18, -22, -30, -36, -40, -6, -95, -116
ENOTDIR, EISDIR = -20, -21
READ, WRITTEN, SECRET = TMP + "/read", TMP + "/written", TMP + "/secret"
OPTIONS = ("-v", READ + ":/read:ro", "-v", WRITTEN + ":/written")
ENV = {"KBOX_HIDE": "namespaces,landlock"}
ROUNDS = int(os.environ.get("ROUNDS", 3000))
AT_ONCE = 8      # lines of calls in a box


def make_tree():
    for directory in (READ, WRITTEN, SECRET):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory + "/sub")
        for name in ("/file", "/other", "/sub/file"):
            with open(directory + name, "w") as f:
                f.write("secret\n" if directory == SECRET else "content\n")
        os.symlink(SECRET + "/file", directory + "/out")
        os.symlink("../secret/file", directory + "/up")
        os.symlink("../secret", directory + "/aside")
        os.symlink("file", directory + "/in")
        os.mkfifo(directory + "/fifo")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(directory + "/socket")
    for path in (READ, WRITTEN, SECRET):
        for where, dirs, files in os.walk(path):
            for name in (".", *dirs, *files):
                if not os.path.islink(where + "/" + name):
                    os.chmod(where + "/" + name, 0o777)
                if not os.geteuid():
                    os.chown(where + "/" + name, 1000, 1000, follow_symlinks=False)


def state(directory):
    """All that a hostile kernel could have changed there."""
    found = []
    for where, dirs, files in os.walk(directory):
        for name in sorted((".", *dirs, *files)):
            st = os.lstat(where + "/" + name)
            found.append((where, name, st.st_ino, st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns, st.st_nlink))
    return sorted(found)


def ask(*asked, options=OPTIONS):
    """Of each line the last call gives one of these, or, with None, something; the box goes on."""
    for some in (asked[i:i + AT_ONCE] for i in range(0, len(asked), AT_ONCE)):
        wanted = [(line.replace("%s", TMP), allowed) for line, allowed in some]
        status, lines = run(PROGRAM, "kcall", *" , ".join(line for line, _ in wanted).split(), options=options, env=ENV)
        got = [number for _, number in results(lines)]
        for line, allowed in wanted:
            ours, got = got[:line.count(" , ") + 1], got[line.count(" , ") + 1:]
            good = ours and (ours[-1] in allowed if allowed else ours[-1] >= 0)
            check(status == 0 and good, line[:90].replace(TMP, ""), status, ours, lines)


if not re.search("^ok .*nothing is seen but volumes.*by a broker", subprocess.run(
        [*USER, KBOX, "doctor"], env={**os.environ, **ENV}, capture_output=True, text=True, check=False).stdout, re.M):
    skip_all("this host has no broker: Linux 5.19, /proc, seccomp_unotify(2)")
make_tree()
before = state(READ), state(WRITTEN), state(SECRET)

# What leads out, is no file of a volume, or writes to one that is read.
LEADING_OUT = ("%s/secret/file", "../secret/file", "../../../../../..%s/secret/file", "sub/../../secret/file", "/etc/passwd",
               "/proc/self/mem", "..", "sub/../..")
BY_PATH = ("openat2 volume :P reading 24", "openat2 written :P writing 24", "openat2 written :P how/0xc1/0644 24",
           "statx volume :P 0x100 0xfff page", "readlinkat volume :P page 100", "fchmodat written :P 0",
           "fchownat written :P 0 0 0x100", "utimensat written :P 0 0x100", "mkdirat written :P 0755",
           "mknodat written :P 0x1180 0", "symlinkat :x written :P", "unlinkat written :P 0", "unlinkat written :P 0x200",
           "linkat written :P written :made 0", "linkat written :file written :P 0",
           "renameat2 written :P written :made 0", "renameat2 written :file written :P 0")
ask(*((line.replace("P", path), [EXDEV]) for path in LEADING_OUT for line in BY_PATH))
ask(
    ("openat2 volume :out reading 24", [ELOOP]),
    ("openat2 volume :up reading 24", [ELOOP]),
    ("openat2 volume :in reading 24", [ELOOP]),
    ("openat2 volume :aside/file reading 24", [ELOOP]),
    ("openat2 written :aside/made how/0xc1/0644 24", [ELOOP]),
    ("openat2 written :out how/0xc1/0644 24", [EEXIST]),
    ("statx volume :aside/file 0x100 0xfff page", [ESTALE]),
    ("statx volume :out 0 0xfff page", [0]),            # the link itself
    ("readlinkat volume :aside/out page 100", [ESTALE]),
    ("readlinkat volume :out page 100", [len(SECRET) + 5]),
    ("mkdirat written :aside/made 0755", [ESTALE]),
    ("unlinkat written :aside/file 0", [ESTALE]),
    ("renameat2 written :aside/file written :made 0", [ESTALE]),
    ("renameat2 written :file written :aside/made 0", [ESTALE]),
    ("linkat written :file written :aside/made 0", [ESTALE]),
    ("symlinkat :x written :aside/made", [ESTALE]),
    ("mknodat written :aside/made 0x1180 0", [ESTALE]),
    ("fchmodat written :aside/file 0", [ESTALE]),
    ("fchmodat written :out 0", [EOPNOTSUPP]),
    ("fchownat written :aside/file 0 0 0x100", [ESTALE]),
    ("utimensat written :aside/file 0 0x100", [ESTALE]),
    ("openat2 volume :file writing 24", [EROFS]),
    ("openat2 volume :file how/1 24", [EROFS]),
    ("openat2 volume :made how/0xc0/0644 24", [EROFS]),
    # A file without a name (O_TMPFILE | O_EXCL) is made in a directory of a written volume alone.
    ("openat2 volume :. how/0x410082/0600 24", [EROFS]),
    ("openat2 written :aside how/0x410082/0600 24", [ELOOP]),
    ("openat2 written :.. how/0x410082/0600 24", [EXDEV]),
    # A FIFO, a socket, a device: never opened, so nobody waits at their other end.
    *(("openat2 %s :%s %s 24" % (where, name, how), [ENXIO] if where == "written" or how == "reading" else [EROFS])
      for where in ("volume", "written") for name in ("fifo", "socket") for how in ("reading", "writing", "how/0x801")),
    # Other ways to open: no use for them.
    *(("openat2 %s :%s how/%s 24" % (where, name, how), [EINVAL])
      for where, name in (("volume", "file"), ("written", "file"), ("written", "sub"))
      for how in ("0x200", "0x201", "0x410002/0600", "0x200000", "0x41/0644", "0x80", "3", "0x4000", "0x40000",
                  "0x2000", "0x400", "0x101000", "0x1000000000", "0x8000000000000000", "0/0644", "0xc1/0x10000",
                  "0xc1/0xffffffffffff0000", "0/0/0x40", "0/0/0xffffffffffffff00")),
    ("openat2 volume :file how/0xa8900/0/0xf 24 , pread64 = page 8 0", [8]),
    # Arguments that are nowhere.
    *((line, [EFAULT]) for line in (
        "openat2 volume 0 reading 24", "openat2 volume 8 reading 24", "openat2 volume end reading 24",
        "openat2 volume end+4096 reading 24", "openat2 volume 0xffffffffffffffff reading 24",
        "openat2 volume vdso reading 24", "openat2 volume :file 0 24", "openat2 volume :file brink 24",
        "openat2 volume :file end 24", "openat2 volume :file 0xfffffffffffffff8 24",
        "statx volume :file 0x100 0xfff 0", "statx volume :file 0x100 0xfff brink", "statx volume :file 0x100 0xfff vdso",
        "statx volume 0 0x100 0xfff page", "readlinkat volume :out end 100", "readlinkat volume :out 0 100",
        "mkdirat written 0 0755", "symlinkat 0 written :made", "symlinkat :x written 0", "linkat written 0 written :made 0",
        "linkat written :file written 0 0", "renameat2 written :file written end 0", "unlinkat written end 0",
        "fchmodat written 0 0", "utimensat written :file brink 0x100", "utimensat written 0 page 0x100")),
    ("readlinkat volume :out page 0", [EINVAL]),
    ("readlinkat volume :out page -1", [EINVAL]),
    ("readlinkat volume :file page 100", [EINVAL]),
    ("readlinkat volume :out page 3", [3]),
    ("openat2 volume :%s reading 24" % ("x" * 5000), [ENAMETOOLONG]),
    ("openat2 volume :%s reading 24" % ("x" * 300), [ENAMETOOLONG]),
    ("openat2 volume :%s reading 24" % ("./" * 2045 + "file"), None),
    ("mkdirat written :%s 0755" % ("x" * 5000), [ENAMETOOLONG]),
    ("mkdirat written :%s 0755" % ("x" * 256), [ENAMETOOLONG]),
    ("symlinkat :%s written :made" % ("x" * 5000), [ENAMETOOLONG]),
    ("renameat2 written :file written :%s 0" % ("x" * 5000), [ENAMETOOLONG]),
    # Last names that are none.
    ("openat2 volume : reading 24", [ENOENT]),
    ("mkdirat written : 0755", [ENOENT]),
    ("mkdirat written :made/ 0755", [ENOENT]),
    ("mkdirat written :. 0755", [EEXIST]),
    ("unlinkat written :sub/. 0x200", [EINVAL]),
    ("unlinkat written :sub/.. 0x200", [EXDEV]),
    ("renameat2 written :sub/. written :made 0", [-16]),
    ("openat2 volume :file/file reading 24", [ENOTDIR]),
    ("openat2 volume :file how/0x10000 24", [ENOTDIR]),
    ("openat2 written :sub writing 24", [EISDIR]),
    # What is open is so in the way that was asked for.
    ("openat2 volume :file reading 24 , pwrite64 = page 8 0", [EBADF]),
    ("openat2 volume :file reading 24 , pread64 = page 8 0", [8]),
    ("openat2 volume :. how/0x90800 24 , getdents64 = page 4096", None))
check((state(READ), state(WRITTEN), state(SECRET)) == before, "nothing is another than before", before,
      (state(READ), state(WRITTEN), state(SECRET)))

# What the filter refuses: the broker is not asked.
for line in """
openat2 memfd :file reading 24
openat2 -100 :/etc/passwd reading 24
openat2 volume+64 :file reading 24
openat2 volume :file reading 32
openat2 volume :sub how/0x90000 24 , openat2 = :file reading 24
openat2 volume :sub how/0x90000 24 , statx = :file 0x100 0xfff page
openat2 written :sub how/0x90000 24 , mkdirat = :made 0755
statx volume :file 0x1000 0xfff page
mkdirat volume :made 0755
unlinkat volume :file 0
unlinkat written :file 0x400
renameat2 volume :file written :made 0
renameat2 written :file written :made 4
linkat volume :file written :made 0
linkat written :out written :made 0x400
fchmodat volume :file 0
openat2 volume :file reading 24 , fchmod = 0
openat2 volume :file reading 24 , fchown = 0 0
openat2 volume :file reading 24 , utimensat = 0 page 0
mknodat written :made 0x2180 0x105
openat volume :file 0
""".strip().split("\n"):
    words = line.split()
    start = len(words) - words[::-1].index(",") if "," in words else 0
    status, lines = run(PROGRAM, "kcall", *words, options=OPTIONS, env=ENV)
    check(was_refused(status, lines, words[start]), "refused: " + line, status, lines)
check((state(READ), state(WRITTEN), state(SECRET)) == before, "nothing is another than before")

# What is in /proc is of who opens it: the supervisor.
for source, top in (("/proc", ""), ("/", "proc/")):
    ask(*(("openat2 volume :%s%s reading 24" % (top, path), [ELOOP]) for path in ("self/mem", "self/fd/0", "thread-self/mem")),
        *(("openat2 volume :%s%s reading 24" % (top, path), [EACCES]) for path in ("version", "1/status", "sys/kernel/hostname")),
        ("readlinkat volume :%sself page 100" % top, [EACCES]), options=("-v", source + ":/host:ro"))
ask(*(("openat2 volume :%s reading 24" % name, [ENXIO]) for name in ("null", "zero", "tty", "full")), options=("-v", "/dev:/host:ro"))

# The supervisor's own, by its number, which the guest's kernel has.
NAMES = ("mem", "environ", "maps", "fd/0", "fdinfo/0", "task", "fd")
status, lines = run("/bin/sh", "-c", "n=$(%s kcall getppid | sed -n 's/getppid = //p'); for i in %s; do %s kcall openat2 volume :$n/$i reading 24; done" %
                    (PROGRAM, " ".join(NAMES), PROGRAM), options=("-v", "/proc:/host:ro"), env=ENV)
got = [number for _, number in results(lines)]
check(status == 0 and len(got) == len(NAMES) and all(n in (EACCES, ELOOP) for n in got), "the supervisor's own files", status, lines)

# A volume that is a file.
ONE = ("-v", SECRET + "/file:/one")
ask(("openat2 volume :other reading 24", [EACCES]), ("openat2 volume :. how/0x90000 24", [EACCES]),
    ("openat2 volume :./file reading 24", [EACCES]), ("openat2 volume :../read/file reading 24", [EACCES]),
    ("openat2 volume :made how/0xc1/0644 24", [EACCES]), ("statx volume :other 0x100 0xfff page", [EACCES]),
    ("statx volume :. 0x100 0xfff page", [0]), ("readlinkat volume :out page 100", [EACCES]),
    ("mkdirat volume :made 0755", [EACCES]), ("unlinkat volume :file 0", [EACCES]),
    ("renameat2 volume :file volume :made 0", [EACCES]), ("linkat volume :file volume :made 0", [EACCES]),
    ("fchmodat volume :other 0", [EACCES]), ("fchmodat volume :. 0", [EACCES]),
    ("openat2 volume :file writing 24 , pread64 = page 7 0", [7]), ("fchmodat volume :file 0777", [0]), options=ONE)
check((state(READ), state(WRITTEN), state(SECRET)) == before, "nothing is another than before")

# What may be done.
ask(("openat2 written :made how/0xc2/0640 24 , pwrite64 = page 8 0", [8]),
    ("openat2 written :. how/0x410082/0600 24 , pwrite64 = page 8 0", [8]),
    ("openat2 written :made how/0xc2/0640 24", [EEXIST]), ("fchmodat written :made 0604", [0]),
    ("mkdirat written :d 0755 , renameat2 written :made written :d/m 0 , linkat written :d/m written :l 0", [0]),
    ("symlinkat :any/text written :s , readlinkat written :s page 100", [8]),
    ("unlinkat written :d/m 0 , unlinkat written :d 0x200 , unlinkat written :s 0", [0]),
    ("mknodat written :f 0x1180 0 , openat2 written :f reading 24", [ENXIO]))
st = os.stat(WRITTEN + "/l")
check(stat.S_IMODE(st.st_mode) == 0o604 and st.st_size == 8, "a written volume is written", st)
os.unlink(WRITTEN + "/l")
os.unlink(WRITTEN + "/f")


# Races: of a directory with a symbolic link that leads out, and of a path with itself.
class Swapper(threading.Thread):
    def __init__(self):
        super().__init__()
        self.stop = False
        os.rename(WRITTEN + "/sub", WRITTEN + "/race")

    def run(self):
        import ctypes
        renameat2 = ctypes.CDLL(None).renameat2
        while not self.stop:
            renameat2(-100, (WRITTEN + "/race").encode(), -100, (WRITTEN + "/aside").encode(), 2)


swapper = Swapper()
swapper.start()
status, lines = run(PROGRAM, "paths", "race/file", "race/file", str(ROUNDS), options=OPTIONS, env=ENV)
check(status == 0 and "paths: some, 0 others" in lines, "a directory that turns into a symbolic link", status, lines)
swapper.stop = True
swapper.join()
for good, bad in (("sub/file", "../secret/file"), ("file", SECRET + "/file"), ("sub/file", "out/../file")):
    status, lines = run(PROGRAM, "paths", good, bad, str(ROUNDS), options=("-v", READ + ":/read:ro"), env=ENV)
    check(status == 0 and any(re.match("paths: .*, 0 others$", line) for line in lines), "a path that turns into " + bad, status, lines)

# Anything: SEED is where the seeds begin.
SEED = int(os.environ.get("HOSTILE_SEED", 1))
for seed in range(SEED, SEED + 8):
    make_tree()
    before = state(READ), state(SECRET), os.listdir(TMP)
    status, lines = run(PROGRAM, "asks", str(seed), str(ROUNDS), options=OPTIONS, env=ENV)
    check(status == 0 and "asks: some were done" in lines and (state(READ), state(SECRET), os.listdir(TMP)) == before, "any calls, seed %d" % seed,
          status, lines)
make_tree()

# Many at once; and who asks dies.
status, lines = run(PROGRAM, "storm", "sub/file", str(ROUNDS // 10), options=OPTIONS[:2], env=ENV)
check(status == 0 and any(re.match("storm: 16 threads, [0-9]+ asked, [1-9][0-9]* opened, 0 strange$", line) for line in lines),
      "many threads at once", status, lines)
for who in ("a process of the box", "the supervisor"):
    with Box(PROGRAM, "storm", "sub/file", "1000000000", options=OPTIONS[:2], env=ENV) as b:
        check(b.wait_for(b"begun"), "a storm", b.text)
        supervisor = [p for p in processes() if field(p, "PPid") not in map(str, processes())]
        victim = supervisor[0] if who == "the supervisor" else [p for p in processes() if p not in supervisor][0]
        os.kill(victim, signal.SIGKILL)
        status = b.wait()
        check(status not in (None, 0), who + " is killed while it asks", status, b.lines())
    check(soon(lambda: not processes()), "nothing is left of it", processes())
done()
