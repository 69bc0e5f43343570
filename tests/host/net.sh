# SPDX-License-Identifier: GPL-2.0-only
# What tests of a box with a network share, by the engine NET_ENGINE. The test has a network namespace
# of its own, in which the host has three addresses beside loopback: nothing leaves this machine, and
# ports are free.
. "$(dirname "$0")/lib.sh"

engine=${NET_ENGINE:-passt}
case $engine in
passt)
	program=passt
	command -v passt >/dev/null || skip_all "passt is not installed"
	;;
slirp)
	program="kbox-slirp"
	"$build/kbox-slirp" --version >/dev/null 2>&1 || skip_all "kbox-slirp is not built, or libslirp is not installed"
	;;
esac
command -v python3 >/dev/null || skip_all "python3 is not installed"
if [ -z "${NET_TEST:-}" ]; then
	unshare -rnm true 2>/dev/null || skip_all "no user and network namespaces here"
	rm -rf "$tmp"
	NET_TEST=1 exec unshare -rnm "$0"
fi
host4=192.0.2.2 host6=fd00:db8::2 other4=192.0.2.3
ip link set lo up
ip addr add $host4/32 dev lo
ip addr add $other4/32 dev lo
ip addr add $host6/128 dev lo nodad 2>/dev/null && ip addr add fe80::2/64 dev lo nodad || host6=
echo "nameserver 127.0.0.53" >"$tmp/resolv.conf"
resolv=$(readlink -f /etc/resolv.conf)
[ ! -e "$resolv" ] || mount --bind "$tmp/resolv.conf" "$resolv"

own_name
own=
trap 'kill $own 2>/dev/null; rm -rf "$tmp"' EXIT
net=$top/tests/host/net.py

# The host's end: outside COMMAND..., until the test ends; its words are in $tmp/outside.
outside() {
	: >"$tmp/outside"
	timeout "$limit" python3 "$net" "$@" >"$tmp/outside" 2>&1 &
	own="$own $!"
	soon grep -q up "$tmp/outside"
}
boxed() {
	timeout "$limit" "$kbox" run --net="$engine" --mem 256M -v "$net:/net.py:ro" "$@"
}
inside() {
	boxed -- python3 /net.py "$@"
}
# A box beside the test: its words are in $tmp/beside. Sets pid.
beside() {
	: >"$tmp/beside"
	"$kbox" run --net="$engine" --mem 256M -v "$net:/net.py:ro" "$@" >"$tmp/beside" 2>"$tmp/beside.err" &
	pid=$!
	own="$own $pid"
	soon grep -q up "$tmp/beside"
}
# The engine of the box whose supervisor is $1: its name is that of the program's variant for this processor.
engine() {
	pgrep -P "$1" "^$program"
}
# Those of this test's network namespace.
engines_left() {
	pgrep -r D,R,S,T --ns $$ --nslist net -f "^$program --fd" | tr '\n' ' '
}
both_up() {
	[ "$(grep -o up "$tmp/beside" | wc -l)" = 2 ]	# lines of two that write at once may be mixed
}
nobody_left() {
	[ -z "$(host_processes)" ]
}
no_engine() {
	[ -z "$(engines_left)" ]
}
