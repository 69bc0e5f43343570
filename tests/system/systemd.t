#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# systemd as the first process: the state of the system, services and what they are bounded by, the
# journal, timers, sockets.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"
# value UNIT PROPERTY
value() {
	systemctl show --value -p "$2" "$1"
}

is "$(cat /proc/1/comm)" systemd "the first process"
comes "the system is up" eval '[ "$(systemctl list-jobs --no-legend | grep -vc kbox-test)" = 0 ]'
is "$(systemctl is-system-running) $(systemctl --failed --no-legend)" "running " "no unit has failed"
is "$(for unit in multi-user.target systemd-journald dbus systemd-logind systemd-udevd; do systemctl is-active $unit; done | sort | uniq -c | tr -s ' ')" " 5 active" "what is to be there is"
is "$(findmnt -no FSTYPE /sys/fs/cgroup)" cgroup2 "control groups"
is "$(sed 's/.*:://' /proc/self/cgroup)" /system.slice/kbox-test.service "our own"

is "$(systemd-run -q --wait --pipe sh -c 'echo "$0 $INVOCATION_ID" | tr a-z A-Z | cut -c1-5' hello)" HELLO "systemd-run --pipe"
systemd-run -q --wait sh -c 'exit 7'
is $? 7 "systemd-run --wait: its status"
systemd-run -q --unit=bounded -p MemoryMax=32M -p TasksMax=5 -p CPUWeight=50 sleep 1000
is "$(cd /sys/fs/cgroup/system.slice/bounded.service && cat memory.max pids.max cpu.weight memory.swap.max 2>/dev/null | head -n 3 | tr '\n' ' ')" "33554432 5 50 " "a service's limits are its control group's"
is "$(value bounded MainPID) $(value bounded TasksCurrent)" "$(cat /sys/fs/cgroup/system.slice/bounded.service/cgroup.procs) 1" "who is in it"
passes "systemctl freeze" systemctl freeze bounded
is "$(value bounded FreezerState) $(grep frozen /sys/fs/cgroup/system.slice/bounded.service/cgroup.events)" "frozen frozen 1" "it is frozen"
passes "systemctl thaw" systemctl thaw bounded
passes "systemctl kill" systemctl kill -s KILL bounded
comes "it is gone" eval '[ "$(value bounded Result)" = signal ]'
systemd-run -q --wait -p TasksMax=3 bash -c 'for i in 1 2 3 4 5; do sleep 100 & done; wait' 2>/dev/null
is "$(($? != 0))" 1 "no more processes than TasksMax"
systemd-run -q --unit=eater -p MemoryMax=40M -p MemorySwapMax=0 -p OOMPolicy=stop python3 -c 'a = b"x" * (200 << 20)'
comes "a service that takes more memory than it may" eval '[ "$(value eater Result)" = oom-kill ]'

# Each line is something that a sandbox refuses or hides.
cat >sandbox <<'E'
[ $(id -u) -ge 61184 ] && echo a user of its own
touch /usr/a /etc/a 2>&1 | sed 's/.*: //' | sort -u
ls -A /home
echo mine >/tmp/sandboxed && ls /tmp
tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
touch "$STATE_DIRECTORY/state" && ls -d "$STATE_DIRECTORY"
unshare -U true 2>&1 | sed 's/.*: //'
ls /dev/vda /dev/kmsg 2>/dev/null
echo 1 2>/dev/null >/proc/sys/kernel/panic || echo 'no tunables'
python3 -c '
import ctypes, errno, mmap, socket
libc = ctypes.CDLL(None, use_errno=True)
def err(result):
    return errno.errorcode[ctypes.get_errno()] if result == -1 else result
print("personality", err(libc.personality(0x0040000)))
libc.mmap.restype = ctypes.c_long
print("write and execute", err(libc.mmap(None, 4096, 7, 0x22, -1, 0)))
print("setpriority", err(libc.setpriority(0, 0, -5)))
for family in socket.AF_UNIX, socket.AF_INET, socket.AF_PACKET:
    try:
        socket.socket(family, socket.SOCK_DGRAM)
        print(family.name)
    except OSError as e:
        print(family.name, errno.errorcode[e.errno])
'
grep -E '^(NoNewPrivs|CapBnd|CapEff|Seccomp:)' /proc/self/status | tr -s '\t' ' '
E
mkdir -p /home/someone
echo other >/tmp/not-sandboxed
systemd-run -q --wait --pipe -p DynamicUser=yes -p StateDirectory=sandbox -p ProtectSystem=strict -p ProtectHome=tmpfs -p PrivateTmp=yes \
	-p PrivateNetwork=yes -p PrivateDevices=yes -p NoNewPrivileges=yes -p CapabilityBoundingSet= -p RestrictNamespaces=yes \
	-p ProtectKernelTunables=yes -p ProtectControlGroups=yes -p LockPersonality=yes -p MemoryDenyWriteExecute=yes -p RestrictRealtime=yes \
	-p RestrictAddressFamilies='AF_UNIX AF_INET' -p SystemCallFilter=@system-service -p SystemCallErrorNumber=EPERM \
	-p SystemCallArchitectures=native --unit=sandbox sh <sandbox >out 2>&1
is "$? $(cat out)" "0 a user of its own
Read-only file system
sandboxed
lo
/var/lib/sandbox
Operation not permitted
no tunables
personality EPERM
write and execute EPERM
setpriority EACCES
AF_UNIX
AF_INET
AF_PACKET EAFNOSUPPORT
CapEff: 0000000000000000
CapBnd: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" "a service in a sandbox"

# Its own device list, and addresses that it may not reach (BPF on control groups).
is "$(systemd-run -q --wait --pipe -p DevicePolicy=closed -p DeviceAllow='/dev/vda r' sh -c '
	for device in null vda kmsg; do head -c 1 /dev/$device >/dev/null 2>&1 && echo yes || echo no; done; : >>/dev/vda' 2>&1 | sed 's/.*: //' | tr '\n' ' ')" \
	"yes yes no Operation not permitted " "DeviceAllow: a list of devices"
is "$(systemd-run -q --wait --pipe -p IPAddressDeny=127.0.0.2 sh -c 'for i in 1 2; do ping -c 1 -W 1 127.0.0.$i >/dev/null 2>&1 && echo yes || echo no; done' | tr '\n' ' ')" "yes no " "IPAddressDeny"
systemd-run -q -p IPAccounting=yes --unit=counted -p RemainAfterExit=yes -p Type=oneshot python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
for i in range(5):
    s.sendto(b"x", s.getsockname())
    s.recv(1)'
is "$(value counted IPIngressPackets) $(value counted IPEgressPackets)" "5 5" "IPAccounting: packets are counted"

# The journal.
logger -t kbox-test -p daemon.warning 'a warning'
passes "journalctl --sync" journalctl --sync
is "$(journalctl -b -t kbox-test -o cat) $(journalctl -b -t kbox-test -o json | grep -o '"PRIORITY":"4"')" 'a warning "PRIORITY":"4"' "what is logged is in the journal"
is "$(systemd-run -q --wait --unit=said sh -c 'echo out; echo err >&2'; journalctl --sync; journalctl -b -u said -o cat _TRANSPORT=stdout | sort | tr '\n' ' ')" "err out " "and what a service says"
echo '<5>from a program' >/dev/kmsg
is "$(journalctl --sync; journalctl -b -k -o cat | grep -c 'from a program')" 1 "and the kernel's log"
for i in $(seq 2000); do echo "line $i"; done | systemd-cat -t many
is "$(journalctl --sync; journalctl -b -t many -o cat | sha256sum)" "$(for i in $(seq 2000); do echo "line $i"; done | sha256sum)" "2,000 lines in their order"
passes "journalctl --rotate" journalctl --rotate
passes "journalctl --verify" journalctl --verify

# Units of files: a socket that starts its service, a service that is restarted, a timer, a path.
cd /etc/systemd/system || exit
cat >echo.socket <<'E'
[Socket]
ListenStream=127.0.0.1:7007
Accept=yes
E
cat >echo@.service <<'E'
[Service]
ExecStart=sed -u "s/^/you said /"
StandardInput=socket
DynamicUser=yes
E
cat >again.service <<'E'
[Service]
ExecStart=sh -c 'echo x >>/run/again; test $(wc -l </run/again) -ge 3 && exec sleep 1000'
Restart=on-failure
RestartSec=100ms
E
cat >tick.timer <<'E'
[Timer]
OnActiveSec=200ms
AccuracySec=1ms
E
cat >tick.service <<'E'
[Service]
ExecStart=touch /run/ticked
E
cat >seen.path <<'E'
[Path]
PathExists=/run/look
E
cat >seen.service <<'E'
[Service]
ExecStart=sh -c 'rm /run/look; touch /run/seen'
E
cat >watched.service <<'E'
[Service]
Type=notify
NotifyAccess=all
WatchdogSec=10
ExecStart=sh -c 'systemd-notify --ready --status="it is up"; exec sleep 1000'
E
cd "$tmp" || exit
passes "systemctl daemon-reload" systemctl daemon-reload
passes "sockets, timers and paths are started" systemctl start echo.socket tick.timer seen.path again.service
is "$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/7007; echo hello >&3; read -r line <&3; echo "$line"')" "you said hello" "a connection starts a service"
touch /run/look
comes "a file starts a service" test -e /run/seen
comes "a timer starts a service" test -e /run/ticked
comes "a service is restarted" eval '[ "$(value again NRestarts)" = 2 ]'
passes "a service says when it is ready" systemctl start watched
is "$(value watched StatusText)" "it is up" "and what it does"
comes "what does not say that it is alive is ended" eval '[ "$(value watched Result)" = watchdog ]'
passes "systemctl daemon-reexec" systemctl daemon-reexec
is "$(systemctl is-active again.service echo.socket | tr '\n' ' ')" "active active " "what ran runs on"
is "$(loginctl list-seats --no-legend | tr -d ' ') $(busctl --list --no-legend 2>/dev/null | awk '{ print $1 }' | grep -cxE 'org.freedesktop.(DBus|systemd1|login1)')" "seat0 3" "who is on the bus"
is "$(udevadm info -q property /dev/vda | grep -c -e DEVNAME=/dev/vda -e SUBSYSTEM=block)" 2 "udev knows the disk"
is "$(systemd-detect-virt --container) $(hostnamectl hostname)" "none kbox" "what it is: no container"
is "$(timedatectl show -p NTP -p Timezone | sort | tr '\n' ' ' | grep -c Timezone)" 1 "timedatectl"
done_testing
