#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Under the seccomp filters that podman and docker give a container by default, and older ones: boxes of both ways.
# shellcheck disable=SC2016,SC2086 # the guest expands it; $as, $whos and $words are several words
. "$(dirname "$0")/lib.sh"
filter=$top/tests/host/under-filter
"$filter" -- true 2>/dev/null || skip_all "no python3-seccomp"
chmod 755 "$tmp"

if [ "$(id -u)" = 0 ]; then
	whos='root user' user='setpriv --reuid 65533 --regid 65533 --clear-groups'
else
	whos=user user=
fi
root='setpriv --bounding-set=-all --inh-caps=-all'

# under WHO WORDS -- COMMAND...: see under-filter
under() {
	case $1 in
	root) as=$root ;;
	*) as=$user ;;
	esac
	shift
	timeout "$limit" $as "$filter" "$@"
}

# podman's is a file of its own, docker's is in the package that others build with.
podman=/usr/share/containers/seccomp.json
docker=$build/seccomp/docker.json
if [ ! -e "$docker" ]; then
	mkdir -p "$build/seccomp"
	(cd "$tmp" && apt-get download -q golang-github-docker-docker-dev && dpkg-deb -x golang-github-docker-docker-dev_*.deb .) >"$tmp/log" 2>&1 &&
		cp "$tmp/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json" "$docker"
fi

fences='(host calls are filtered|signals stay in the box|the supervisor locks itself in)'
for profile in $podman "$docker"; do
	if [ ! -e "$profile" ]; then
		echo "# there is no $profile"
		continue
	fi
	for who in $whos; do
		name="$(basename "$profile"), $who"
		under $who "$profile" -- sh -c 'grep "^Seccomp:" /proc/self/status; setarch -R true' >"$tmp/out" 2>&1
		is "$(head -n 1 "$tmp/out" | tr -d '\t') $(wc -l <"$tmp/out")" "Seccomp:2 2" "$name: there is the filter, and it refuses something"
		for mode in trap rewrite; do
			is "$(under $who "$profile" -- "$kbox" -S "$image" --ephemeral --mem 256M --syscall-mode=$mode -- /bin/sh -c '(echo up) | cat' 2>&1)" \
				up "$name: $mode"
		done
		is "$(echo in | under $who "$profile" -- "$kbox" -S "$image" --ephemeral --fd 5 -- /bin/sh -c 'cat; (cat <&5; exit 3) & wait $!' \
			5<"$tmp/out" 2>&1; echo $?)" "in
$(cat "$tmp/out")
3" "$name: descriptors, processes"
		is "$(cd "$tmp" && under $who "$profile" -- "$kbox" run --mem 256M -v "$top/tests:/t:ro" -- sh -c 'ls /t/host/container.t; pwd' 2>&1)" \
			"/t/host/container.t
$tmp" "$name: directories of the host"
		under $who "$profile" -- "$kbox" doctor >"$tmp/out" 2>&1
		is "$? $(grep -c MISSING "$tmp/out")" "0 0" "$name: the doctor"
		# The fences that need no control group, which this machine may not let anybody make.
		is "$(grep -Ec "^ok  .*$fences" "$tmp/out") $(grep -c 'NOT: .*(seccomp)' "$tmp/out")" "3 0" "$name: the doctor finds the fences"
	done
done

# What a filter that is older than the host's kernel or libc may refuse, with the wrong error.
for call in clone3 close_range rseq personality membarrier set_robust_list madvise fallocate sysinfo sched_getaffinity; do
	for error in EPERM ENOSYS; do
		is "$(under user $call=$error -- "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c '(echo up) | cat' 2>&1)" up "$call: $error"
	done
	under user $call=EPERM -- "$kbox" doctor >"$tmp/out" 2>&1
	is "$? $(grep -c MISSING "$tmp/out")" "0 0" "$call: the doctor"
done
is "$(under user clone3=EPERM close_range=EPERM rseq=EPERM personality=EPERM membarrier=EPERM faccessat2=EPERM openat2=EPERM -- \
	"$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c '(echo up) | cat' 2>&1)" up "all that came in the last years"

# Randomization that may not be switched off: what is in the way of the guest's kernel one time in twelve is not so when tried again.
if [ "$(uname -m)" = x86_64 ]; then
	bad=0
	for _ in $(seq 30); do
		prlimit --stack=8246337204224 "$filter" personality=EPERM 'prlimit64=EPERM:1&0xffff=3' -- "$kbox" doctor >"$tmp/out" 2>&1 || bad=$((bad + 1))
	done
	is $bad 0 "libraries that are in the way at random"
fi

# What there is no other way for: one line, and the doctor says what is missing.
refused() {
	words=$1 pattern=$2
	under user $words -- "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/true >"$tmp/out" 2>"$tmp/err"
	is "$? $(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "125 1 0" "$words: status 125, one line"
	like "$(cat "$tmp/err")" "$pattern" "$words: which says why"
	under user $words -- "$kbox" doctor >"$tmp/out" 2>&1
	is $? 1 "$words: the doctor"
	like "$(cat "$tmp/out")" "*MISSING*kbox cannot run here." "$words: says what is missing"
}
refused seccomp=EPERM "kbox: seccomp: *; this host cannot run kbox (see kbox doctor)"
refused seccomp=ENOSYS "kbox: seccomp: *; this host cannot run kbox (see kbox doctor)"
refused memfd_create=EPERM "kbox: memfd_create: *; this host cannot run kbox (see kbox doctor)"
refused clone=EPERM "kbox: *fork: Operation not permitted*"
for error in EPERM ENOSYS; do
	under user openat2=$error -- "$kbox" run -- true >"$tmp/out" 2>"$tmp/err"
	is "$? $(wc -l <"$tmp/err")" "125 1" "openat2=$error: no directories of the host, one line"
	like "$(cat "$tmp/err")" "kbox: openat2: *" "openat2=$error: which says why"
done
for call in unshare mount pivot_root open_tree move_mount mount_setattr umount2; do
	is "$(under user $call=EPERM -- "$kbox" run --mem 256M -- echo up 2>&1)" up "$call=EPERM: directories of the host by Landlock"
done
mkdir -m 777 "$tmp/work"
for error in EPERM ENOSYS; do
	KBOX_HIDE=namespaces,landlock "$kbox" doctor | grep -q ': by a broker' || continue	# Linux 5.19
	words="unshare=$error landlock_create_ruleset=$error landlock_add_rule=$error landlock_restrict_self=$error"
	under user $words -- "$kbox" doctor >"$tmp/out" 2>&1
	is "$(grep -c ': by a broker' "$tmp/out")" 1 "$words: the doctor"
	is "$(cd "$tmp/work" && under user $words -- "$kbox" run --mem 256M -v .:. -- sh -c 'echo up >file; cat file' 2>&1; rm "$tmp/work/file")" up \
		"$words: directories of the host by a broker"
done
done_testing
