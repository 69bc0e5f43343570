#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Hosts whose policy forbids memory that can be written to and executed (SELinux, PaX, systemd's MemoryDenyWriteExecute, PR_SET_MDWE),
# or executable memory files.
# shellcheck disable=SC2016,SC2086 # the guest expands it; $words and $who are several words
. "$(dirname "$0")/lib.sh"
filter=$top/tests/host/under-filter
"$filter" -- true 2>/dev/null || skip_all "no python3-seccomp"

# mmap(2) and mprotect(2): argument 2 has PROT_WRITE 2 and PROT_EXEC 4, 3 of mmap MAP_SHARED 1.
both='mmap=EACCES:2&6=6 mprotect=EACCES:2&6=6'
systemd='mmap=EPERM:2&6=6 mprotect=EPERM:2&4=4 pkey_mprotect=EPERM:2&4=4'
shared='mmap=EACCES:2&4=4,3&1=1'

policies="$both
$systemd"
"$filter" mdwe -- true
if [ $? = 77 ]; then
	echo "# the host has no PR_SET_MDWE (Linux 6.3)"
else
	policies="$policies
mdwe
mdwe $systemd"
fi
while read -r words; do
	for mode in trap rewrite; do
		is "$(timeout "$limit" "$filter" $words -- "$kbox" -S "$image" --ephemeral --mem 256M --syscall-mode=$mode -- \
			/bin/sh -c '(echo up) | cat; /bin/bash -c "echo \$((6 * 7))"' 2>&1 </dev/null)" "up
42" "$words, $mode: a box runs"
	done
	"$filter" $words -- "$kbox" doctor >"$tmp/out" 2>&1 </dev/null
	is "$? $(grep -c MISSING "$tmp/out")" "0 0" "$words: the doctor"
	like "$(cat "$tmp/out")" "*note     guest memory can be written to and executed at once*" "$words: says what it may mean"
done <<EOF
$policies
EOF

"$filter" $shared -- "$kbox" -S "$image" --ephemeral -- /bin/true >"$tmp/out" 2>"$tmp/err" </dev/null
is "$? $(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "125 1 0" "no executable memory file: status 125, one line"
like "$(cat "$tmp/err")" "kbox: cannot map the guest's kernel to be executed: Permission denied; allow kbox *" "which says why"
"$filter" $shared -- "$kbox" doctor >"$tmp/out" 2>&1
is $? 1 "the doctor: no box"
like "$(cat "$tmp/out")" "*MISSING  guest memory can be executed*kbox cannot run here." "and why"

# Memory files that nobody may execve(2): vm.memfd_noexec, of a pid namespace of its own.
cat >"$tmp/noexec" <<'EOF'
echo "$1" >/proc/sys/vm/memfd_noexec || exit 77
shift
"$@"
EOF
for n in 1 2; do
	for who in 'unshare -pmf --mount-proc' 'setpriv --reuid 65533 --regid 65533 --clear-groups unshare -Urpmf --mount-proc'; do
		$who sh "$tmp/noexec" $n true 2>/dev/null || continue
		is "$($who sh "$tmp/noexec" $n "$kbox" -S "$image" --ephemeral --mem 256M -- /bin/sh -c '(echo up) | cat' 2>&1)" up \
			"vm.memfd_noexec=$n: a box runs (${who%% *})"
		$who sh "$tmp/noexec" $n "$kbox" doctor >"$tmp/out" 2>&1
		is "$? $(grep -c MISSING "$tmp/out")" "0 0" "vm.memfd_noexec=$n: the doctor"
	done
done
done_testing
