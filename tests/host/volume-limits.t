#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Volumes where something is not allowed, or is exhausted: the guest is told what the host says, and
the box goes on. FULL=1: larger trees. Arguments: shell patterns of the names to run."""
import fnmatch
import re
import socket
import stat
import sys
import threading
import traceback
sys.dont_write_bytecode = True
from volume import *  # noqa: E402,F403

cases = []
VOLUME = TMP + "/volume"
FICLONERANGE = 0x4020940d
RW, CREATE = os.O_RDWR, os.O_RDWR | os.O_CREAT
IN_NAMESPACE = 'mount -t tmpfs -o "$0" kbox-test "$1" && shift && exec "$@"'
USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
os.chmod(TMP, 0o755)


class Skip(Exception):
    pass


def case(run):
    cases.append(run)
    return run


def fresh():
    """An empty directory."""
    shutil.rmtree(VOLUME, ignore_errors=True)
    os.mkdir(VOLUME)
    return VOLUME


class Box(Agent):
    """An agent in a box of this fence, and what comes before its command."""

    def __init__(self, env, before=(), access="", volumes=(), **more):
        volumes = [VOLUME + ":/volume" + access, *volumes]
        super().__init__("the box", [*before, *box_command("/tests/volume-m", "agent", "/volume", volumes=volumes, **more)], env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def shell(env, script, before=(), volumes=(VOLUME + ":/volume",)):
    """What it says, and its status."""
    done = subprocess.run([*before, *box_command("/bin/sh", "-c", script, volumes=volumes)], env={**os.environ, **env},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False)
    return done.stdout.decode(errors="replace"), done.returncode


def root_only():
    if os.geteuid():
        raise Skip("only root mounts here")


def on_tmpfs(options):
    """What comes before a command so that the volume is a small file system in a mount namespace of its own."""
    root_only()
    before = ["unshare", "-m", "sh", "-c", IN_NAMESPACE, options, fresh()]
    ended = subprocess.run([*before, "true"], stderr=subprocess.PIPE, check=False)
    if ended.returncode:
        raise Skip("this host has no tmpfs of " + options)
    return before


def on_image(kind, then=":"):
    """The same of a file system of this kind, in a file of half a GB."""
    root_only()
    image = TMP + "/image." + kind
    with open(image, "wb") as f:
        f.truncate(512 << 20)
    if not shutil.which("mkfs." + kind) or subprocess.run(["mkfs." + kind, "-q", "-f", image], capture_output=True, check=False).returncode:
        raise Skip("no mkfs." + kind + " that makes one")
    before = ["unshare", "-m", "sh", "-c", 'mount -t %s -o loop "$1" "$0" && { %s; } && shift && exec "$@"' % (kind, then), fresh(), image]
    mounted = subprocess.run([*before, "true"], capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise Skip("this host mounts no %s: %s" % (kind, mounted.stderr.split("\n")[0]))
    return before


@case
def no_space(env):
    with Box(env, on_tmpfs("size=1m")) as a:
        fd = a.open("f", CREATE)
        block = b"x" * 65536
        wrote = 0
        while isinstance(n := a.pwrite(fd, block, wrote), int):
            same(n > 0, True)
            wrote += n
        same(n, "ENOSPC")
        same(a.fstat(fd).size, wrote)
        same(wrote > 1 << 19, True)
        same(a.pread(fd, 100, wrote - 100), b"x" * 100)
        same(a.fallocate(fd, 0, 0, 4 << 20), "ENOSPC")
        sparse = a.open("g", CREATE)
        same(a.ftruncate(sparse, 8 << 20), 0)
        m = a.map(sparse, 8 << 20)
        same(a.poke(m + (4 << 20), b"x"), "SIGBUS")
        same(a.put("h", b"y"), "ENOSPC")
        same(a.unlink("f"), 0)
        same(a.close(fd), 0)
        same(a.put("h", b"y"), 1)
        same(a.poke(m + (4 << 20), b"x"), 1)


@case
def shared_blocks(env):
    """On a file system that has them, copies take no room."""
    with Box(env, on_image("xfs")) as a:
        size = 100 << 20
        fd, copy = a.open("f", CREATE), a.open("copy", CREATE)
        for at in range(0, size, 1 << 20):
            same(a.pwrite(fd, b"x" * (1 << 20), at), 1 << 20)
        for i in range(8):                      # more than there is
            same(a.ioctl(copy, FICLONERANGE, struct.pack("qQQQ", fd, 0, size, i * size)), 0)
        same(a.fstat(copy).size, 8 * size)
        same(a.pread(copy, 10, 7 * size + 5), b"x" * 10)


@case
def no_inodes(env):
    with Box(env, on_tmpfs("nr_inodes=10")) as a:
        made = 0
        while (ret := a.put("f%d" % made, b"")) == 0:
            made += 1
        same(ret, "ENOSPC")
        same(made < 10, True)
        same(a.mkdir("d"), "ENOSPC")
        same(a.symlink("x", "s"), "ENOSPC")
        same(a.mknodat(HERE, "p", stat.S_IFIFO | 0o600, 0), "ENOSPC")
        same(len(a.ls()), made)
        same(a.unlink("f0"), 0)
        same(a.mkdir("d"), 0)


@case
def quota(env):
    limit = 'btrfs quota enable "$0" && btrfs qgroup limit 8M 0/5 "$0" && sync -f "$0"'
    with Box(env, on_image("btrfs", limit)) as a:
        fd = a.open("f", CREATE)
        wrote = 0
        while isinstance(n := a.pwrite(fd, b"x" * 30000, wrote), int) and wrote < 64 << 20:
            wrote += n
        same(n, "EDQUOT")
        same(0 < wrote <= 8 << 20, True)
        same([a.mkdir("d%d" % i) for i in range(300)][-1], "EDQUOT")


def changes(a):
    """Each way to change something of f and d/f: what it gives."""
    yield "open to write", a.open("f", RW)
    yield "open to truncate", a.open("f", os.O_RDONLY | os.O_TRUNC)
    yield "create", a.put("new", b"x")
    yield "truncate", a.truncate("f", 0)
    yield "unlink", a.unlink("f")
    yield "mkdir", a.mkdir("n")
    yield "rmdir", a.rmdir("empty")
    yield "rename", a.rename("f", "g")
    yield "rename over", a.rename("f", "d/f")
    yield "exchange", a.rename("f", "d/f", RENAME_EXCHANGE)
    yield "link", a.link("f", "g")
    yield "symlink", a.symlink("f", "g")
    yield "mknod", a.mknodat(HERE, "p", stat.S_IFIFO | 0o600, 0)
    yield "chmod", a.chmod("f", 0o777)
    yield "chmod of the root", a.chmod(".", 0o777)
    yield "chown", a.fchownat(HERE, "f", 1, 1, 0)
    yield "utime", a.utime("f", 0, 0)
    yield "setxattr", a.setx("f", "user.a", b"x")


def make_tree():
    fresh()
    for d in ("d", "empty"):
        os.mkdir(VOLUME + "/" + d)
    for f in ("f", "d/f"):
        with open(VOLUME + "/" + f, "w", encoding="ascii") as out:
            out.write("text")


def snapshot(top):
    found = []
    for where, dirs, files in os.walk(top):
        for name in sorted(dirs + files):
            st = os.lstat(os.path.join(where, name))
            found.append((where, name, st.st_ino, st.st_mode, st.st_uid, st.st_nlink, st.st_size, st.st_mtime_ns, st.st_ctime_ns))
    return sorted(found)


@case
def read_only(env):
    make_tree()
    before = snapshot(VOLUME)
    with Box(env, access=":ro") as a:
        for what, gave in changes(a):
            same(gave, "EROFS", what)
        fd = a.open("f")
        same(a.pread(fd, 10, 0), b"text")
        same(a.fchmod(fd, 0o777), "EROFS")
        same(a.map(fd, PAGE, SHARED, READ | WRITE), "EACCES")
        same(a.peek(a.map(fd, PAGE, SHARED, READ), 4), b"text")
        m = a.map(fd, PAGE, PRIVATE)
        same(a.poke(m, b"own"), 3)
        same(a.ls(), [b"d", b"empty", b"f"])
    said, _ = shell(env, "mount -o remount,rw /volume; echo x >/volume/f", volumes=[VOLUME + ":/volume:ro"])
    same("Read-only" in said or "read-only" in said, True, said)
    same(snapshot(VOLUME), before)


@case
def read_only_on_the_host(env):
    """A volume that is written, of a file system that is not."""
    root_only()
    make_tree()
    before = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', VOLUME]
    was = snapshot(VOLUME)
    with Box(env, before) as a:
        for what, gave in changes(a):
            same(gave, "EROFS", what)
        same(a.get("f"), b"text")
    same(snapshot(VOLUME), was)


@case
def not_permitted(env):
    """What a user of the host may not, the guest's root may not either."""
    root_only()
    make_tree()
    os.chmod(VOLUME, 0o755)
    os.chmod(VOLUME + "/f", 0o644)
    for name in ("secret", "own"):
        os.mkdir(VOLUME + "/" + name)
        with open(VOLUME + "/" + name + "/f", "w", encoding="ascii") as f:
            f.write(name)
        os.chmod(VOLUME + "/" + name, 0o700)
    os.chmod(VOLUME + "/d", 0o711)
    with open(VOLUME + "/closed", "w", encoding="ascii"):
        os.chmod(VOLUME + "/closed", 0)
    for name in ("own", "own/f"):
        os.chown(VOLUME + "/" + name, 1000, 1000)
    was = snapshot(VOLUME)
    with Box(env, USER) as a:
        same(a.getuid(), 0)
        same(a.get("f"), b"text")
        for path in ("closed", "secret/f", "secret", "d"):
            same(a.open(path), "EACCES", path)
        same(a.stat("closed").size, 0)
        same(a.stat("secret/f"), "EACCES")
        same(a.get("d/f"), b"text")
        for what, gave in changes(a):
            same(gave in ("EACCES", "EPERM"), True, what + ": " + str(gave))
        same(snapshot(VOLUME), was)
        same(a.put("own/g", b"x"), 1)
        same(a.chmod("own/g", 0), 0)
        same(a.chmod("own/g", 0o600), 0)
        same(a.get("own/g"), b"x")
        same(os.stat(VOLUME + "/own/g").st_uid, 1000)
        same(a.stat("own/g").uid, 0)


@case
def no_descriptors(env):
    """The guest has more descriptors than the box has on the host."""
    fresh()
    with Box(env, ["prlimit", "--nofile=80"]) as a:
        fds, n = [], 0
        while isinstance(fd := a.open("f%d" % n, CREATE), int) and n < 500:
            fds.append(fd)
            n += 1
        same(fd in ("EMFILE", "ENFILE"), True, "%d files, then %s" % (n, fd))
        same(n > 20, True, "%d files" % n)
        for i, fd in enumerate(fds):
            same(a.pwrite(fd, b"%d" % i, 0), len(str(i)))
        for fd in fds[5:]:
            same(a.close(fd), 0)
        same(a.get("f%d" % (n - 1)), b"%d" % (n - 1))
        same(a.mkdir("d"), 0)
        same(len(a.ls()) >= n + 1, True)
        for i in range(300):                    # and none gets lost
            same(a.put("g%d" % i, b"x"), 1)
            same(a.get("g%d" % i), b"x")
            same(a.ls("d"), [])
            same(a.chmod("g%d" % i, 0o600), 0)
            same(a.unlink("g%d" % i), 0)


@case
def the_hosts_size_limit(env):
    fresh()
    with Box(env, ["prlimit", "--fsize=%d" % (512 << 20)]) as a:
        fd = a.open("f", CREATE)
        same(a.pwrite(fd, b"x", 100 << 20), 1)
        same(a.pwrite(fd, b"x", 600 << 20), "EFBIG")
        same(a.ftruncate(fd, 600 << 20), "EFBIG")
        same(a.fallocate(fd, 0, 600 << 20, 100), "EFBIG")
        same(a.pwrite(fd, b"yy", (512 << 20) - 1), 1)
        same(a.fstat(fd).size, 512 << 20)


@case
def killed_after_fsync(env):
    fresh()
    a = Box(env)
    fd = a.open("f", CREATE)
    same(a.pwrite(fd, b"written", 0), 7)
    same(a.ftruncate(fd, PAGE), 0)
    m = a.map(fd, PAGE)
    same(a.poke(m + 100, b"mapped"), 6)
    same(a.fsync(fd), 0)
    same(a.rename("f", "g"), 0)
    same(a.fsync(a.open(".", os.O_RDONLY)), 0)
    a.process.kill()
    a.end()
    with open(VOLUME + "/g", "rb") as f:
        data = f.read()
    same((data[:7], data[100:106], len(data)), (b"written", b"mapped", PAGE))
    same(os.listdir(VOLUME), ["g"])


@case
def the_directory_goes(env):
    """The host moves and removes what is a volume."""
    make_tree()
    with Box(env) as a:
        fd = a.open("f", RW)
        os.rename(VOLUME, TMP + "/moved")
        same(a.put("new", b"x"), 1)
        same(a.get("d/f"), b"text")
        shutil.rmtree(TMP + "/moved")
        same(a.pread(fd, 10, 0), b"text")
        same(a.get("d/f"), "ENOENT")
        same(a.put("new", b"x"), "ENOENT")
        same(a.mkdir("x"), "ENOENT")
        same(a.ls() in ("ENOENT", []), True)
        same(a.stat("new"), "ENOENT")
    fresh()


@case
def three_write_one_tree(env):
    """The host and two boxes, all at once: each does what it does, and a lock of theirs holds."""
    fresh()
    rounds = 150 if FULL else 40
    script = r"""cd "$1" || exit; n=0
        while [ $n -lt %d ]; do
            n=$((n + 1))
            until mkdir lock 2>/dev/null; do :; done
            read -r c <counter; echo $((c + 1)) >counter.new; mv counter.new counter
            rmdir lock
            echo "$0 $n" >>log
            mkdir -p "dir$((n %% 7))"
            echo "$0" >"dir$((n %% 7))/$0.$n.new"
            mv "dir$((n %% 7))/$0.$n.new" "dir$((n %% 7))/$0.$n"
            [ $((n %% 4)) != 0 ] || rm "dir$((n %% 7))/$0.$n"
        done""" % rounds
    with open(VOLUME + "/counter", "w", encoding="ascii") as f:
        f.write("0\n")
    said = {}

    def work(name, command, environment):
        ended = subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT, check=False)
        said[name] = (ended.returncode, ended.stdout + ended.stderr)

    workers = [threading.Thread(target=work, args=("host", ["sh", "-c", script, "host", VOLUME], os.environ))]
    for name in ("one", "two"):
        command = box_command("/bin/sh", "-c", script, name, "/volume", volumes=[VOLUME + ":/volume"])
        workers.append(threading.Thread(target=work, args=(name, command, {**os.environ, **env})))
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    same(said, {name: (0, b"") for name in ("host", "one", "two")})
    with open(VOLUME + "/counter", encoding="ascii") as f:
        same(f.read(), "%d\n" % (3 * rounds))
    with open(VOLUME + "/log", encoding="ascii") as f:
        same(sorted(f.read().split("\n")), sorted(["%s %d" % (name, n + 1) for name in said for n in range(rounds)] + [""]))
    left = sorted(f for _, _, files in os.walk(VOLUME) for f in files if f not in ("log", "counter"))
    same(left, sorted("%s.%d" % (name, n) for name in said for n in range(1, rounds + 1) if n % 4))


@case
def many_files(env):
    """A tree of many files is made, listed and removed; inode numbers are the host's."""
    fresh()
    n = 200000 if FULL else 4000
    said, status = shell(env, """cd /volume && i=0
        while [ $i -lt 20 ]; do mkdir d$i; i=$((i + 1)); done
        seq %d | awk '{ print "d" $1 %% 20 "/file-" $1 }' | xargs touch &&
        find . -type f | wc -l && find . -type f | sort -u | wc -l && ls -i d0 | head -n 1""" % n)
    same(status, 0, said)
    words = said.split()
    same(words[:2], [str(n), str(n)])
    same(sum(len(files) for _, _, files in os.walk(VOLUME)), n)
    same(os.stat(VOLUME + "/d0/" + words[3]).st_ino, int(words[2]))
    same(shell(env, "cd /volume && rm -r d* && ls -A"), ("", 0))
    same(os.listdir(VOLUME), [])


@case
def others_are_only_shown(env):
    """A FIFO or socket of the host is not one of the guest's."""
    fresh()
    os.mkfifo(VOLUME + "/fifo")
    reader = os.open(VOLUME + "/fifo", os.O_RDONLY | os.O_NONBLOCK)
    server = socket.socket(socket.AF_UNIX)
    server.bind(VOLUME + "/socket")
    server.listen()
    server.setblocking(False)
    with Box(env) as a:
        same(stat.S_ISFIFO(a.stat("fifo").mode), True)
        same(stat.S_ISSOCK(a.stat("socket").mode), True)
        same(a.open("fifo", os.O_WRONLY | os.O_NONBLOCK), "ENXIO")
        fd = a.open("fifo", RW)
        same(a.write(fd, b"x", 1), 1)
        same(a.open("socket"), "ENXIO")
        name = struct.pack("H", socket.AF_UNIX) + b"socket\0"
        same(a.connect(a.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0), name, len(name)), "ECONNREFUSED")
        try:
            same(os.read(reader, 1), b"")
        except BlockingIOError:
            raise Differs("the guest has reached the host's FIFO") from None
    try:
        server.accept()
        raise Differs("the guest has reached the host's server")
    except BlockingIOError:
        pass
    os.close(reader)
    server.close()


wanted = [c for c in cases if len(sys.argv) < 2 or any(fnmatch.fnmatch(c.__name__, p) for p in sys.argv[1:])]
ways = fences()
if not ways:
    skip_all("this host can keep a box in no directory")
for fence, hide in ways:
    for run in wanted:
        title = "%s, by %s" % (re.sub("_", " ", run.__name__), fence)
        try:
            run(hide)
            check(True, title)
        except Skip as e:
            skip(title, e)
        except (Differs, Gone, subprocess.TimeoutExpired) as e:
            lines = [str(f.lineno) for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__]
            check(False, title, "line %s: %s" % (lines[-1] if lines else "?", e))
done()
