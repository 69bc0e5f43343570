#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Both ends of what tests/host/net.t sends: in the box and outside, each is a command."""
import errno
import hashlib
import itertools
import os
import resource
import socket
import struct
import sys
import time


def connect(addr, port, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    s = socket.socket(family, kind)
    s.connect((addr, int(port)))
    return s


def bind(addr, port, kind):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, int(port)))
    return s


def listening(addr, port):
    listener = bind(addr, port, socket.SOCK_STREAM)
    listener.listen(1000)
    print("up", flush=True)
    return listener


def flow(mib):
    """So many MiB, of which no two are the same."""
    block = os.urandom(1 << 20)
    for i in range(mib):
        yield struct.pack(">Q", i) + block[8:]


def send(s, mib):
    digest = hashlib.sha256()
    for part in flow(mib):
        digest.update(part)
        s.sendall(part)
    return digest.hexdigest()


def receive(s, mib):
    digest = hashlib.sha256()
    left = mib << 20
    while left and (part := s.recv(min(left, 1 << 18))):
        digest.update(part)
        left -= len(part)
    return digest.hexdigest()


def tcp_server(addr, port, clients, mib):
    """For each client: takes so much, sends as much, and then, to one more, what both sums are."""
    listener = listening(addr, port)
    for _ in range(int(clients)):
        s, _peer = listener.accept()
        got = receive(s, int(mib))
        sent = send(s, int(mib))
        s.close()
        s, _peer = listener.accept()
        s.recv(1)
        s.sendall((got + " " + sent).encode())
        s.close()


def tcp_client(addr, port, mib):
    s = connect(addr, port)
    sent = send(s, int(mib))
    got = receive(s, int(mib))
    s = connect(addr, port)
    s.sendall(b"?")     # passt of 2023 does not open a way in on which nobody outside speaks
    sums = s.makefile().read()
    print("same" if sums == sent + " " + got else f"{sums} is not {sent} {got}")


def half_server(addr, port, mib):
    """Takes all that the client says before it closes its direction, and answers only then."""
    listener = bind(addr, port, socket.SOCK_STREAM)
    listener.listen()
    print("up", flush=True)
    s, _peer = listener.accept()
    while s.recv(1 << 16):
        pass
    s.sendall(send(s, int(mib)).encode())


def half_client(addr, port, mib):
    s = connect(addr, port)
    s.sendall(b"?")
    s.shutdown(socket.SHUT_WR)
    got = receive(s, int(mib))
    print("same" if s.makefile().read() == got else "not the same")


def first_closer(addr, port):
    """Closes its direction before anything else, takes what comes all the same, and says its sum."""
    listener = listening(addr, port)
    s, _peer = listener.accept()
    s.recv(1)
    s.shutdown(socket.SHUT_WR)
    digest = hashlib.sha256()
    while part := s.recv(1 << 18):
        digest.update(part)
    print(digest.hexdigest(), flush=True)


def on_and_on(addr, port, mib, stays=0):
    """Sends, when the other one has closed its direction; says the sum. What is on its way would end with a box."""
    s = connect(addr, port)
    s.sendall(b"?")
    print("up" if not s.recv(1) else "that is not the end", flush=True)
    print(send(s, int(mib)), flush=True)
    s.close()
    time.sleep(int(stays))


def greeter(addr, port, clients):
    """Speaks first."""
    listener = listening(addr, port)
    for _ in range(int(clients)):
        s, _peer = listener.accept()
        s.sendall(b"hello")
        s.close()


def greeted(addr, port):
    print(connect(addr, port).makefile().read())


def crowd(addr, port, number):
    """As many connections at once, which say nothing."""
    kept = [connect(addr, port) for _ in range(int(number))]
    print("up", flush=True)
    time.sleep(1000)
    del kept


def drain(addr, port):
    listener = bind(addr, port, socket.SOCK_STREAM)
    listener.listen()
    print("up", flush=True)
    s, _peer = listener.accept()
    while s.recv(1 << 18):
        pass
    print("end", flush=True)


def pour(addr, port):
    """Without end."""
    s = connect(addr, port)
    send(s, 10)
    print("up", flush=True)
    while True:
        send(s, 1)


def udp_server(addr, port, text=None):
    """Says each message, or sends it back; "end" is the last one."""
    s = bind(addr, port, socket.SOCK_DGRAM)
    print("up", flush=True)
    while True:
        data, peer = s.recvfrom(65536)
        if text:
            print(data.decode(), flush=True)
        else:
            s.sendto(data, peer)
        if data == b"end":
            return


def udp_client(addr, port, *messages):
    """A message may be lost, so it is sent until there is an answer."""
    s = connect(addr, port, socket.SOCK_DGRAM)
    s.settimeout(1)
    for m in messages:
        for _ in range(60):
            try:
                s.send(m.encode())
                while s.recv(65536) != m.encode():
                    pass
                print(m, flush=True)
                break
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.1)


def refused(addr, port):
    try:
        connect(addr, port)
        print("connected")
    except ConnectionRefusedError:
        print("refused")


def dns_server(addr, *zone):
    """NAME=ADDR[,ADDR...]: these names and no others; says each name that it is asked for."""
    names = dict(z.split("=") for z in zone)
    s = bind(addr, 53, socket.SOCK_DGRAM)
    print("up", flush=True)
    while True:
        q, peer = s.recvfrom(512)
        end = q.index(b"\0", 12) + 5
        labels, at = [], 12
        while q[at]:
            labels.append(q[at + 1:at + 1 + q[at]].decode())
            at += 1 + q[at]
        name, kind = ".".join(labels), q[end - 3]
        print(name, flush=True)
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        found = [a for a in names.get(name, "").split(",") if a and (":" in a) == (kind == 28)]
        answers = b""
        for a in found if family else []:
            raw = socket.inet_pton(family, a)
            answers += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(raw)) + raw
        flags = b"\x81\x80" if name in names else b"\x81\x83"
        counts = struct.pack(">HHH", len(found) if answers else 0, 0, 0)
        s.sendto(q[:2] + flags + q[4:6] + counts + q[12:end] + answers, peer)


MACS = b"\x02kbox\x01\x02kbox\x02"
BOX4, BOX6 = "10.107.98.2", "fd6b:626f:78::2"


def udp(port, text, bytes_=None):
    return struct.pack(">HHHH", 4000, int(port), 8 + len(text) if bytes_ is None else bytes_, 0) + text


def ip4(to, payload, protocol=17, sender=BOX4, fragment=0, options=b""):
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), 1, fragment, 64, protocol, 0)
    head += socket.inet_aton(sender) + socket.inet_aton(to) + options
    total = sum(struct.unpack(f">{words * 2}H", head))
    total = (total & 0xffff) + (total >> 16)
    return MACS + b"\x08\x00" + head[:10] + struct.pack(">H", ~total & 0xffff) + head[12:] + payload


def ip6(to, payload, protocol=17, sender=BOX6):
    pseudo = socket.inet_pton(socket.AF_INET6, sender) + socket.inet_pton(socket.AF_INET6, to)
    return MACS + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + pseudo + payload


def ip(to, payload, **more):
    return (ip6 if ":" in to else ip4)(to, payload, **more)


def tcp(port, flags):
    return struct.pack(">HHIIBBHHH", 4001, int(port), 1, 1, 5 << 4, flags, 1000, 0, 0)


def card():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    return s


def raw(port, *addrs):
    """As a guest sends that owns its kernel: a message to each of them that says which one; the last one's is "end"."""
    s = card()
    for addr in addrs[:-1]:
        s.send(ip(addr, udp(port, addr.encode())))
    while True:
        s.send(ip(addrs[-1], udp(port, b"end")))
        time.sleep(0.1)


def attack(allowed_port, port, allowed, host4, host6):
    """All ways past a list that lets only allowed:allowed_port pass; then to that, again and again, "end"."""
    s = card()
    numbers = itertools.count()

    def text():
        return b"attack-%d" % next(numbers)

    frames = [ip4(host4, udp(port, text())), ip4(host4, udp(allowed_port, text())), ip4(allowed, udp(port, text()))]
    # From others: the host, whoever is allowed, nobody.
    frames += [ip4(host4, udp(port, text()), sender=a) for a in (host4, allowed, "10.107.98.1", "0.0.0.0", "127.0.0.1")]
    frames += [ip4(allowed, udp(allowed_port, text()), sender="10.107.98.7")]
    # Cut up: a first part, a last one, and one that lies over the ports of another.
    whole = udp(port, text() + b"x" * 24)
    frames += [ip4(host4, whole[:16], fragment=0x2000), ip4(host4, whole[16:], fragment=2)]
    whole = udp(allowed_port, text() + b"x" * 24)
    frames += [ip4(allowed, whole[:16], fragment=0x2000), ip4(allowed, udp(port, b"")[:8] + whole[16:], fragment=0)]
    # Options, by way of another one; a length that is wrong, of IP and of UDP.
    route = b"\x83\x07\x04" + socket.inet_aton(host4) + b"\0"
    frames += [ip4(host4, udp(port, text()), options=route)]
    short = bytearray(ip4(host4, udp(port, text())))
    short[17] -= 4
    frames += [bytes(short), ip4(host4, udp(port, text(), bytes_=8))]
    # Of a connection that there is not, and by other protocols.
    frames += [ip4(host4, tcp(port, flags), protocol=6) for flags in (2, 16, 18, 24, 0, 63)]
    frames += [ip4(host4, udp(port, text()), protocol=p) for p in (132, 136, 4, 41, 47, 0, 255)]
    if host6 != "none":
        frames += [ip6(host6, udp(port, text())), ip6("::ffff:" + host4, udp(port, text()))]
        for protocol, head in ((0, b"\x11\0\x01\x04\0\0\0\0"), (60, b"\x11\0\x01\x04\0\0\0\0"),
                               (43, b"\x11\0\0\0\0\0\0\0"), (44, b"\x11\0\0\0\0\0\0\x01"),
                               (44, b"\x11\0\0\x01\0\0\0\x02")):
            frames += [ip6(host6, head + udp(port, text()), protocol=protocol)]
        frames += [ip6("ff02::1", b"\x11\0\x01\x04\0\0\0\0" + udp(port, text()), protocol=0)]
    for f in frames:
        s.send(f)
    while True:
        s.send(ip4(allowed, udp(allowed_port, b"end")))
        time.sleep(0.1)


def connects(*targets):
    """ADDR-PORT or ADDR-PORT/udp: what becomes of a connection there, or of a message."""
    for target in targets:
        addr, port = target.split("/")[0].rsplit("-", 1)
        try:
            if target.endswith("/udp"):
                s = connect(addr, port, socket.SOCK_DGRAM)
                s.settimeout(2)
                s.send(b"hello")
                s.recv(100)
            else:
                with socket.create_connection((addr, int(port)), 10):
                    pass
            print("ok", end=" ")
        except OSError as e:
            print(e.__class__.__name__ if not e.errno or e.errno < 0 else errno.errorcode[e.errno], end=" ")
    print()


def ping(*addrs):
    """Type and code of what ICMP answers to an echo."""
    for addr in addrs:
        six = ":" in addr
        s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
        s.settimeout(5)
        echo = b"\x80\0\0\0\0\x07\0\0" if six else b"\x08\0\xf7\xf8\0\x07\0\0"
        s.sendto(echo, (addr, 0))
        while (answer := s.recv(2000)[0 if six else 20:])[0] in (8, 128, 135, 136, 143):
            pass
        print(*answer[:2], end=" ")
    print()


def first_speaker(addr, port, number):
    """Speaks first, and then waits for the end."""
    listener = listening(addr, port)
    for i in range(int(number)):
        s, _peer = listener.accept()
        s.sendall(b"hello " + str(i).encode() + b"x" * 3000 + b"\n")
        s.recv(1)
        s.close()


def first_heard(addr, port, number):
    """So many at once, of whom each hears the server before it says anything."""
    all_ = [connect(addr, port) for _ in range(int(number))]
    heard = 0
    for s in all_:
        heard += len(s.makefile().readline()) > 3000
        s.close()
    print(heard, "heard")


def acceptor(addr, port, at_once=1):
    """Holds so many connections, and then lets go of them; says how many there were when one says so."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(at_once) + 100, int(at_once) + 100))
    listener = listening(addr, port)
    taken, held = 0, []
    while True:
        s, _peer = listener.accept()
        said = s.recv(4)
        if said == b"end":
            print(taken, flush=True)
            return
        if not said:
            s.close()
            continue
        taken += 1
        held.append(s)
        if len(held) >= int(at_once):
            for s in held:
                s.sendall(b"!")
                s.close()
            held = []


def many(addr, port, number, at_once):
    """So many connections, some of them at once; then one that says that it is the last."""
    at_once = int(at_once)
    resource.setrlimit(resource.RLIMIT_NOFILE, (at_once + 100, at_once + 100))
    heard = 0
    for _ in range(int(number) // at_once):
        held = []
        for _ in range(at_once):
            s = connect(addr, port)
            s.sendall(b"one")
            held.append(s)
        for s in held:
            heard += s.recv(1) == b"!"
            s.close()
    print(heard, flush=True)
    # The box ends after that, and what is on its way then is lost: so the other side's end is awaited.
    s = connect(addr, port)
    s.sendall(b"end")
    s.recv(1)


def flood(addr, port, number):
    s = connect(addr, port, socket.SOCK_DGRAM)
    for _ in range(int(number)):
        try:
            s.send(b"x" * 1400)
        except OSError:
            pass


globals()[sys.argv[1]](*sys.argv[2:])
