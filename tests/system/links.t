#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Links that containers and VPNs are made of, between two network namespaces: macvlan, VLAN, VXLAN, WireGuard, a
# bridge and a tunnel of a program's; and tcpdump, which sees what goes by.
. "$(dirname "$0")/lib.sh"

for name in one two; do
	ip netns add $name || exit
	ip -n $name link set lo up
done
ip -n one link add eth0 type veth peer name eth0 netns two
ip -n one addr add 10.3.0.1/24 dev eth0
ip -n two addr add 10.3.0.2/24 dev eth0
ip -n one link set eth0 up
ip -n two link set eth0 up
one="ip netns exec one" two="ip netns exec two"

# shellcheck disable=SC2086 # $one is several words
reaches() {
	soon $one ping -q -c 1 -W 1 "$1" >/dev/null && echo yes || echo no
}
soon() {
	patience=60
	until "$@"; do
		[ $patience != 0 ] || return
		patience=$((patience - 1))
		sleep 0.2
	done
}
is "$(reaches 10.3.0.2)" yes veth

# pair NET TYPE...: a link of that type on each side's veth.
pair() {
	net=$1
	shift
	ip -n one link add "$net" link eth0 type "$@" && ip -n two link add "$net" link eth0 type "$@" || return
	addresses
}
addresses() {
	ip -n one addr add "10.$net.1/24" dev "$net" && ip -n two addr add "10.$net.2/24" dev "$net" &&
		ip -n one link set "$net" up && ip -n two link set "$net" up
}
passes "macvlan is made" pair 4.0 macvlan mode bridge
is "$(reaches 10.4.0.2)" yes "macvlan"
passes "VLAN is made" pair 6.0 vlan id 7
is "$(reaches 10.6.0.2)" yes "VLAN"
net=7.0
passes "VXLAN is made" sh -c '
	ip -n one link add 7.0 type vxlan id 9 dstport 4789 local 10.3.0.1 remote 10.3.0.2 dev eth0 &&
	ip -n two link add 7.0 type vxlan id 9 dstport 4789 local 10.3.0.2 remote 10.3.0.1 dev eth0'
passes "and has addresses" addresses
is "$(reaches 10.7.0.2)" yes "VXLAN"

# A bridge of one's own, with a tap of a program's in it.
passes "bridge and tap" sh -c '
	ip link add br9 type bridge && ip tuntap add dev tap9 mode tap && ip link set tap9 master br9 &&
	ip tuntap add dev tun9 mode tun && ip link set br9 up && ip link set tap9 up && ip link set tun9 up'
# A program has the tunnel's other end: it answers an echo with its addresses turned around.
cat >answer <<'E'
import fcntl, os, struct
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tun9", 0x1001))
print("up", flush=True)
while True:
    packet = os.read(tun, 2000)
    if packet[0] >> 4 == 4 and packet[9] == 1 and packet[20] == 8:
        echo = b"\0\0\0\0" + packet[24:]
        total = sum(struct.unpack(f">{len(echo) // 2}H", echo))
        total = (total & 0xffff) + (total >> 16)
        total = (total & 0xffff) + (total >> 16)
        os.write(tun, packet[:12] + packet[16:20] + packet[12:16] + b"\0\0" + struct.pack(">H", ~total & 0xffff) + packet[24:])
E
python3 answer >up &
program=$!
soon grep -q up up
ip addr add 10.8.0.1/24 dev tun9
passes "a program's tunnel" soon ping -q -c 1 -W 1 10.8.0.2
kill $program

# WireGuard: each side knows the other's key.
for name in one two; do
	wg genkey >$name.key
	wg pubkey <$name.key >$name.pub
done
passes "WireGuard is made" sh -c '
	ip -n one link add 11.0 type wireguard && ip -n two link add 11.0 type wireguard &&
	ip netns exec one wg set 11.0 listen-port 51820 private-key one.key peer "$(cat two.pub)" allowed-ips 10.11.0.2/32 endpoint 10.3.0.2:51820 &&
	ip netns exec two wg set 11.0 listen-port 51820 private-key two.key peer "$(cat one.pub)" allowed-ips 10.11.0.1/32 endpoint 10.3.0.1:51820'
net=11.0
passes "and has addresses" addresses
is "$(reaches 10.11.0.2)" yes "WireGuard"
# What goes by outside is not what goes by inside.
# shellcheck disable=SC2086
{
	$two tcpdump -q -n -c 1 -i eth0 udp port 51820 >outside 2>outside.err &
	outside=$!
	$two tcpdump -n -c 1 -i 11.0 icmp >inside 2>inside.err &
	inside=$!
	soon grep -q listening outside.err
	soon grep -q listening inside.err
}
is "$(reaches 10.11.0.2)" yes "again"
wait $outside $inside
is "$(grep -c 'IP 10.3.0.[12].51820 > 10.3.0.[12].51820: UDP' outside)" 1 "tcpdump sees datagrams on the wire"
is "$(grep -c 'IP 10.11.0.1 > 10.11.0.2: ICMP echo request' inside)" 1 "and an echo in the tunnel"
done_testing
