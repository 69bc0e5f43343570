#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every option does what --help says of it.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# The command's environment, directory, user, host name.
is "$(box -e A=1 -e 'B=two words' -e C= -e 'D=a=b' -- /bin/sh -c 'echo "$A|$B|${C-unset}|$D"')" "1|two words||a=b" "-e"
is "$(box -e PATH=/bin -e HOME=/tmp -- /bin/sh -c 'echo $PATH $HOME')" "/bin /tmp" "-e over the defaults"
is "$(SECRET=x box -- /bin/sh -c 'echo ${SECRET-unset}; echo $HOME; echo $PATH')" "unset
/root
/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "the host's environment stays outside; HOME and PATH are there"
is "$(box -e "L=$(head -c 100000 /dev/zero | tr '\0' x)" -- /bin/sh -c 'echo ${#L}')" 100000 "-e with 100000 characters"
is "$(box -- /bin/pwd)" / "the directory is /"
is "$(box -w /usr/lib -- /bin/pwd)" /usr/lib "-w"
is "$(box -w /proc/self -- /bin/sh -c 'cat comm')" cat "-w in a mounted file system"
is "$(box -- /bin/id)" "uid=0(root) gid=0(root)" "the user is root"
is "$(box --root-id -- /bin/id -u)" 0 "--root-id"
is "$(box --change-id 1000:100 -- /bin/id)" "uid=1000 gid=100" "--change-id"
is "$(box --change-id 65534:65534 -- /bin/sh -c 'id -un; (echo x >/etc/x) 2>/dev/null || echo no; echo y >/tmp/y && cat /tmp/y')" "nobody
no
y" "--change-id: a user without rights"
is "$(box --change-id 1000:0 -- /bin/sh -c 'echo $(id -u) $(id -g) $(id -G)')" "1000 0 0" "--change-id keeps no other groups"
is "$(box --change-id 0:7 -- /bin/sh -c 'echo $(id -u) $(id -g)')" "0 7" "--change-id with user 0"
is "$(box --change-id 1000:1000 -- /bin/sh -c 'echo x >/dev/stdout; echo y >/dev/stderr' 2>&1)" "x
y" "--change-id: /dev/stdout and /dev/stderr"
is "$(box --hostname lab-7 -- /bin/hostname)" lab-7 "--hostname"
is "$(box --hostname "$(printf %064d 0)" -- /bin/hostname)" "$(printf %064d 0)" "--hostname with 64 characters"

# Arguments.
is "$(box -- /bin/sh -c 'for a; do echo "<$a>"; done' x '' 'a b' -r --help '*' "$(printf 'l1\nl2')" 'ä')" "<>
<a b>
<-r>
<--help>
<*>
<l1
l2>
<ä>" "the command's arguments are as they were"
is "$(box /bin/echo no dashes)" "no dashes" "-- can be left out"
is "$(box -- /bin/sh -c 'echo $#' x $(seq 1 5000))" 5000 "5000 arguments"

# Memory.
for mem in 32M 64M 1G 65536K 100000000; do
	is "$(timeout "$limit" "$kbox" -S "$image" --ephemeral --mem $mem -- /bin/echo up)" up "--mem $mem"
done
kib=$(timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 512M -- /bin/awk '/^MemTotal/ { print $2 }' /proc/meminfo)
is "$((kib > 480000 && kib <= 524288))" 1 "--mem 512M is what the guest has: $kib KiB"
is "$(timeout "$limit" "$kbox" -S "$image" --ephemeral -- /bin/echo up)" up "without --mem"

# The kernel's command line and log.
box -k loglevel=7 -- /bin/sh -c 'echo out' >"$tmp/out" 2>"$tmp/err"
is "$(cat "$tmp/out")" out "-k loglevel=7: standard output is the command's alone"
like "$(cat "$tmp/err")" "*Linux version 6.*" "-k loglevel=7: the log is on standard error"
like "$(box -k 'loglevel=0 hello.world=1' -- /bin/cat /proc/cmdline)" "*hello.world=1*" "-k: /proc/cmdline"
box -- /bin/true >"$tmp/out" 2>&1
is "$(cat "$tmp/out")" "" "without -k the kernel says nothing"
box -k 'rdinit=/none init=/none' -- /bin/true >"$tmp/out" 2>"$tmp/err"
is $? 120 "a kernel that panics: 120"
like "$(tail -n 1 "$tmp/err")" "kbox: kernel panic: *" "and why"

# -S mounts, -r does not.
is "$(box -- /bin/sh -c 'while read -r dev dir type rest; do echo $dir:$type; done </proc/mounts | sort | tr "\n" " "')" \
	"/:ext4 /dev/mqueue:mqueue /dev/pts:devpts /dev/shm:tmpfs /dev:devtmpfs /proc:proc /sys/fs/cgroup:cgroup2 /sys:sysfs /tmp:tmpfs " "-S mounts these"
only() {
	timeout "$limit" "$kbox" -r "$image" --ephemeral --mem 256M "$@"
}
is "$(only -- /bin/sh -c 'echo /proc/* /sys/* /dev/*; ls -a /tmp | wc -l')" "/proc/* /sys/* /dev/*
2" "-r mounts nothing"
is "$(only -- /bin/sh -c 'mount -t proc proc /proc && while read -r dev dir type rest; do echo $dir:$type; done </proc/mounts' | tr '\n' ' ')" \
	"/:ext4 /proc:proc " "-r: only the root is mounted"
is "$(echo in | only -- /bin/sh -c 'cat; echo err >&2' 2>&1)" "in
err" "-r: standard streams"
only -- /bin/sh -c 'exit 4'; is $? 4 "-r: exit status"

# Modes and words.
is "$(box --syscall-mode=trap -- /bin/echo up)" up "--syscall-mode=trap"
is "$(box --syscall-mode auto -- /bin/echo up)" up "--syscall-mode auto"
is "$(box --syscall-mode=rewrite -- /bin/echo up)" up "--syscall-mode=rewrite"

# What is counted. The loop is long enough for its sites to be patched ones.
loop='i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo $i; done'
is "$(box --stats -- /bin/sh -c "$loop" 2>"$tmp/err" | tail -n 1)" 200 "--stats: standard output is the command's alone"
like "$(head -n 1 "$tmp/err")" "kbox: calls rewrite [1-9]* trap [1-9]* (*" "--stats: calls by both ways"
is "$(sed -n 's/.*rewrite \([0-9]*\) .*/\1/p' "$tmp/err" | awk '{ print ($1 >= 190) }')" 1 "most of them by patched sites"
box --stats --syscall-mode=trap -- /bin/true 2>"$tmp/err"
like "$(head -n 1 "$tmp/err")" "kbox: calls rewrite 0 trap [1-9]* (0.0 %*" "--stats --syscall-mode=trap: none by a patched site"
patched() { sed -n 's/.*sites patched \([0-9]*\) before and \([0-9]*\) at.*/\1 \2/p' "$tmp/err" | awk '{ print $1 + $2 }'; }
box --stats --syscall-mode=rewrite -- /bin/sh -c '/bin/bash -c :; /bin/ls / >/dev/null' 2>"$tmp/err"
few=$(patched)
box --stats --syscall-mode=rewrite -- /bin/sh -c 'for i in $(seq 50); do /bin/bash -c :; done; /bin/ls / >/dev/null' 2>"$tmp/err"
is "$(($(patched) < few * 2))" 1 "51 programs share what one of them has had patched ($few sites, $(patched))"
is "$(box --stats -- /bin/sh -c 'exit 7' >/dev/null 2>&1; echo $?)" 7 "--stats keeps the exit status"
"$kbox" --help >"$tmp/out" 2>"$tmp/err"
is "$? $(wc -c <"$tmp/err")" "0 0" "--help"
like "$(cat "$tmp/out")" "Usage: kbox *" "--help on standard output"
for option in $(grep -o '^ *-\{1,2\}[a-zA-Z-]*\|, --[a-z]*' "$tmp/out" | tr -d ' ,'); do
	grep -q -- "$(echo "$option" | sed 's/-/\\\\-/g')" "$top/man/kbox.1"
	is $? 0 "the manual page has $option"
done
"$kbox" --version >"$tmp/out" 2>"$tmp/err"
is "$? $(wc -l <"$tmp/out") $(wc -c <"$tmp/err")" "0 1 0" "--version"
"$kbox" doctor >"$tmp/out" 2>&1
is $? 0 "doctor: a box can run here"
is "$(ln -s "$kbox" "$tmp/other"; timeout "$limit" "$tmp/other" -S "$image" --ephemeral --mem 256M -- /bin/echo up)" up "kbox through a link"
is "$(cd / && KBOX_KERNEL=$build/vmlinux KBOX_INIT=$build/kbox-init box -- /bin/echo up)" up "KBOX_KERNEL and KBOX_INIT"
cp "$kbox" "$tmp/copy"
is "$(KBOX_KERNEL=$build/vmlinux KBOX_INIT=$build/kbox-init timeout "$limit" "$tmp/copy" -S "$image" --ephemeral --mem 256M -- /bin/echo up)" up "a kbox that is elsewhere"
done_testing
