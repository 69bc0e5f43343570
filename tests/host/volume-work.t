#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Everyday work in a volume: with the programs of the host's own system (kbox run), each compared
# with the same done natively; and tests of the Debian image with their files in a volume.
# Arguments: jobs, else all.
. "$(dirname "$0")/lib.sh"
unset GIT_DIR GIT_WORK_TREE MAKEFLAGS
# One thread makes the same pack each time.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=pack.threads GIT_CONFIG_VALUE_0=1
export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=kbox GIT_AUTHOR_EMAIL=kbox@localhost GIT_COMMITTER_NAME=kbox GIT_COMMITTER_EMAIL=kbox@localhost
export GIT_AUTHOR_DATE='2001-02-03 04:05:06 +0000' GIT_COMMITTER_DATE='2001-02-03 04:05:06 +0000'

# Each job is a script for a directory that has "source" in it. What it says is compared, and so are
# the files that it leaves.
cat >"$tmp/git" <<'END'
set -e
git init -q -b main one
cd one
for d in 1 2 3 4 5 6 7 8 9 10; do
	mkdir "d$d"
	for f in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		seq "$d" "$((d * f))" >"d$d/f$f"
	done
done
ln -s d1/f1 link
chmod +x d1/f1
git add .
git commit -q -m first
for d in 1 2 3; do
	echo more >>"d$d/f2"
	git mv "d$d/f3" "d$d/g3"
	git rm -q "d$d/f4"
done
git commit -q -a -m second
git tag -a -m tag v1
cd ..
git clone -q one two
git clone -q --no-hardlinks --bare one three.git
cd two
git status --porcelain
git rev-parse HEAD 'HEAD^{tree}' v1
echo changed >>d5/f5
git status --porcelain
git stash -q
git checkout -q -b other HEAD~1
git status --porcelain
git checkout -q main
git stash pop -q
git diff --stat
git commit -q -a -m third
git push -q ../three.git main
git gc -q
git fsck --full --strict
git count-objects -v | grep -E '^(count|in-pack|packs|garbage):'
git -C ../three.git log --format=%H
END
cat >"$tmp/build" <<'END'
set -e
i=1
while [ $i -lt 50 ]; do
	cat >part$i.c <<C
#include <stdio.h>
#include "parts.h"
unsigned part$i(unsigned n) { char s[16]; return part$((i + 1))(n * 31 + (unsigned)snprintf(s, sizeof(s), "%u", n) + $i); }
C
	echo "unsigned part$i(unsigned n);" >>parts.h
	i=$((i + 1))
done
echo 'unsigned part50(unsigned n);' >>parts.h
cat >main.c <<'C'
#include <stdio.h>
#include "parts.h"
unsigned part50(unsigned n) { return n; }
int main(void) { return printf("%u\n", part1(1)) < 0; }
C
cat >Makefile <<'M'
CFLAGS := -O1
program: main.o libparts.a
	$(CC) -o $@ main.o libparts.a
libparts.a: $(sort $(patsubst %.c,%.o,$(wildcard part*.c)))
	$(AR) rcsD $@ $^
%.o: %.c parts.h
	$(CC) $(CFLAGS) -c -o $@ $<
M
make -s -j2
./program
make -q && echo nothing to do
touch part7.c
make -j2 | wc -l
./program
make -q && echo nothing to do
END
cat >"$tmp/npm" <<'END'
set -e
export npm_config_cache="$PWD/cache" npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
cp -r source/app source/left source/right .
cd app
npm ci --offline --silent
node index.js
npm ls --offline --parseable --silent | sed "s|.*/app|app|" | sort
npm run --silent hello
rm -rf ../cache
END
cat >"$tmp/pip" <<'END'
set -e
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 -m pip install -q --no-index --no-deps --no-compile --target site source/kboxdemo-1.0-py3-none-any.whl
PYTHONPATH=site /usr/bin/python3 -c 'import kboxdemo; print(kboxdemo.value, len(kboxdemo.__file__) > 0)'
PYTHONPATH=site /usr/bin/python3 -m pip list --format=freeze --path site
END

# What they need of the host, and a file of "source".
tarballs() {
	for package in left right; do
		mkdir -p "$tmp/source/$package"
		echo "{ \"name\": \"$package\", \"version\": \"1.0.0\", \"main\": \"i.js\" }" >"$tmp/source/$package/package.json"
		echo "module.exports = '$package'" >"$tmp/source/$package/i.js"
		(cd "$tmp/source/$package" && npm pack --silent >/dev/null) || return
	done
	mkdir -p "$tmp/source/app"
	cat >"$tmp/source/app/package.json" <<'END'
{ "name": "app", "version": "1.0.0", "scripts": { "hello": "echo hello from a script" },
  "dependencies": { "left": "file:../left/left-1.0.0.tgz", "right": "file:../right" } }
END
	echo "console.log(require('left'), require('right'))" >"$tmp/source/app/index.js"
	(cd "$tmp/source/app" && npm install --package-lock-only --offline --silent --no-audit >/dev/null)
}
wheel() {
	/usr/bin/python3 -m pip --version >/dev/null 2>&1 && /usr/bin/python3 - "$tmp/source" <<'END'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/kboxdemo-1.0-py3-none-any.whl", "w") as z:
    z.writestr("kboxdemo/__init__.py", "value = 42\n")
    for i in range(50):
        z.writestr("kboxdemo/part%d.py" % i, "n = %d\n" % i)
    z.writestr("kboxdemo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: kboxdemo\nVersion: 1.0\n")
    z.writestr("kboxdemo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: kbox\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr("kboxdemo-1.0.dist-info/RECORD", "kboxdemo/__init__.py,,\nkboxdemo-1.0.dist-info/METADATA,,\n"
               "kboxdemo-1.0.dist-info/WHEEL,,\nkboxdemo-1.0.dist-info/RECORD,,\n")
END
}
has() {
	case $1 in
	git) command -v git ;;
	build) command -v gcc && command -v make ;;
	npm) command -v node && command -v npm && tarballs ;;
	pip) wheel ;;
	esac >/dev/null 2>&1
}

# What is there, and in it. git's index has inode numbers and times in it.
files() {
	find . -path ./source -prune -o -printf '%P %y %m %l\n' | sort
	find . -path ./source -prune -o -type f ! -path '*/.git/index' -exec sha256sum {} + | sort -k 2
}

# begin: the directory, which has the same name for both
begin() {
	rm -rf "${tmp:?}/work"
	mkdir "$tmp/work"
	cp -r "$tmp/source" "$tmp/work/"
	cd "$tmp/work" || exit
}

# job NAME
job() {
	begin
	HOME=$tmp/home timeout "$limit" sh -c "$(cat "$tmp/$1")" >"$tmp/native.out" 2>&1
	is $? 0 "$1: natively"
	files >"$tmp/native.files"
	begin
	HOME=$tmp/home timeout "$limit" "$kbox" run --mem 1G -v .:. -- sh -c "$(cat "$tmp/$1")" >"$tmp/out" 2>&1
	is $? 0 "$1: kbox run"
	is "$(diff "$tmp/native.out" "$tmp/out" | head -n 20)" "" "$1: it says the same"
	is "$(files | diff "$tmp/native.files" - | head -n 20)" "" "$1: the host finds the same files"
}

mkdir "$tmp/source" "$tmp/home"
"$kbox" doctor >"$tmp/doctor"
grep -Eq '^ok .*(nothing is seen but volumes|\(Landlock\))' "$tmp/doctor" || skip_all "this host can keep a box in no directory"
jobs=$*
for name in ${jobs:-git build npm pip}; do
	if ! has "$name"; then
		count=$((count + 1))
		echo "ok $count - $name # SKIP the host lacks what it needs"
		continue
	fi
	job "$name"
done

# With the Debian image.
if [ -z "$jobs" ] && [ -e "$build/debian.img" ]; then
	for name in git build gdb; do
		mkdir "$tmp/debian"
		chmod 1777 "$tmp/debian"
		KBOX_FLAGS="-v $tmp/debian:/volume" "$top/tests/run" "$top/tests/debian/$name.t@/volume" >"$tmp/out" 2>"$tmp/err"
		is "$(grep -c '^ok' "$tmp/out") $(grep '^not ok' "$tmp/out")" "$(sed -n 's/^1\.\.//p' "$tmp/out") " "$name.t in a volume of the Debian image"
		is "$(ls -A "$tmp/debian")" "" "$name.t: it leaves nothing behind"
		rm -rf "$tmp/debian"
	done
fi
# Packages are installed by who is nobody on the host, into a directory that he has made of the image.
cat >"$tmp/package" <<'END'
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
set -e
cd /root
mkdir -p p/DEBIAN p/usr/bin p/var/lib/demo
printf 'Package: kbox-demo\nVersion: 1.0\nArchitecture: all\nMaintainer: k <k@localhost>\nDescription: demo\n' >p/DEBIAN/control
cat >p/DEBIAN/postinst <<'S'
#!/bin/sh
set -e
chown games:tty /var/lib/demo
chmod 2750 /var/lib/demo
chmod 4755 /usr/bin/kbox-demo
S
printf '#!/bin/sh\necho demo\n' >p/usr/bin/kbox-demo
chmod 755 p/DEBIAN/postinst p/usr/bin/kbox-demo
dpkg-deb --root-owner-group -b p x.deb >/dev/null
apt-get install -y ./x.deb >apt.out 2>&1 || { cat apt.out; exit 1; }
kbox-demo
dpkg -V kbox-demo
stat -c '%n %a %U %G' /usr/bin/kbox-demo /var/lib/demo /bin/su /etc/shadow
END
if [ -z "$jobs" ] && [ -e "$build/debian.img" ]; then
	as=
	[ "$(id -u)" != 0 ] || as='setpriv --reuid=1000 --regid=1000 --clear-groups'
	chmod 755 "$tmp"
	mkdir "$tmp/root"
	[ -z "$as" ] || chown 1000:1000 "$tmp/root"
	$as timeout "$limit" "$kbox" -S "$build/debian.img" --ephemeral --mem 512M -v "$tmp/root:/volume" -- /bin/sh -c '
		cd / && tar -c --one-file-system --exclude=./usr/lib/python3* --exclude=./usr/lib/gcc --exclude=./usr/share/doc \
			--exclude=./usr/share/locale --exclude=./usr/lib/debug --exclude=./volume . | tar -x -C /volume' >"$tmp/out" 2>&1
	is "$? $(cat "$tmp/out")" "0 " "a root directory of the Debian image, by tar"
	said=$($as timeout "$limit" "$kbox" run --mem 512M --root "$tmp/root:rw" -- /bin/bash -c "$(cat "$tmp/package")" 2>&1)
	is "$said" "demo
/usr/bin/kbox-demo 4755 root root
/var/lib/demo 2750 games tty
/bin/su 4755 root root
/etc/shadow 640 root shadow" "apt-get install ./x.deb, in --root DIR:rw"
	is "$($as timeout "$limit" "$kbox" run --mem 512M --root "$tmp/root" -- \
		/usr/bin/stat -c '%a %U %G' /usr/bin/kbox-demo /var/lib/demo 2>&1)" "4755 root root
2750 games tty" "and in --root DIR, from then on"
fi
done_testing
