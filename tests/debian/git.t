#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# git on a repository of 2,000 files. With known authors and times, what it makes has known names.
. "$(dirname "$0")/lib.sh"
export GIT_AUTHOR_DATE='2001-02-03 04:05:06 +0000' GIT_COMMITTER_DATE='2001-02-03 04:05:06 +0000' GIT_PAGER=cat
git config --global user.name kbox
git config --global user.email kbox@localhost
git config --global init.defaultBranch main

passes "git init" git init -q one
dir=0
while [ $dir -lt 40 ]; do
	mkdir "one/dir$dir"
	for file in $(seq 50); do
		seq "$dir" $((dir + file)) >"one/dir$dir/file$file"
	done
	dir=$((dir + 1))
done
chmod +x one/dir0/file1
ln -s dir1/file1 one/link
passes "git add" git -C one add .
is "$(git -C one status --porcelain | grep -c '^A ')" 2001 "git status: all files are new"
passes "git commit" git -C one commit -q -m '2,000 files'
is "$(git -C one rev-parse 'HEAD^{tree}' HEAD)" "71107307a67bef02a2ed4c878e6df43dda299deb
fd48ba71bd247ff51dadb1f007d582c09a199387" "the names of tree and commit"
is "$(git -C one status --porcelain)" "" "git status: nothing to do"

for dir in $(seq 0 39); do
	echo more >>"one/dir$dir/file7"
	git -C one rm -q "dir$dir/file8"
	git -C one mv "dir$dir/file9" "dir$dir/file51"
done
is "$(git -C one diff --shortstat)" " 40 files changed, 40 insertions(+)" "git diff"
passes "a second commit" git -C one commit -q -a -m changes
head=2a08ba10d357039a330fdc4e1c46ce552a118e9e
is "$(git -C one rev-parse HEAD)" $head "its name"
is "$(git -C one log --format=%s -M --name-status -1 | cut -c1 | sort | uniq -c | tr -s ' \n' ' ')" " 1 40 D 40 M 40 R 1 c " "git log: what changed, with renames"

passes "git clone" git clone -q one two
passes "git clone by a pipe" git clone -q "file://$tmp/one" three
for clone in two three; do
	is "$(git -C $clone rev-parse HEAD)" $head "$clone: the same commit"
	passes "$clone: the same files" diff -r --no-dereference -x .git one $clone
	is "$(git -C $clone status --porcelain)" "" "$clone: nothing to do"
done
echo pushed >three/new
git -C three add new
git -C three commit -q -m pushed
passes "git push" git -C three push -q origin HEAD:other
is "$(git -C one rev-parse other)" "$(git -C three rev-parse HEAD)" "what was pushed is there"

is "$(git -C one count-objects | cut -d, -f1)" "2128 objects" "as many objects of their own"
passes "git gc" git -C one gc -q
is "$(git -C one count-objects -v | grep -E '^(count|in-pack|packs|garbage):')" "count: 0
in-pack: 2128
packs: 1
garbage: 0" "all in one pack"
passes "git verify-pack" git verify-pack one/.git/objects/pack/*.idx
for repository in one two three; do
	is "$(git -C $repository fsck --full --strict 2>&1)" "" "git fsck: nothing wrong in $repository"
done
is "$(git -C one cat-file --batch-all-objects --batch-check | sha256sum)" "fd102eb5f48b96974a3edbd8d39bcd907eec0079130750e3c1cf816c6a895175  -" "the objects' names and sizes"
passes "git archive" git -C one archive -o "$tmp/one.tar" HEAD
is "$(tar -xOf one.tar dir39/file51 | sha256sum)" "$(seq 39 48 | sha256sum)" "a file in it"

# It would notice.
pack=$(echo one/.git/objects/pack/*.pack)
chmod u+w "$pack"
printf X | dd of="$pack" bs=1 seek=1000 conv=notrunc 2>/dev/null
git -C one fsck --full >out 2>&1
is $(($? != 0)) 1 "git fsck: a changed byte in the pack is found"
done_testing
