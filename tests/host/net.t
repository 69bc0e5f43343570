#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A box with a network, by the engine NET_ENGINE.
. "$(dirname "$0")/net.sh"

# Out.
for addr in $host4 $host6; do
	outside tcp_server "$addr" 7001 1 100
	is "$(inside tcp_client "$addr" 7001 100)" same "100 MiB to $addr, and back"
	outside udp_server "$addr" 7002
	is "$(inside udp_client "$addr" 7002 one two end | tr '\n' ' ')" "one two end " "UDP to $addr, and back"
	is "$(inside refused "$addr" 7999)" refused "a port of $addr at which nobody listens"
done
[ -n "$host6" ] || echo "# this host has no IPv6"

# What the guest has, before its command runs.
boxed -- sh -c 'ip -o addr show eth0; ip route; cat /sys/class/net/eth0/mtu; cat /etc/resolv.conf' >"$tmp/out"
like "$(cat "$tmp/out")" "*inet 10.107.98.2/24 *default via 10.107.98.1 dev eth0*65520*nameserver 10.107.98.3" "address, route, MTU, resolver"
is "$("$kbox" run --mem 256M -- sh -c 'ls /sys/class/net | grep -c eth')" 0 "without --net there is no card"
is "$("$kbox" run --net --net=none --mem 256M -- sh -c 'ls /sys/class/net | grep -c eth')" 0 "--net=none: the same"

# Names: the host's resolver is on its loopback.
outside dns_server 127.0.0.53 box.test=192.0.2.77
is "$(boxed -- getent ahostsv4 box.test | awk '{ print $1; exit }')" 192.0.2.77 "a name, by the resolver on the host's loopback"
is "$(cat /etc/resolv.conf)" "nameserver 127.0.0.53" "the host's resolv.conf is as it was"

# A root that is written: the file is there, elsewhere, or not at all.
for kind in file symlink nothing; do
	root=$tmp/root.$kind
	mkdir -p "$root/etc" "$root/bin" "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	case $kind in
	file) echo mine >"$root/etc/resolv.conf" ;;
	symlink) ln -s ../run/none "$root/etc/resolv.conf" ;;
	esac
	ls -lR "$root/etc" >"$tmp/before"
	timeout "$limit" "$kbox" --root "$root:rw" --net="$engine" --mem 256M -- /bin/busybox cat /etc/resolv.conf >"$tmp/out" 2>"$tmp/err"
	ls -lR "$root/etc" >"$tmp/after"
	is "$(diff "$tmp/before" "$tmp/after")" "" "--root DIR:rw, $kind at /etc/resolv.conf: it stays as it was"
	if [ $kind = nothing ]; then
		is "$(head -n 1 "$tmp/err")" "kbox: --net: /etc/resolv.conf: No such file or directory: no name will be found" "and kbox says so"
		is "$(timeout "$limit" "$kbox" --root "$root" --net="$engine" --mem 256M -- /bin/busybox cat /etc/resolv.conf)" \
			"nameserver 10.107.98.3" "--root DIR: it is made in memory"
	else
		is "$(cat "$tmp/out")" "nameserver 10.107.98.3" "and the guest has the box's"
	fi
done

# In.
beside -p 8001:7001 -p $host4:8002:7002/udp -- sh -c 'python3 /net.py udp_server 0.0.0.0 7002 & python3 /net.py tcp_server :: 7001 2 100; wait'
soon both_up
is "$(timeout "$limit" python3 "$net" tcp_client 127.0.0.1 8001 100)" same "-p: 100 MiB into the box, and back"
is "$(timeout "$limit" python3 "$net" tcp_client $host4 8001 100)" same "by another address of the host's"
is "$(timeout "$limit" python3 "$net" refused 127.0.0.1 8002)" refused "-p ADDR: not at another address"
is "$(timeout "$limit" python3 "$net" udp_client $host4 8002 one end | tr '\n' ' ')" "one end " "-p /udp"
wait "$pid"
is $? 0 "the box ends"
is "$(cat "$tmp/beside.err")" "" "and nobody has said anything"
soon no_engine
is "$(engines_left)" "" "nothing of the engine is left"

# Two at once, with a port each.
beside -p 8001:7001 -- python3 /net.py tcp_server 0.0.0.0 7001 1 1
first=$pid
beside -p 8002:7001 -- python3 /net.py tcp_server 0.0.0.0 7001 1 1
is "$(engines_left | wc -w)" 2 "two engines"
is "$(timeout "$limit" python3 "$net" tcp_client 127.0.0.1 8001 1; timeout "$limit" python3 "$net" tcp_client 127.0.0.1 8002 1)" "same
same" "two boxes"
wait "$first" "$pid"

# The host's loopback, by a guest that owns its kernel. The last frame is one that comes through.
loopbacks="127.0.0.1 127.1.2.3 0.0.0.0"
targets=$host4
[ -z "$host6" ] || loopbacks="$loopbacks ::1 :: ::ffff:127.0.0.1"
outside udp_server 0.0.0.0 7003 text
# shellcheck disable=SC2086 # a list
beside --root-id -- sh -c 'echo up; exec python3 /net.py raw 7003 "$@"' raw $loopbacks $targets
soon grep -q end "$tmp/outside"
is "$(tr '\n' ' ' <"$tmp/outside")" "up end " "frames to the host's loopback do not come there, others do"
kill "$pid"
wait "$pid"

# Wrong, and in one line.
fails() {
	name=$1
	shift
	timeout "$limit" "$kbox" run --mem 256M "$@" -- true >"$tmp/out" 2>&1
	is "$? $(wc -l <"$tmp/out") $(sed 's/[0-9]*$//' "$tmp/out")" "125 1 $says" "$name"
}
says="kbox: -p is for a box with a network; give --net too"
fails "-p without --net" -p 80:80
says="kbox: --net=tap: use user, passt, slirp or none"
fails "--net=tap" --net=tap
says="kbox: -p 80: give [ADDR:]HOST:GUEST, ports from 1 to 65535, and /udp behind it for UDP"
fails "-p 80" --net -p 80
outside tcp_server 127.0.0.1 7004 1 1
says="kbox: -p: port 7004 of TCP: Address already in use"
fails "-p of a port in use, at one address" --net -p 7004:80
says="kbox: -p: port 7004 of TCP at 127.0.0.1: Address already in use"
fails "-p of a port in use, at that address" --net -p 127.0.0.1:7004:80
outside udp_server 127.0.0.1 7004
says="kbox: -p: port 7004 of UDP: Address already in use"
fails "-p of a port of UDP in use" --net -p 7004:80/udp
says="kbox: -p: port 80 of TCP at 192.0.2.9: Cannot assign requested address"
fails "-p of an address that is not the host's" --net -p 192.0.2.9:80:80
says="kbox: --net needs passt or kbox-slirp, and neither is here; install the package passt"
is "$(KBOX_PASST=/none KBOX_SLIRP=/none "$kbox" run --net --mem 256M -- true 2>&1; echo $?)" "$says
125" "no engine is there"
case $engine in
passt)
	says="kbox: --net=passt needs passt, which is not here; install the package passt"
	is "$(PATH=/none "$kbox" run --net=passt --mem 256M -- true 2>&1)" "$says" "no passt in PATH"
	printf '#!/bin/sh\necho "Something is wrong" >&2\nexit 1\n' >"$tmp/passt"
	chmod +x "$tmp/passt"
	is "$(KBOX_PASST=$tmp/passt "$kbox" run --net --mem 256M -- true 2>&1)" "kbox: --net: passt: Something is wrong" "an engine that does not start"
	;;
slirp)
	says="kbox: --net=slirp needs kbox-slirp, which is not here; it is a part of kbox that needs libslirp"
	is "$(KBOX_SLIRP=/none "$kbox" run --net=slirp --mem 256M -- true 2>&1)" "$says" "no kbox-slirp"
	is "$(KBOX_PASST=/none "$kbox" run --net --mem 256M -- sh -c 'ls /sys/class/net | grep -c eth')" 1 "without passt --net takes it"
	;;
esac

# A host without user namespaces.
without_namespaces() {
	unshare -rm sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh \
		timeout "$limit" "$kbox" run --mem 256M -v "$net:/net.py:ro" "$@" 2>&1
}
if [ "$engine" = passt ]; then
	is "$(without_namespaces --net=passt -- true)" \
		"kbox: --net: passt: Couldn't create user namespace: No space left on device; it needs user namespaces, see kbox doctor" \
		"a host without user namespaces"
else
	for net_option in --net=slirp --net; do	# --net tries passt first
		outside tcp_server $host4 7001 1 1
		is "$(without_namespaces "$net_option" -- python3 /net.py tcp_client $host4 7001 1)" same "a host without user namespaces: $net_option"
	done
fi

# A connection that one end has closed in its direction goes on in the other one.
sum_in() {
	grep -o '[0-9a-f]\{64\}' "$1"
}
outside first_closer $host4 7001
beside -- python3 /net.py on_and_on $host4 7001 10 1000
soon sum_in "$tmp/outside" >"$tmp/out"
is "$(sum_in "$tmp/outside")" "$(sum_in "$tmp/beside")" "10 MiB from the box after the host's end has closed its direction"
kill "$pid"
wait "$pid"
beside -p 8001:7001 -- sh -c 'python3 /net.py half_server :: 7001 10; exec sleep 1000'
is "$(timeout "$limit" python3 "$net" half_client 127.0.0.1 8001 10)" same "-p: 10 MiB from the box after the host's end has"
kill "$pid"
wait "$pid"

# Whoever owns the network card sees what goes by.
if command -v tcpdump >/dev/null; then
	boxed --root-id -- sh -c "tcpdump -i eth0 -Z root -nlc 1 'tcp dst port 7999' & while kill -0 \$! 2>/dev/null; do
		python3 /net.py refused $host4 7999; sleep 0.1; done" >"$tmp/out" 2>"$tmp/err"
	like "$(grep ' > ' "$tmp/out")" "*IP 10.107.98.2.* > $host4.7999: Flags \[S\]*" "tcpdump in the box"
else
	skip "tcpdump is not installed" "tcpdump in the box"
fi

# What passt of 2023 does not do. From ::1 at once after the start.
if [ "$engine" = slirp ]; then
	outside greeter 127.0.0.53 53 1
	is "$(inside greeted 10.107.98.3 53)" hello "the resolver on the host's loopback, by TCP"
	for addr in $host4 $host6; do
		outside half_server "$addr" 7001 10
		is "$(inside half_client "$addr" 7001 10)" same "10 MiB from $addr after the guest has closed its direction"
	done
	beside -p 8001:7001 -- python3 /net.py first_closer :: 7001
	timeout "$limit" python3 "$net" on_and_on 127.0.0.1 8001 10 >"$tmp/out"
	wait "$pid"
	is "$(sum_in "$tmp/beside")" "$(sum_in "$tmp/out")" "-p: 10 MiB into the box after its end has closed its direction"
	# shellcheck disable=SC2086 # words, or none
	set -- ${host6:+::1} 127.0.0.1 $host4 $host6
	beside -p 8001:7001 -- python3 /net.py greeter :: 7001 $#
	for addr; do
		is "$(timeout "$limit" python3 "$net" greeted "$addr" 8001)" hello "a server in the box that speaks first, by $addr"
	done
	wait "$pid"
fi

# The engine is killed: the link goes down, the box lives.
beside -- sh -c 'echo up; until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do sleep 0.1; done; echo down; exit 7'
kill -9 "$(engine "$pid")"
wait "$pid"
is "$? $(tail -n 1 "$tmp/beside")" "7 down" "an engine that is killed: the guest's link goes down, and the box lives"
is "$(cat "$tmp/beside.err")" "kbox: $program is gone: the box goes on, without a network" "one line says so"

outside drain $host4 7001
beside -- sh -c "python3 /net.py pour $host4 7001 & until [ \"\$(cat /sys/class/net/eth0/carrier)\" = 0 ]; do sleep 0.1; done; exit 7"
kill -9 "$(engine "$pid")"
wait "$pid"
is "$? $(cat "$tmp/beside.err")" "7 kbox: $program is gone: the box goes on, without a network" "and so in the midst of data"
soon grep -q end "$tmp/outside"
is $? 0 "whose other end hears of it"

# The supervisor is killed: the engine goes.
beside -- sh -c 'echo up; exec sleep 1000'
is "$(engines_left | wc -w)" 1 "an engine is seen"
kill -9 "$pid"
soon no_engine
is "$(engines_left)" "" "a supervisor that is killed leaves no engine"
soon nobody_left
is "$(host_processes)" "" "nor a process of the box"

# A flood each way: the supervisor's own memory stays as it is, and the engine's.
anon() {
	awk '/^RssAnon/ { print $2 }' "/proc/$1/status"
}
beside -p 8005:7005/udp -- sh -c "python3 /net.py udp_server 0.0.0.0 7005 & sleep 1; python3 /net.py flood $host4 7006 1000; echo flooding; python3 /net.py flood $host4 7006 200000; echo flooded; exec sleep 1000"
soon grep -q flooding "$tmp/beside"
by=$(engine "$pid")
before=$(anon "$pid") engine_before=$(anon "$by")
timeout "$limit" python3 "$net" flood 127.0.0.1 8005 200000
soon grep -q flooded "$tmp/beside"
after=$(anon "$pid") engine_after=$(anon "$by")
is "$((after - before < 2048))" 1 "a flood each way takes no memory of the supervisor's: $before KiB, then $after"
is "$((engine_after - engine_before < 8192))" 1 "nor of the engine's: $engine_before KiB, then $engine_after"

# Then all is quiet: for two seconds nothing wakes the supervisor's main thread, which has card and engine. Nor does it run on
# without waiting: its processor time would grow.
turns() {
	grep ctxt_switches "/proc/$pid/status"
	cat "/proc/$pid/schedstat" 2>/dev/null
}
quiet() {
	was=$(turns)
	sleep 2
	[ "$was" = "$(turns)" ]
}
soon quiet
is $? 0 "a box whose network is quiet is idle"
kill "$pid"
wait "$pid"
soon no_engine
is "$(engines_left)" "" "nothing of any engine is left"

# What kbox-slirp has given up (tests/unit/test_slirp.c has its filter); and it is as idle as its box, with a port of -p.
if [ "$engine" = slirp ]; then
	beside -p 8001:7001 -- sh -c 'echo up; exec sleep 1000'
	box=$pid pid=$(engine "$pid")
	is "$(grep -E '^(CapPrm|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -d '\t' | tr '\n' ' ')" \
		"CapPrm:0000000000000000 CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 " "the engine has no capabilities, and a filter"
	is "$(ls -A "/proc/$pid/root/")" "" "its root is empty"
	is "$(touch "/proc/$pid/root/file" 2>&1 | grep -c 'Read-only')" 1 "and stays so"
	is "$(awk '/^Max core/ { print $5, $6 }' "/proc/$pid/limits")" "0 0" "it leaves no dump"
	soon quiet
	is $? 0 "it is idle, too"
	kill "$box"
	wait "$box"

	# More clients than it has descriptors: they wait, and so does it. stat has ticks of a hundredth of a second.
	busy() {
		awk '{ print $14 + $15 }' "/proc/$1/stat"
	}
	prlimit --nofile=400:400 "$kbox" run --net=slirp --mem 256M -p 8001:7001 -v "$net:/net.py:ro" -- \
		python3 /net.py greeter :: 7001 1000 >"$tmp/beside" 2>&1 &
	box=$!
	own="$own $box"
	soon grep -q up "$tmp/beside"
	pid=$(engine "$box")
	outside crowd 127.0.0.1 8001 600
	crowd=$!
	crowded() {
		[ "$(find "/proc/$pid/fd/" | wc -l)" -gt 300 ]
	}
	soon crowded
	was=$(busy "$pid")
	sleep 2
	is "$(($(busy "$pid") - was < 100))" 1 "more connections than descriptors do not keep it busy"
	kill "$crowd"
	is "$(timeout "$limit" python3 "$net" greeted 127.0.0.1 8001)" hello "and who waits has his turn"
	kill "$box"
	wait "$box"
fi
done_testing
