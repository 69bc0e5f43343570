#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest tests that concern files, with their files in a volume: by both ways of a system call,
# behind each of the fences that a host can have, and as a user that is not root to the host.
# Arguments: tests, else all.
. "$(dirname "$0")/lib.sh"

# What is another thing on a volume than on an image (docs/hostfs.md). It is listed, so that what
# comes to work is seen here, too.
cat >"$tmp/cannot" <<'EOF2'
config io_accounting the host reads and writes, and the guest does not count it
file mode_and_owner a user of the host gives no file away
volume deep_paths a file is told to the host by its whole path, which is PATH_MAX long at most
volume-tree links_themselves by Landlock alone a symbolic link's times cannot be set
volume-removed unlinked_and_changed a broker changes modes and times of what has a name
volume-owner who_makes_it_owns_it a user of the host gives no file away, so that files are his
EOF2

# runs TEST MODE FENCE: the cases that passed, and those that did not
runs() {
	mkdir "$tmp/volume"
	[ -z "$as" ] || chown 1000:1000 "$tmp/volume"
	KBOX_FLAGS="-v $tmp/volume:/volume $more" $as "$top/tests/run" "$build/tests/$1@/volume+$2" >"$tmp/out" 2>"$tmp/err"
	is "$(ls -A "$tmp/volume")" "" "$1, $2, by $3: it leaves nothing behind"
	rm -rf "$tmp/volume"
	missing=
	while read -r test name why; do
		[ "$test" = "${1%-[mg]}" ] || continue
		if grep -q "^not ok [0-9]* - $name\$" "$tmp/out"; then
			missing="$missing $name"
			count=$((count + 1))
			echo "ok $count - $1, $2, by $3: $name # SKIP $why"
		fi
	done <"$tmp/cannot"
	failing=$(sed -n 's/^not ok [0-9]* - //p' "$tmp/out" | while read -r name; do
		case "$missing " in
		*" $name "*) ;;
		*) echo "$name" ;;
		esac
	done)
	is "$(grep -c '^\(not \)\{0,1\}ok ' "$tmp/out") $failing" "$(sed -n 's/^1\.\.//p' "$tmp/out") " "$1, $2, by $3"
	[ -z "$failing" ] || sed 's/^# /#   /' "$tmp/err"
}

# each FENCE TEST+MODE...
each() {
	fence=$1
	shift
	for test; do
		[ -z "$wanted" ] || case " $wanted " in
		*" ${test%-[mg]+*} "*) ;;
		*) continue ;;
		esac
		runs "${test%+*}" "${test#*+}" "$fence"
	done
}

# volumes FENCE SUFFIX: tests/guest/volume*.c
volumes() {
	for source in "$top"/tests/guest/volume*.c; do
		name=$(basename "$source" .c)
		each "$1" "$name-$2"
	done
}

wanted=$* as='' more=''
chmod 755 "$tmp"
"$kbox" doctor >"$tmp/doctor"
if grep -q '^ok .*: by a mount namespace' "$tmp/doctor"; then
	each "a namespace" file-m+trap file-g+rewrite filemap-g+rewrite filemap-m+trap memory-g+rewrite \
		exec-g+rewrite io-m+rewrite ipc-g+rewrite efault-m+rewrite \
		iouring-m+rewrite rewrite-text-g+rewrite config-m+rewrite
	volumes "a namespace" g+rewrite
	volumes "a namespace" m+trap
	# As hostile tests do.
	if [ "$(id -u)" = 0 ] && setpriv --reuid=1000 --regid=1000 --clear-groups unshare -Urm true 2>/dev/null; then
		as='setpriv --reuid=1000 --regid=1000 --clear-groups'
		each "a user's namespace" file-m+rewrite
		volumes "a user's namespace" g+rewrite
		as=''
	fi
fi
if grep -q '^ok .*(Landlock)' "$tmp/doctor"; then
	export KBOX_HIDE=namespaces
	each Landlock file-m+rewrite memory-m+trap
	volumes Landlock m+rewrite
fi
export KBOX_HIDE=namespaces,landlock
if "$kbox" doctor | grep -q '^ok .*: by a broker'; then
	each "a broker" file-m+trap file-g+rewrite filemap-g+rewrite memory-g+rewrite exec-g+rewrite \
		io-m+rewrite efault-m+rewrite iouring-m+rewrite
	volumes "a broker" g+rewrite
	volumes "a broker" m+trap
	if [ "$(id -u)" = 0 ] && setpriv --reuid=1000 --regid=1000 --clear-groups true 2>/dev/null; then
		as='setpriv --reuid=1000 --regid=1000 --clear-groups'
		each "a user's broker" file-m+rewrite
		volumes "a user's broker" g+rewrite
		more="-v $top/docs:/docs:ro"
		each "a user's broker, beside a volume that is not written" file-m+rewrite
		volumes "a user's broker, beside a volume that is not written" g+rewrite
		more=''
		as=''
	fi
fi
[ $count != 0 ] || skip_all "this host can keep a box in no directory"
done_testing
