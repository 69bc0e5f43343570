#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Both ends of what tests/host/net.t sends: in the box and outside, each is a command."""
import hashlib
import os
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
    listener = bind(addr, port, socket.SOCK_STREAM)
    listener.listen(64)
    print("up", flush=True)
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


def dns_server(addr, answer):
    s = bind(addr, 53, socket.SOCK_DGRAM)
    print("up", flush=True)
    while True:
        q, peer = s.recvfrom(512)
        end = q.index(b"\0", 12) + 5
        is_a = q[end - 4:end - 2] == b"\0\x01"
        a = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(answer) if is_a else b""
        s.sendto(q[:2] + b"\x81\x80" + q[4:6] + struct.pack(">HHH", is_a, 0, 0) + q[12:end] + a, peer)


def frame_to(addr, port, text):
    """As a guest sends one that owns its kernel: whatever routes there are."""
    udp = struct.pack(">HHHH", 4000, int(port), 8 + len(text), 0) + text
    macs = b"\x02kbox\x01\x02kbox\x02"
    if ":" in addr:
        pseudo = socket.inet_pton(socket.AF_INET6, "fd6b:626f:78::2") + socket.inet_pton(socket.AF_INET6, addr)
        return macs + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + pseudo + udp
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    head += socket.inet_aton("10.107.98.2") + socket.inet_aton(addr)
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xffff) + (total >> 16)
    return macs + b"\x08\x00" + head[:10] + struct.pack(">H", ~total & 0xffff) + head[12:] + udp


def raw(port, *addrs):
    """A message to each of them that says which one; the last one's is "end"."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    for addr in addrs[:-1]:
        s.send(frame_to(addr, port, addr.encode()))
    while True:
        s.send(frame_to(addrs[-1], port, b"end"))
        time.sleep(0.1)


def flood(addr, port, number):
    s = connect(addr, port, socket.SOCK_DGRAM)
    for _ in range(int(number)):
        try:
            s.send(b"x" * 1400)
        except OSError:
            pass


globals()[sys.argv[1]](*sys.argv[2:])
