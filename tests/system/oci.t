#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# runc and crun: a bundle with limits, a device list, a seccomp filter, and a network of its own
# behind a bridge.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"

small_root "$tmp/rootfs"
passes "a bridge" ip link add br7 type bridge
ip addr add 10.7.0.1/24 dev br7
ip link set br7 up
# network NAME ADDRESS: a network namespace with a port of the bridge
network() {
	ip netns add "$1" && ip link add "$1" type veth peer name eth0 netns "$1" && ip link set "$1" master br7 up &&
		ip -n "$1" addr add "$2/24" dev eth0 && ip -n "$1" link set eth0 up && ip -n "$1" link set lo up
}
passes "a network" network net2 10.7.0.2
passes "another one" network net3 10.7.0.3

# bundle NAME NETWORK COMMAND: in directory NAME, from the runtime's own specification
bundle() {
	mkdir -p "$1"
	rm -f "$1/config.json"
	(cd "$1" && $runtime spec) && python3 - "$tmp/rootfs" "$1" "$2" "$3" <<'E'
import json, platform, sys
root, bundle, net, command = sys.argv[1:]
path = f"{bundle}/config.json"
c = json.load(open(path))
c["root"] = {"path": root, "readonly": True}
c["hostname"] = bundle
c["process"]["terminal"] = False
c["process"]["args"] = ["/bin/sh", "-c", command]
for kind in c["process"]["capabilities"]:
    c["process"]["capabilities"][kind] = ["CAP_NET_RAW", "CAP_MKNOD", "CAP_SYS_ADMIN"]
for n in c["linux"]["namespaces"]:
    if n["type"] == "network":
        n["path"] = f"/run/netns/{net}"
c["linux"]["resources"] = {
    "memory": {"limit": 48 << 20}, "pids": {"limit": 20}, "cpu": {"shares": 512, "quota": 50000, "period": 100000},
    "devices": [{"allow": False, "access": "rwm"}] + [{"allow": True, "type": "c", "major": 1, "minor": m, "access": "rwm"} for m in (3, 5, 8, 9)]}
c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_" + platform.machine().upper()],
    "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
c["linux"]["maskedPaths"] = ["/proc/kcore", "/proc/keys"]
c["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m", "mode=1777"]})
json.dump(c, open(path, "w"))
E
}

status() {
	$runtime state "$1" 2>/dev/null | sed -n 's/.*"status": "\(.*\)",*/\1/p'
}

for runtime in runc crun; do
	bundle one net2 '
		echo "$(hostname) $$ $(id -u)"
		set -- /proc/[0-9]*; echo $#
		touch /new 2>&1 | sed "s/.*: //"
		touch /tmp/new && ls /tmp
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max
		dd if=/dev/zero of=/tmp/big bs=1M count=2 2>&1 | grep -o "No space.*"
		mknod /tmp/zero c 1 5 && head -c 3 /tmp/zero | wc -c
		mknod /tmp/vda b $(cat /sys/class/block/vda/dev | tr : " "); head -c 1 /tmp/vda 2>&1 | sed "s/.*: //"
		hostname other 2>&1 | sed "s/.*: //"
		sed -n "s/Seccomp:\t/filter /p; s/NoNewPrivs:\t/nnp /p" /proc/self/status
		ip -4 -o addr show | sed "s/ *brd.*//; s/ *scope.*//; s/  */ /g"
		ping -c 1 -W 5 10.7.0.1 | grep -o "1 packets received"
		head -c 1 /dev/zero | tail -c 1 >/dev/null && exit 5'
	$runtime run --bundle one one >out 2>&1 </dev/null
	is "$? $(cat out)" "5 one 1 0
1
Read-only file system
new
50331648
20
50000 100000
No space left on device
3
Operation not permitted
Operation not supported
nnp 1
filter 2
1: lo inet 127.0.0.1/8
2: eth0 inet 10.7.0.2/24
1 packets received" "$runtime run"
	is "$(status one)" "" "$runtime: it is gone"

	# One that runs, and another that talks to it by the bridge.
	bundle server net2 'echo ready; while :; do echo "hello from $(hostname)" | nc -l -p 7000; done'
	bundle client net3 'nc -w 5 10.7.0.2 7000 </dev/null; ping -c 1 -W 5 10.7.0.2 | grep -o "1 packets received"'
	: >said
	passes "$runtime create" sh -c "$runtime create --bundle server server >said 2>&1 </dev/null"
	is "$(status server) $(cat said)" "created " "$runtime: it waits"
	passes "$runtime start" "$runtime" start server
	comes "$runtime: it runs" grep -q ready said
	is "$($runtime run --bundle client client 2>&1 </dev/null)" "hello from server
1 packets received" "$runtime: one container talks to another"
	is "$($runtime exec server /bin/sh -c 'hostname; ip -4 -o addr show eth0 | grep -o 10.7.0.2; exit 0' 2>&1 </dev/null)" "server
10.7.0.2" "$runtime exec"
	is "$($runtime list 2>/dev/null | awk 'NR > 1 { print $1, $3 }')" "server running" "$runtime list"
	passes "$runtime pause" "$runtime" pause server
	is "$(status server) $(grep -c server /proc/"$($runtime state server | sed -n 's/.*"pid": \([0-9]*\),*/\1/p')"/cgroup)" "paused 1" "$runtime: it is paused, in a group of its own"
	passes "$runtime resume" "$runtime" resume server
	passes "$runtime kill" "$runtime" kill server KILL
	comes "$runtime: it has stopped" eval '[ "$(status server)" = stopped ]'
	passes "$runtime delete" "$runtime" delete server
	is "$($runtime list -q 2>/dev/null) $(find /sys/fs/cgroup -name '*server*')" " " "$runtime: nothing is left"

	bundle eater net3 'sh -c "head -c 100m /dev/zero | tail -c 90m >/dev/null"; echo $?'
	is "$($runtime run --bundle eater eater 2>/dev/null </dev/null)" 137 "$runtime: more memory than it may have"
	bundle forks net3 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i + 1)); done'
	$runtime run --bundle forks forks >out 2>&1 </dev/null
	is "$(($? != 0)) $(grep -c 'fork.*Resource temporarily unavailable' out)" "1 1" "$runtime: more processes than it may have"
done
done_testing
