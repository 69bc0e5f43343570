#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# For bench-sites: a repository's life.
set -eu
work=$(mktemp -d /tmp/workload.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work" GIT_PAGER=cat
git config --global user.name kbox
git config --global user.email kbox@localhost
git config --global init.defaultBranch main
git config --global advice.detachedHead false

git init -q one
cd one
for i in $(seq 300); do
	mkdir -p "dir$((i % 20))"
	seq "$i" $((i + 100)) >"dir$((i % 20))/file$i"
done
git add .
git commit -qm "300 files"
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo "change $i" >>"dir$i/file$i"
	[ -n "$(git status --porcelain)" ]
	git diff >/dev/null
	git commit -qam "change $i"
done
git status >/dev/null
git log --stat >/dev/null
git branch side HEAD~5
git checkout -q side
echo side >dir0/side
git add dir0/side
git commit -qm side
git checkout -q main
git merge -q -m merge side
git grep -q 'change 7'
git blame dir1/file1 >/dev/null
cd ..
git clone -q "file://$work/one" two 2>/dev/null
git clone -q one three
cd one
git gc -q
git fsck --no-progress
[ "$(git rev-list --count HEAD)" = 13 ]
[ "$(git -C ../two rev-parse HEAD)" = "$(git rev-parse HEAD)" ]
[ "$(git -C ../three ls-files | wc -l)" = 301 ]
echo "git done"
