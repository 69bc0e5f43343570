#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# apt-get install and remove of a package made here, and dpkg --verify of all packages.
# shellcheck disable=SC2016 # what is in single quotes is for others to expand
. "$(dirname "$0")/lib.sh"
export DEBIAN_FRONTEND=noninteractive

is "$(dpkg --verify)" "" "dpkg --verify: every file of the image is as it was packed"
is "$(dpkg --audit)" "" "dpkg --audit"

# build VERSION
# shellcheck disable=SC2317 # it is called by its name
build() {
	rm -rf tree
	mkdir -p tree/DEBIAN tree/usr/bin tree/etc tree/usr/share/kbox-hello
	cat >tree/DEBIAN/control <<-END
		Package: kbox-hello
		Version: $1
		Architecture: all
		Maintainer: kbox <kbox@localhost>
		Depends: bash (>= 5), coreutils
		Description: for a test
	END
	echo /etc/kbox-hello.conf >tree/DEBIAN/conffiles
	printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || { echo "$*" >>/var/lib/kbox-hello; }\n' >tree/DEBIAN/postinst
	printf '#!/bin/sh\nset -e\n[ "$1" != purge ] || rm /var/lib/kbox-hello\n' >tree/DEBIAN/postrm
	chmod 755 tree/DEBIAN/postinst tree/DEBIAN/postrm
	printf '#!/bin/sh\necho hello %s\n' "$1" >tree/usr/bin/kbox-hello
	chmod 755 tree/usr/bin/kbox-hello
	echo "greeting=$1" >tree/etc/kbox-hello.conf
	for i in $(seq 200); do echo "$1 $i" >"tree/usr/share/kbox-hello/$i"; done
	(cd tree && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
	dpkg-deb --root-owner-group --build tree "kbox-hello_$1.deb"
}

passes "dpkg-deb --build" build 1.0
is "$(dpkg-deb -f kbox-hello_1.0.deb Package Version | tr '\n' ' ')$(dpkg-deb -c kbox-hello_1.0.deb | grep -c '^-')" "Package: kbox-hello Version: 1.0 202" "what is in it"
before=$(dpkg-query -f '${Package} ${Version}\n' -W | sha256sum)
passes "apt-get install" apt-get install -y ./kbox-hello_1.0.deb
is "$(dpkg-query -f '${Status} ${Version}' -W kbox-hello)" "install ok installed 1.0" "dpkg has it"
is "$(kbox-hello)" "hello 1.0" "its program runs"
is "$(cat /var/lib/kbox-hello)" "configure " "its script has run"
is "$(dpkg -L kbox-hello | grep -c /usr/share/kbox-hello/) $(dpkg -S /usr/bin/kbox-hello)" "200 kbox-hello: /usr/bin/kbox-hello" "whose files are whose"
is "$(dpkg --verify)" "" "dpkg --verify"
echo changed >>/usr/share/kbox-hello/7
rm /usr/share/kbox-hello/8
is "$(dpkg --verify | sort)" "??5??????   /usr/share/kbox-hello/7
missing     /usr/share/kbox-hello/8" "dpkg --verify: a file changed, a file gone"
passes "apt-get install --reinstall" apt-get install -y --reinstall ./kbox-hello_1.0.deb
is "$(dpkg --verify)" "" "dpkg --verify: both are as they were"

echo changed >>/etc/kbox-hello.conf
passes "dpkg-deb --build of the next version" build 2.0
passes "apt-get install of it" apt-get install -y -o Dpkg::Options::=--force-confold ./kbox-hello_2.0.deb
is "$(kbox-hello) $(tail -n 1 /etc/kbox-hello.conf) $(tail -n 1 /var/lib/kbox-hello)" "hello 2.0 changed configure 1.0" "the new program, the changed configuration"
sed -i 's/^Depends:.*/Depends: no-such-package/' tree/DEBIAN/control
dpkg-deb --root-owner-group --build tree broken.deb >/dev/null
apt-get install -y ./broken.deb >out 2>&1
is "$? $(grep -c 'Depends: no-such-package' out)" "100 1" "a package that cannot be installed"
passes "apt-get purge" apt-get purge -y kbox-hello
is "$(command -v kbox-hello)$(ls -d /etc/kbox-hello.conf* /usr/share/kbox-hello /var/lib/kbox-hello 2>/dev/null)" "" "nothing of it is left"
is "$(dpkg-query -f '${Package} ${Version}\n' -W | sha256sum)" "$before" "the packages that there were"
passes "apt-get check" apt-get check
done_testing
