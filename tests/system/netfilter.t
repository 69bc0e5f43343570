#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# nft and iptables: rules that count, refuse, translate and follow connections, on a router between
# two networks.
# shellcheck disable=SC2086 # $left, $right and $router are several words
. "$(dirname "$0")/lib.sh"

# left 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 -- 10.2.0.2 right
for name in left router right; do
	ip netns add $name || exit
	ip -n $name link set lo up
done
ip -n router link add inner type veth peer name eth0 netns left
ip -n router link add outer type veth peer name eth0 netns right
ip -n router addr add 10.1.0.1/24 dev inner
ip -n router addr add 10.2.0.1/24 dev outer
ip -n left addr add 10.1.0.2/24 dev eth0
ip -n right addr add 10.2.0.2/24 dev eth0
for link in 'router inner' 'router outer' 'left eth0' 'right eth0'; do
	# shellcheck disable=SC2086
	set -- $link
	ip -n "$1" link set "$2" up
done
ip -n left route add default via 10.1.0.1
left="ip netns exec left" router="ip netns exec router" right="ip netns exec right"
$router sysctl -qw net.ipv4.ip_forward=1

reaches() {
	"$@" >/dev/null 2>&1 && echo yes || echo no
}
# It says who asks.
cat >serve <<'E'
import socket
server = socket.create_server(("10.2.0.2", 7000))
while True:
    connection, who = server.accept()
    connection.sendall(f"from {who[0]}\n".encode())
    connection.close()
E
$right python3 serve &
server=$!
comes "a server" eval '$right busybox netstat -nlt | grep -q :7000'
# ask ADDRESS PORT: what it answers, or nothing
ask() {
	$left timeout $((5 * slowness)) busybox nc "$@" </dev/null 2>/dev/null
}
refused() {
	$left timeout $((5 * slowness)) busybox nc "$@" </dev/null 2>&1 | grep -o refused
}

is "$(reaches $left ping -c 1 -W 1 10.2.0.2)" no "without a way back nothing comes"
passes "nft -f" $router nft -f - <<'E'
table ip nat {
	chain out {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "outer" counter masquerade
	}
	chain in {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "inner" tcp dport 80 counter dnat to 10.2.0.2:7000
	}
}
table inet filter {
	set refused {
		type ipv4_addr . inet_service
		elements = { 10.2.0.2 . 7001 }
	}
	map names {
		type inet_service : verdict
		elements = { 7002 : drop }
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { invalid : drop, established : accept, related : accept }
		ip daddr . tcp dport @refused counter reject with tcp reset
		tcp dport vmap @names
		iifname "inner" ct state new limit rate 1000/second counter accept
		log prefix "dropped " counter
	}
}
E
is "$(reaches $left ping -c 3 -i 0.2 -W 5 10.2.0.2)" yes "masquerade: an answer comes"
is "$(reaches $right ping -c 1 -W 1 10.1.0.2)" no "nobody comes from the other side"
is "$(ask 10.2.0.2 7000)" "from 10.2.0.1" "the other side sees the router"
is "$(ask 10.1.0.1 80)" "from 10.2.0.1" "dnat: a port of the router is one of the other side"
is "$(refused 10.2.0.2 7001)" refused "reject, by a set"
is "$(reaches $left timeout 1 busybox nc 10.2.0.2 7002)" no "drop, by a map"
is "$($router nft -j list chain inet filter forward | grep -o '"packets": [0-9]*' | head -n 2 | tr '\n' ' ')" '"packets": 1 "packets": 3 ' "what was counted"
is "$($router nft list table ip nat | sed 's/packets [0-9]* bytes [0-9]*/N/')" 'table ip nat {
	chain out {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "outer" counter N masquerade
	}

	chain in {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "inner" tcp dport 80 counter N dnat to 10.2.0.2:7000
	}
}' "nft list"
$router nft list ruleset >rules
(echo flush ruleset; cat rules) >again
passes "a ruleset is replaced in one step" $router nft -f again
is "$($router nft list ruleset)" "$(cat rules)" "by itself"
printf 'add rule inet filter forward ip daddr 1.2.3.4 accept\nadd rule inet nosuch forward accept\n' >bad
$router nft -f bad 2>err
is "$? $(grep -c 'No such file' err) $($router nft list ruleset | grep -c 1.2.3.4)" "1 1 0" "all of a step, or nothing"
passes "nft add element" $router nft add element inet filter refused '{ 10.2.0.2 . 7000 }'
is "$(refused 10.2.0.2 7000)" refused "refused now"
passes "nft flush ruleset" $router nft flush ruleset

# The same by iptables, which speaks nf_tables.
passes "iptables-restore" $router iptables-restore <<'E'
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i inner -p tcp -m tcp --dport 80 -m comment --comment "a web server" -j DNAT --to-destination 10.2.0.2:7000
-A PREROUTING -i inner -p tcp -m multiport --dports 81,82 -j REDIRECT --to-ports 7003
-A POSTROUTING -o outer -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:OWN - [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i inner -j OWN
-A OWN -p tcp -m tcp --dport 7001 -j REJECT --reject-with tcp-reset
-A OWN -m limit --limit 1000/sec -m mark ! --mark 0x5 -j ACCEPT
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i inner -p icmp -m ttl --ttl-eq 9 -j MARK --set-xmark 0x5/0xffffffff
COMMIT
E
is "$(reaches $left ping -c 1 -W 5 10.2.0.2) $(reaches $left ping -t 9 -c 1 -W 1 10.2.0.2) $(reaches $right ping -c 1 -W 1 10.1.0.2)" "yes no no" "masquerade, mark, and a policy"
is "$(ask 10.1.0.1 80)" "from 10.2.0.1" "DNAT"
$router busybox nc -l -p 7003 -e echo 'from the router' &
comes "a server on the router" eval '$router busybox netstat -nlt | grep -q :7003'
is "$(ask 10.1.0.1 82)" "from the router" "REDIRECT"
is "$(refused 10.2.0.2 7001)" refused "REJECT"
is "$($router iptables -t nat -S PREROUTING)" '-P PREROUTING ACCEPT
-A PREROUTING -i inner -p tcp -m tcp --dport 80 -m comment --comment "a web server" -j DNAT --to-destination 10.2.0.2:7000
-A PREROUTING -i inner -p tcp -m multiport --dports 81,82 -j REDIRECT --to-ports 7003' "iptables -S"
is "$($router iptables -nvxL OWN | awk '$3 == "REJECT" { print $1 }')" 1 "what was counted"
passes "iptables -D" $router iptables -D OWN 1
is "$($router iptables -S OWN)" "-N OWN
-A OWN -m limit --limit 1000/sec -m mark ! --mark 0x5 -j ACCEPT" "it is gone"
is "$(reaches $router ping -6 -c 1 -W 5 ::1)" yes "IPv6"
passes "ip6tables" $router ip6tables -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type echo-request -j DROP
is "$(reaches $router ping -6 -c 1 -W 1 ::1)" no "ip6tables: dropped"
is "$($router nft list tables | sort | tr '\n' ' ')" "table ip filter table ip mangle table ip nat table ip6 filter " "nft sees them"
is "$($router cat /proc/sys/net/netfilter/nf_conntrack_count | awk '{ print ($1 > 0) }')" 1 "connections are followed"
kill $server
done_testing
