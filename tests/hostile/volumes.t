#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A box with volumes makes calls that take a path, and the filter sees no path. What keeps a hostile
kernel in the volumes is a mount namespace, or Landlock; each is tried without the other. Where there
is neither, a broker makes these calls: for what it is asked, tests/hostile/broker.t."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

ENOENT, EBADF, EACCES, EXDEV, EROFS = -2, -9, -13, -18, -30
READ, WRITTEN, SECRET = TMP + "/read", TMP + "/written", TMP + "/secret"
OPTIONS = ("-v", READ + ":/read:ro", "-v", WRITTEN + ":/written")


def make_tree():
    for directory in (READ, WRITTEN, SECRET):
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory)
        with open(directory + "/file", "w") as f:
            f.write("content\n")
        shutil.copy(directory + "/file", directory + "/other")
        os.symlink(SECRET + "/file", directory + "/out")
        os.symlink("../secret/file", directory + "/up")
    for path in (READ, WRITTEN, SECRET):
        for name in ("", "/file", "/other"):
            os.chmod(path + name, 0o777)
            if not os.geteuid():
                os.chown(path + name, 1000, 1000)


def state(directory):
    """All that a hostile kernel could have changed there."""
    found = []
    for name in [".", *sorted(os.listdir(directory))]:
        st = os.lstat(directory + "/" + name)
        found.append((name, st.st_ino, st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns, st.st_nlink))
    return found


def attack(name, line, allowed, env):
    """The last call gives one of these, or, with None, something."""
    words = line.split()
    status, lines = run(PROGRAM, "call", *words, options=OPTIONS, env=env)
    got = results(lines)
    last = got[-1][1] if got else None
    check(status == 0 and (last in allowed if allowed else last is not None and last >= 0), name + ": " + line, status, lines)


# Of each line: what is to come of it by the namespace, and by Landlock. The directory's path is %s.
LINES = (
    ("openat2 volume :%s/secret/file reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :../secret/file reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :../../../../../../..%s/secret/file reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :out reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :up reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :/etc/passwd reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :/proc/self/exe reading 24", [ENOENT], [EACCES]),
    ("openat2 volume :/dev/zero writing 24", [ENOENT], [EACCES]),
    ("openat2 volume :/ reading 24", None, [EACCES]),
    ("openat2 volume :file writing 24", [EROFS], [EACCES]),
    ("openat2 volume :made creating 24", [EROFS], [EACCES]),
    ("openat2 written :../read/made creating 24", [ENOENT], [EACCES]),
    ("openat2 written :/0/made creating 24", [EROFS], [ENOENT]),
    ("openat2 written :%s/secret/made creating 24", [ENOENT], [EACCES]),
    ("openat2 written :%s/secret/file naming 24 , pread64 = page 8 0", [EBADF], [EBADF]),
    ("openat2 written :%s/read/file naming 24 , fchmod = 0", [EBADF], [EBADF]),
    ("mkdirat written :%s/secret/made 0755", [ENOENT], [EACCES]),
    ("mkdirat written :/0/made 0755", [EROFS], [ENOENT]),
    ("mknodat written :%s/secret/made 0x1180 0", [ENOENT], [EACCES]),
    ("symlinkat :file written :%s/secret/made", [ENOENT], [EACCES]),
    ("unlinkat written :%s/secret/file 0", [ENOENT], [EACCES]),
    ("unlinkat written :../read/file 0", [ENOENT], [EACCES]),
    ("unlinkat written :/0/file 0", [EROFS], [ENOENT]),
    ("renameat2 written :file written :%s/secret/made 0", [ENOENT], [EACCES, EXDEV]),
    ("renameat2 written :%s/secret/file written :made 0", [ENOENT], [EACCES, EXDEV]),
    ("linkat written :%s/secret/file written :made 0", [ENOENT], [EACCES, EXDEV]),
    ("linkat written :/0/file written :made 0", [EXDEV], [ENOENT]),
    ("linkat written :../read/file written :made 0", [ENOENT], [EACCES, EXDEV]),
)
BY_PATH = (
    ("statx volume :%s/secret/file 0x100 0xfff page", [ENOENT]),
    ("statx volume :../../../etc 0x100 0xfff page", [ENOENT]),
    ("fchmodat written :%s/secret/file 0", [ENOENT]),
    ("fchmodat written :/0/file 0", [EROFS]),
    ("fchmodat written :out 0", [ENOENT]),
    ("fchownat written :/0/file 0 0 0x100", [EROFS]),
    ("utimensat written :/0/file 0 0x100", [EROFS]),
    ("openat2 volume :file reading 24 , fchmod = 0", [EROFS]),
    ("openat2 volume :file reading 24 , fsetxattr = :user.a page 1 0", [EROFS]),
    ("openat2 volume :/ reading 24 , getdents64 = page 4096", [96]),    # ., .., 0 and 1
)

make_tree()
before = state(READ), state(WRITTEN), state(SECRET)
for env, name in (({"KBOX_HIDE": "landlock"}, "a namespace"), ({"KBOX_HIDE": "namespaces"}, "Landlock")):
    for line, by_namespace, by_landlock in LINES:
        attack(name, line.replace("%s", TMP), by_namespace if name == "a namespace" else by_landlock, env)
for line, allowed in BY_PATH:
    attack("a namespace", line.replace("%s", TMP), allowed, {"KBOX_HIDE": "landlock"})
check((state(READ), state(WRITTEN), state(SECRET)) == before, "nothing is another than before", before,
      (state(READ), state(WRITTEN), state(SECRET)))

# Of a volume that is a file, what is beside it.
for env, name, gone in (({"KBOX_HIDE": "landlock"}, "a namespace", ENOENT), ({"KBOX_HIDE": "namespaces"}, "Landlock", EACCES)):
    for line in ("openat2 volume :other reading 24", "openat2 volume :../read/file reading 24"):
        status, lines = run(PROGRAM, "call", *line.split(), options=("-v", SECRET + "/file:/one"), env=env)
        check(status == 0 and [r for _, r in results(lines)] == [gone], name + ", a file: " + line, status, lines)
    status, lines = run(PROGRAM, "call", *"openat2 volume :file writing 24 , pread64 = page 8 0".split(), options=("-v", SECRET + "/file:/one"), env=env)
    check(status == 0 and results(lines)[-1][1] == 8, name + ", a file: itself", status, lines)

# What may be done.
attack("a namespace", "openat2 written :made creating 24 , pwrite64 = page 8 0", [8], {})
attack("Landlock", "openat2 written :made creating 24 , pwrite64 = page 8 0", [8], {"KBOX_HIDE": "namespaces"})
check(os.path.getsize(WRITTEN + "/made") == 8, "a written volume is written")

# What the filter sees.
for line in """
openat2 memfd :x reading 24
openat2 -100 :/etc/passwd reading 24
openat2 volume :file reading 32
openat volume :file 0
close volume
close written
dup2 0 volume
mkdirat volume :made 0755
mknodat written :made 0x2180 0x105
mknodat written :made 0x6180 0x105
unlinkat volume :file 0
unlinkat written :file 0x400
renameat2 volume :file written :made 0
renameat2 written :file volume :made 0
renameat2 written :file written :made 4
linkat written :out written :made 0x400
linkat -100 :/etc/passwd written :made 0
symlinkat :file volume :made
fchmodat volume :file 0
fchownat written :file 0 0 0
fchownat written : 0 0 0x1000
statx -100 :/etc/passwd 0x100 0xfff page
statx 0 : 0x1000 0xfff page
utimensat volume :file page 0x100
name_to_handle_at volume :file page page 0
open_by_handle_at volume page 0
truncate :file 0
execveat volume :file page page 0
fchdir volume
mount :a :/0 :tmpfs 0 0
unshare 0x10000000
fchmod 0 0
fchmod nullfd 0
fchown memfd 0 0
fchown epollfd 0 0
utimensat nullfd 0 page 0
fsetxattr memfd :user.a page 1 0
fremovexattr 2 :user.a
""".strip().split("\n"):
    refuses(line, options=OPTIONS)
for line in ("statx volume :file 0x100 0xfff page", "fchmodat written :file 0", "fchownat written :file 0 0 0x100", "utimensat written :file page 0x100"):
    refuses(line, title=line + ", without a namespace", options=OPTIONS, env={"KBOX_HIDE": "namespaces"})
# The host's /dev/null, by a descriptor of it that was given.
null = os.open("/dev/null", os.O_RDWR)
for line, allowed in (("fchmod %d 0666", EROFS), ("fchown %d 0 0", EROFS), ("utimensat %d 0 0 0", EROFS), ("write %d page 1", 1)):
    status, lines = run(PROGRAM, "call", *(line % null).split(), options=(*OPTIONS, "--fd", str(null)), env={"KBOX_HIDE": "landlock"}, pass_fds=(null,))
    check(status == 0 and results(lines)[-1][1] == allowed, "/dev/null: " + line, status, lines)
for line in ("mkdirat volume :made 0755", "fchmod 0 0", "pwrite64 0 page 1 0", "unlinkat volume :file 0"):
    refuses(line, title=line + ", without a written volume", options=OPTIONS[:2])
done()
