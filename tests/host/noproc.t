#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A host without /proc, or with an empty one: a box runs, kbox finds what is beside it, and the doctor says so.
. "$(dirname "$0")/lib.sh"

# In a mount namespace; as a user that takes a user namespace, which not every host lets him have.
root='unshare -m' user='setpriv --reuid 65533 --regid 65533 --clear-groups unshare -Urm'
if [ "$(id -u)" = 0 ]; then
	whos='root user'
else
	whos=user user='unshare -Urm'
fi

# without WHO COMMAND...
without() {
	case $1 in
	root) as=$root hide='umount -l /proc' ;;
	*) as=$user hide='mount -t tmpfs -o size=4k none /proc' ;;
	esac
	shift
	# shellcheck disable=SC2086,SC2016
	timeout "$limit" $as sh -c "$hide"' && exec "$@"' x "$@"
}

chmod 755 "$tmp"
mkdir "$tmp/bin" "$tmp/lib" "$tmp/lib/kbox"
cp "$kbox" "$tmp/bin/kbox"
cp "$build/vmlinux" "$build/kbox-init" "$tmp/lib/kbox"
ln -s "$tmp/bin/kbox" "$tmp/link"
run="-S $image --ephemeral --mem 256M"

# shellcheck disable=SC2086 # these are several words
for who in $whos; do
	if [ "$(without $who sh -c 'echo /proc/[0-9]*' 2>/dev/null)" != '/proc/[0-9]*' ]; then
		echo "# $who cannot hide /proc"
		continue
	fi
	for mode in trap rewrite; do
		is "$(without $who "$kbox" $run --syscall-mode=$mode -- /bin/sh -c '(echo up) | cat; ls -d /proc/1' 2>&1)" "up
/proc/1" "$who, $mode: a box runs, and has its own"
	done
	is "$(without $who "$kbox" -S "$image" --ephemeral -- /bin/echo up 2>&1)" up "$who: without --mem"
	is "$(KBOX_HIDE=close-range without $who "$kbox" $run -- /bin/echo up 2>&1)" up "$who: without close_range(2), either"
	is "$(without $who "$tmp/bin/kbox" $run -- /bin/echo up 2>&1)" up "$who: kernel and init in ../lib/kbox"
	is "$(without $who "$tmp/link" $run -- /bin/echo up 2>&1)" up "$who: through a link"
	is "$(cd "$tmp" && without $who bin/kbox $run -- /bin/echo up 2>&1)" up "$who: by a relative path"
	is "$(PATH=$tmp/bin:$PATH without $who kbox $run -- /bin/echo up 2>&1)" up "$who: found in PATH"
	is "$(without $who "$kbox" run --mem 256M -- echo up 2>&1)" up "$who: directories of the host"
	# shellcheck disable=SC2016
	is "$(without $who "$kbox" $run -- /bin/bash -c 'a=$(date +%s); b=$EPOCHSECONDS; echo $((b - a < 9)) $((a > 1700000000))')" "1 1" \
		"$who: there is the time"
	if [ "$(uname -m)" = x86_64 ]; then
		is "$(without $who setarch -R prlimit --stack=8761733283840 "$kbox" $run -- /bin/echo up 2>&1)" up \
			"$who: libraries in the way of the guest's kernel (limits.t)"
	fi
	without $who "$kbox" doctor >"$tmp/out" 2>&1
	is $? 0 "$who: the doctor"
	like "$(cat "$tmp/out")" "*note     /proc*" "$who: says that it is missing"
	is "$(grep -c MISSING "$tmp/out")" 0 "$who: but that nothing is which a box needs"
done
[ $count != 0 ] || skip_all "nobody here can hide /proc"
done_testing
