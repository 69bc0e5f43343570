#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a box with --allow reaches, and what it does not, whoever owns its kernel; --host-loopback and --net-log.
. "$(dirname "$0")/net.sh"

resolver=127.0.0.53
# passt has two descriptors of the host for each connection, kbox-slirp one, also for some time after its end.
at_once=${NET_AT_ONCE:-5000}
log=$tmp/log
# The log's lines, with what differs from run to run taken out.
logged() {
	sed -E 's/"time":"[0-9T:.-]+Z",//; s/"box_port":[0-9]+/"box_port":0/; s/"seconds":[0-9.]+/"seconds":0/' "$log"
}

# Servers: one port of host4 is allowed, another is not; other4 has the same two.
for addr in $host4 $other4 $host6; do
	outside acceptor "$addr" 7001
	outside acceptor "$addr" 7002
	outside udp_server "$addr" 7001
done

# Addresses and ports.
is "$(boxed --allow $host4:7001 -- python3 /net.py connects $host4-7001 $host4-7002 $other4-7001 $host4-7001/udp $host4-7002/udp $other4-7001/udp)" \
	"ok ECONNREFUSED ECONNREFUSED ok EHOSTUNREACH EHOSTUNREACH " "--allow ADDR:PORT: that, and nothing else; what is refused fails at once"
is "$(boxed --allow 192.0.2.2/31 -- python3 /net.py connects $host4-7001 $host4-7002 $other4-7001)" \
	"ok ok ok " "--allow ADDR/LEN: all ports of all of these"
is "$(boxed --allow 192.0.2.0/30:7000-7001 --allow $other4:7002 -- python3 /net.py connects $host4-7001 $host4-7002 $other4-7001 $other4-7002)" \
	"ok ECONNREFUSED ok ok " "--allow twice, and PORT-PORT"
if [ -n "$host6" ]; then
	is "$(boxed --allow "[$host6]:7001" -- python3 /net.py connects "$host6-7001" "$host6-7002" $host4-7001 "$host6-7002/udp")" \
		"ok ECONNREFUSED ECONNREFUSED EACCES " "--allow [ADDR6]:PORT"
	is "$(boxed --allow fd00:db8::/32 -- python3 /net.py connects "$host6-7001" "$host6-7002")" "ok ok " "--allow ADDR6/LEN"
fi
is "$(boxed --root-id --allow 198.51.100.1 -- python3 /net.py ping $host4 $host6)" "3 13 ${host6:+1 1 }" "an echo is told that it is prohibited"

# Names: the host's resolver has one that is allowed, and one that is not.
outside dns_server $resolver good.test=$host4 bad.test=$other4 trap.test=127.0.0.1,169.254.169.254,10.107.98.1,$host4 sub.wild.test=$other4
cp "$tmp/outside" "$tmp/asked"
asked=$tmp/outside
is "$(boxed --allow good.test:7001 -- python3 /net.py connects good.test-7001 good.test-7002 $host4-7001 bad.test-7001 none.test-7001 $other4-7001 2>"$tmp/err")" \
	"ok ECONNREFUSED ok gaierror gaierror ECONNREFUSED " "--allow NAME:PORT: what the host's resolver has for it, and no other name"
is "$(cat "$tmp/err")" "" "and nothing is said"
is "$(grep -c 'bad.test\|none.test' "$asked")" 0 "the host is not asked for another name"
is "$(boxed --allow GOOD.test. --allow dns -- sh -c "python3 /net.py connects good.test-7001 bad.test-7001; getent ahostsv4 bad.test | sed -n '1s/ .*//p'")" \
	"ok ECONNREFUSED 
$other4" "--allow dns: questions about all names, connections to those of the list"
is "$(boxed --allow '*.wild.test' -- python3 /net.py connects sub.wild.test-7001 good.test-7001 $host4-7001)" "ok gaierror ECONNREFUSED " \
	"--allow *.NAME: what is found by a name below it"
is "$(boxed --allow trap.test --host-loopback 7999 -- python3 /net.py connects $host4-7001 10.107.98.1-7001 10.107.98.1-7999 169.254.169.254-80)" \
	"ok ECONNREFUSED ECONNREFUSED ECONNREFUSED " "a name that has the host's loopback, its metadata or the gateway for an address opens none of these"
timeout "$limit" "$kbox" run --net --mem 256M --allow none.test -- true 2>"$tmp/err"
is "$? $(cat "$tmp/err")" "0 kbox: --allow none.test: Name or service not known; the host is asked again" "a name that there is not is said"

# A guest that owns its kernel.
outside udp_server $host4 7005 text
mv "$tmp/outside" "$tmp/attacked"
attacked=$tmp/attacked
python3 "$net" udp_server $other4 7004 text >"$tmp/end" 2>&1 &
own="$own $!"
beside --root-id --allow $other4:7004 --net-log "$log" -- sh -c "echo up; exec python3 /net.py attack 7004 7005 $other4 $host4 ${host6:-none}"
soon grep -q end "$tmp/end"
sleep 1
is "$(cat "$attacked")" up "nothing of an attack comes where it may not"
is "$(grep -c attack "$tmp/end")" 0 "nor by way of what is allowed, under another address"
kill "$pid"
wait "$pid"
is "$(grep -c '"verdict":"refused"' "$log" | sed 's/[1-9][0-9]*/some/')" some "the log has it"
is "$(python3 -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]; print("json")' "$log")" json "each line is JSON"
rm "$log"

# The log.
boxed --allow $host4:7001 --allow good.test:7001 --net-log "$log" -- python3 /net.py connects $host4-7001 $host4-7002 $host4-7001/udp bad.test-7001 >"$tmp/out"
logged >"$tmp/got"
cat >"$tmp/expected" <<E
{"verdict":"refused","direction":"out","protocol":"tcp","box":"10.107.98.2","box_port":0,"peer":"192.0.2.2","peer_port":7002}
{"verdict":"refused","direction":"out","protocol":"dns","name":"bad.test"}
{"verdict":"allowed","direction":"out","protocol":"udp","box":"10.107.98.2","box_port":0,"peer":"192.0.2.2","peer_port":7001,"sent":5,"received":5,"seconds":0,"end":"box"}
E
is "$(grep -v '"peer_port":7001.*tcp\|"tcp".*"peer_port":7001\|"peer_port":53,' "$tmp/got" | sort -u)" "$(sort -u "$tmp/expected")" "--net-log: what is refused, and each flow with its bytes"
is "$(grep -c '"verdict":"allowed".*"tcp".*"peer_port":7001.*"sent":0,"received":0.*"end":"\(closed\|reset\|box\)"' "$tmp/got")" 1 "and each connection"

# The host's loopback.
outside acceptor 127.0.0.1 7101
outside acceptor 127.0.0.1 7102
outside udp_server 127.0.0.1 7103
is "$(boxed --host-loopback 7101 --host-loopback 7103/udp -- python3 /net.py connects 10.107.98.1-7101 10.107.98.1-7102 10.107.98.1-7103/udp 10.107.98.1-7101/udp $host4-7001)" \
	"ok ECONNREFUSED ok EHOSTUNREACH ok " "--host-loopback: these ports, at the gateway"
is "$(boxed -- python3 /net.py connects 10.107.98.1-7101 127.0.0.1-7101)" "ECONNREFUSED ECONNREFUSED " "without: none"
is "$(boxed --host-loopback 7101 -- python3 /net.py connects host.kbox.internal-7101)" "ok " "the gateway has a name"

# In, with a list: what comes by -p may be answered, and a server may speak first.
for addr in 127.0.0.1 $host4 $host6; do
	listen=0.0.0.0
	case $addr in *:*) listen=:: ;; esac
	beside -p 8001:7001 --allow 198.51.100.1 -- python3 /net.py first_speaker $listen 7001 40
	is "$(timeout "$limit" python3 "$net" first_heard "$addr" 8001 40)" "40 heard" "-p: a server that speaks first, $addr"
	wait "$pid"
done
beside -p 8002:7002/udp --allow 198.51.100.1 -- python3 /net.py udp_server 0.0.0.0 7002
is "$(timeout "$limit" python3 "$net" udp_client 127.0.0.1 8002 one end | tr '\n' ' ')" "one end " "-p /udp from the host's loopback"
wait "$pid"

# Many.
outside acceptor $host4 7006 "$at_once"
is "$(boxed --root-id --allow $host4:7006 -- python3 /net.py many $host4 7006 10000 "$at_once")" 10000 "10,000 connections, $at_once at once"
soon grep -q "^10000" "$tmp/outside"
is "$(tail -n 1 "$tmp/outside")" 10000 "and all came from the box"

# Wrong, and in one line.
fails() {
	name=$1
	shift
	timeout "$limit" "$kbox" run --mem 256M "$@" -- true >"$tmp/out" 2>&1
	is "$? $(wc -l <"$tmp/out") $(cat "$tmp/out")" "125 1 $says" "$name"
}
for option in "--allow dns" "--host-loopback 80" "--net-log /tmp/x"; do
	says="kbox: ${option% *} is for a box with a network; give --net too"
	# shellcheck disable=SC2086 # two words
	fails "${option% *} without --net" $option
done
says="kbox: --allow 10.0.0.0/33: that is not an address, nor ADDR/LEN"
fails "--allow 10.0.0.0/33" --net --allow 10.0.0.0/33
says="kbox: --allow 10.0.0.1:0: ports are numbers from 1 to 65535, PORT or FIRST-LAST"
fails "--allow 10.0.0.1:0" --net --allow 10.0.0.1:0
says="kbox: --allow a b: that is neither an address nor a name"
fails "--allow 'a b'" --net --allow "a b"
says="kbox: --allow 127.0.0.1:80: that is this machine's loopback; see --host-loopback"
fails "--allow 127.0.0.1:80" --net --allow 127.0.0.1:80
says="kbox: --host-loopback 0: give a port from 1 to 65535, and /udp behind it for UDP"
fails "--host-loopback 0" --net --host-loopback 0
says="kbox: --net-log /none/x: No such file or directory"
fails "--net-log /none/x" --net --net-log /none/x
says="kbox: --net-log /dev/null: not a regular file"
fails "--net-log /dev/null" --net --net-log /dev/null
done_testing
