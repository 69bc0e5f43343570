#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Guest memory is booted small and grows: what a box says that it has, what it can have, and what it takes of the host's.
. "$(dirname "$0")/lib.sh"
own_name

# mem SIZE COMMAND...: in a box of that memory
mem() {
	size=$1
	shift
	timeout "$limit" "$kbox" -S "$image" --ephemeral --mem "$size" -- "$@"
}

# within A LOW HIGH NAME
within() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
	is "$?" 0 "$4: $1 of $2 to $3"
}

# MiB of the kernel, which is in guest memory.
kernel=$(($(stat -Lc %s "${KBOX_KERNEL:-$build/vmlinux}") / 1048576 + 1))

# All of it is told from the beginning: MiB, total and free. Struct pages take a 64th.
# shellcheck disable=SC2016
told='awk "/^MemTotal|^MemFree/ { printf \"%d \", \$2 / 1024 }" /proc/meminfo'
for size in 256 1024 6144 65536; do
	total=$(mem ${size}M /bin/sh -c "$told")
	free=${total#* }
	within "${total%% *}" $((size * 63 / 64 - 8 - kernel)) $size "--mem ${size}M: MiB in all"
	within "${free%% *}" $((size * 63 / 64 - 20 - kernel)) $size "--mem ${size}M: MiB free"
done
# shellcheck disable=SC2016
is "$(box --mem 6G --max-processes 100000 -- /bin/sh -c '[ "$(cat /proc/sys/kernel/threads-max)" -gt 20000 ] && [ "$(awk "/processes/ { print \$3 }" /proc/self/limits)" -gt 10000 ] && echo many')" many \
	"--mem 6G: as many processes as such a machine has"

# MiB of the host's that this box takes for its memory and for what is written to its image: kbox's descriptors have them.
taken() {
	for fd in /proc/"$1"/fd/*; do
		case $(readlink "$fd") in
		/memfd:kbox*) stat -L -c %b "$fd" ;;
		esac
	done | awk '{ blocks += $1 } END { print int(blocks / 2048) }'
}

# idle SIZE: what it takes when its command sleeps
idle() {
	mkfifo "$tmp/pipe"
	"$kbox" -S "$image" --ephemeral --mem "$1" -- /bin/sh -c 'echo up; read -r line' <"$tmp/pipe" >"$tmp/said" &
	exec 8>"$tmp/pipe"
	while [ ! -s "$tmp/said" ] && kill -0 $!; do sleep 0.1; done
	taken $!
	exec 8>&-
	wait $!
	rm "$tmp/pipe" "$tmp/said"
}
for size in 64M 1G 64G; do
	within "$(idle $size)" 1 $((14 + kernel)) "--mem $size: MiB of the host's for an idle box"
done

# What has been told can be had, also by who takes it in large pieces, and runs out where it ends and not before.
# shellcheck disable=SC2016
fill='mount -t tmpfs -o size=85% none /mnt
	dd if=/dev/zero of=/mnt/a bs=$0 count=500000 2>/dev/null
	stat -c %b /mnt/a | awk "{ print int(\$1 / 2048) }"'
for block in 4k 1M; do
	within "$(mem 512M /bin/sh -c "$fill" $block)" $(((512 * 63 / 64 - 8 - kernel) * 85 / 100)) 424 "--mem 512M: MiB in a file of tmpfs by $block"
done
like "$(KBOX=$kbox KBOX_FLAGS='--mem 400M' "$top/tests/run" "$build/tests/load-m" out_of_memory 2>&1 | tail -n 1)" "ok 1 - out_of_memory" \
	"--mem 400M: who takes it all is killed"
# shellcheck disable=SC2016
is "$(mem 1G /bin/sh -c 'mount -t tmpfs -o size=85% none /mnt; i=0; while [ $i -lt 8 ]; do
		head -c 90000000 /dev/zero >/mnt/$i & i=$((i + 1)); done; wait; cat /mnt/? | wc -c; dmesg | grep -c "Out of memory"')" "720000000
0" "--mem 1G: eight processes fill 700 MB of it at once"

# While there is more memory, nothing is reclaimed and nothing moves, also where pages are free but no blocks for the
# stacks of new processes: the kernel's threads for that sleep. kcompactd wakes up once when it is half a second old.
# shellcheck disable=SC2016
is "$(mem 1G /bin/sh -c '
	woken() {
		for p in /proc/[0-9]*; do
			case $(cat $p/comm 2>/dev/null) in
			kswapd0 | kcompactd0) cat $p/comm && grep ^voluntary $p/status ;;
			esac
		done
	}
	sleep 1
	mount -t tmpfs none /mnt
	woken >/mnt/before
	i=0
	while [ $i -lt 12000 ]; do
		echo $i >/mnt/$i
		i=$((i + 1))
	done
	rm /mnt/*[13579]
	while [ $i -lt 12400 ]; do
		sleep 1000 &
		i=$((i + 1))
	done
	woken >/mnt/after
	cmp /mnt/before /mnt/after && wc -l </mnt/before')" 4 "--mem 1G: 400 processes among scattered pages wake neither kswapd nor kcompactd"

# Memory that is touched in an order without a pattern: each of 100,000 pages would be a mapping of
# the host's, which has 65,530 for a process.
mkfifo "$tmp/pipe"
"$kbox" -S "$image" --ephemeral --mem 1G -- /tests/load-m touched_and_held <"$tmp/pipe" >"$tmp/said" &
exec 8>"$tmp/pipe"
while ! grep -q touched "$tmp/said" && kill -0 $!; do sleep 0.1; done
most=0
for pid in $(host_processes); do
	n=$(wc -l <"/proc/$pid/maps")
	[ "$n" -le "$most" ] || most=$n
done
exec 8>&-
wait $!
is "$? $(grep -c '^ok' "$tmp/said")" "0 1" "100,000 pages that are touched at random have what was written to them"
within "$most" 1000 8000 "mappings that the host has for them"
is "$(host_processes)" "" "nothing is left"
done_testing
