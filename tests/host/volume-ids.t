#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# --map-id: users and groups of the host that are others in a volume.
# shellcheck disable=SC2016,SC2086 # the guest expands it; lists of words
. "$(dirname "$0")/lib.sh"
chmod 755 "$tmp"
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP only root has files of several users"
	exit 0
fi
mkdir "$tmp/volume"
for id in 0 1000 1234 2000 2009 2010 5000; do
	echo x >"$tmp/volume/$id"
	chown $id:$((id + 1)) "$tmp/volume/$id"
done
owners='cd /volume; for f in *; do stat -c "%n %u %g" $f; done'
user='setpriv --reuid=1000 --regid=1001 --clear-groups'

# guest PREFIX OPTION... -- SCRIPT
guest() {
	prefix=$1
	shift
	$prefix timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -v "$tmp/volume:/volume" "$@" 2>&1
}
maps='--map-id 1234:7 --map-id 1235:8 --map-id 2000:3000:10 --map-id 5000:4000000000:2'
mapped='1000 1000 1001
1234 7 8
2000 3000 3001
2009 3009 2010
2010 2010 2011
5000 4000000000 4000000001'

# Root's boxes see the host's numbers.
is "$(guest '' $maps -- /bin/sh -c "$owners")" "0 0 1
$mapped" "owners of a range and beside it"
is "$(guest '' $maps -- /bin/sh -c 'chown 3005:7 /volume/0; chown 0:0 /volume/2010; stat -c "%u %g" /volume/0 /volume/2010')" "3005 7
0 0" "chown to such numbers"
is "$(stat -c '%u %g' "$tmp/volume/0" "$tmp/volume/2010")" "2005 1234
0 0" "on the host they are the others"
chown 0:1 "$tmp/volume/0"
chown 2010:2011 "$tmp/volume/2010"
is "$(guest '' $maps -- /bin/sh -c 'grep -o "uid=[^ ]*" /proc/mounts')" \
	"uid=1234:7:1,uid=1235:8:1,uid=2000:3000:10,uid=5000:4000000000:2,uid=0:0:1,gid=1234:7:1,gid=1235:8:1,gid=2000:3000:10,gid=5000:4000000000:2,gid=0:0:1" \
	"/proc/mounts has them"
is "$(timeout "$limit" "$kbox" run --mem 256M -v "$tmp/volume:/volume" --map-id 1234:5678 -- sh -c 'stat -c %u /volume/1234 /etc/passwd' 2>&1)" "5678
0" "on the host's own system, too"

# A user's own files are root's, but for what the ranges say.
of_user="0 0 1
1000 0 0
$(echo "$mapped" | tail -n +2)"
if KBOX_HIDE=namespaces $user "$kbox" doctor | grep -q '^ok .*(Landlock)'; then
	is "$(KBOX_HIDE=namespaces guest "$user" $maps -- /bin/sh -c "$owners")" "$of_user" "a user, with Landlock alone"
else
	count=$((count + 1))
	echo "ok $count - a user, with Landlock alone # SKIP no Landlock here"
fi
if ! KBOX_HIDE=landlock $user "$kbox" doctor | grep -q '^ok .*nothing is seen but volumes'; then
	count=$((count + 1))
	echo "ok $count - a user's namespace # SKIP users have none here"
	done_testing
	exit
fi

# as_subid NUMBERS: that user, with these in subuid(5) and subgid(5), which he sees in a mount namespace.
cp /etc/passwd "$tmp"
sed -i '/:x:1000:/d' "$tmp/passwd"
echo 'test:x:1000:1001::/:/bin/sh' >>"$tmp/passwd"
touch /etc/subuid /etc/subgid
as_subid() {
	printf %b "$1" >"$tmp/subid"
	unshare -m sh -c '
		mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/subid" /etc/subuid &&
			mount --bind "$0/subid" /etc/subgid && exec "$@"' "$tmp" \
		$user timeout "$limit" "$kbox" -S "$image" --ephemeral --mem 256M -v "$tmp/volume:/volume" $maps -- \
		/bin/sh -c "$owners" 2>&1
}
is "$(as_subid ''; echo "$?")" "kbox: --map-id: the host lets this user have no such numbers in a namespace; install uidmap, and see subuid(5)
125" "a user whom the host has not given these numbers"
# What the namespace does not have are nobody's files.
is "$(as_subid 'test:1234:2\ntest:2000:10\ntest:5000:2\n')" "$(echo "$of_user" | sed 's/^0 0 1$/0 65534 65534/
	s/^\(2009 3009\) .*/\1 65534/; s/^2010 .*/2010 65534 65534/')" "a user whom it has given them"
done_testing
