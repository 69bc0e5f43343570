#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""For bench-sites: what Python programs do. Files, directories, processes, threads, sockets, a database, timers."""
import asyncio
import hashlib
import json
import mmap
import multiprocessing
import os
import queue
import random
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time


def files(work):
    digest = hashlib.sha256()
    for i in range(200):
        path = os.path.join(work, f"file{i}")
        with open(path, "w") as f:
            json.dump({"number": i, "text": "x" * i}, f)
        with open(path) as f:
            assert json.load(f)["number"] == i
        os.rename(path, path + ".json")
        digest.update(str(os.stat(path + ".json").st_size).encode())
    assert len(os.listdir(work)) == 200
    with open(os.path.join(work, "lines"), "w+", buffering=1) as f:
        for i in range(1000):
            f.write(f"line {i}\n")
        f.seek(0)
        assert sum(1 for _ in f) == 1000
    fd = os.open(os.path.join(work, "raw"), os.O_RDWR | os.O_CREAT)
    for i in range(1000):
        os.pwrite(fd, b"%07d\n" % i, i * 8)
    assert os.pread(fd, 8, 999 * 8) == b"0000999\n"
    with mmap.mmap(fd, 0) as m:
        m[0:7] = b"changed"
        m.flush()
    assert os.pread(fd, 7, 0) == b"changed"
    os.close(fd)
    total = 0
    for root, _, names in os.walk("/usr/lib/python3"):
        total += sum(os.lstat(os.path.join(root, n)).st_size for n in names)


def processes():
    for i in range(20):
        out = subprocess.run(["/bin/echo", str(i)], stdout=subprocess.PIPE, check=True).stdout
        assert out == b"%d\n" % i
    out = subprocess.run("seq 100 | sort -n | tail -1", shell=True, stdout=subprocess.PIPE, check=True).stdout
    assert out == b"100\n"
    out = subprocess.run(["tr", "a-z", "A-Z"], input=b"abc" * 50000, stdout=subprocess.PIPE, check=True).stdout
    assert out == b"ABC" * 50000
    out = subprocess.run([sys.executable, "-c", "import json; print(json.dumps([1]))"], stdout=subprocess.PIPE, check=True).stdout
    assert out == b"[1]\n"
    for i in range(20):
        pid = os.fork()
        if not pid:
            os._exit(i)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == i
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(abs, range(-100, 0)) == list(range(100, 0, -1))


def threads():
    todo, done = queue.Queue(), queue.Queue()

    def work():
        while (n := todo.get()) is not None:
            done.put(n * n)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for w in workers:
        w.start()
    for n in range(2000):
        todo.put(n)
    for _ in workers:
        todo.put(None)
    for w in workers:
        w.join()
    assert sum(done.get() for _ in range(2000)) == sum(n * n for n in range(2000))
    for _ in range(100):
        t = threading.Thread(target=time.sleep, args=(0,))
        t.start()
        t.join()


def sockets():
    server = socket.create_server(("127.0.0.1", 0))

    def echo():
        for _ in range(50):
            c, _ = server.accept()
            with c:
                while data := c.recv(4096):
                    c.sendall(data)

    t = threading.Thread(target=echo)
    t.start()
    for _ in range(50):
        with socket.create_connection(server.getsockname()) as c:
            for i in range(20):
                c.sendall(b"%d" % i)
                assert c.recv(4096) == b"%d" % i
    t.join()
    server.close()

    a, b = socket.socketpair()
    poll = select.epoll()
    poll.register(b, select.EPOLLIN)
    for i in range(1000):
        a.send(b"x")
        assert poll.poll(1)
        b.recv(1)
    poll.close()
    a.close()
    b.close()


async def serve():
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for i in range(20):
            writer.write(b"%d\n" % i)
            assert await reader.readline() == b"%d\n" % i
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(client(port) for _ in range(20)))
    server.close()


def database(work):
    db = sqlite3.connect(os.path.join(work, "db"))
    db.execute("create table t (k integer primary key, v text)")
    for i in range(50):
        with db:
            db.execute("insert into t values (?, ?)", (i, str(i) * 100))
    assert db.execute("select count(*) from t").fetchone() == (50,)
    db.close()


def signals_and_time():
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    end = time.monotonic() + 5
    while len(seen) < 20 and time.monotonic() < end:
        time.sleep(0.001)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert len(seen) >= 20
    random.seed()
    assert len(os.urandom(64)) == 64
    blocks = [bytearray(1 << 20) for _ in range(32)]    # mmap and munmap
    del blocks


def main():
    work = tempfile.mkdtemp(prefix="workload")
    files(work)
    processes()
    threads()
    sockets()
    asyncio.run(serve())
    database(work)
    signals_and_time()
    shutil.rmtree(work)
    print("python3 done")


main()
