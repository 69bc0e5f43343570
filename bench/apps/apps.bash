#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# apps.bash PORT SCRIPT [GROUP...], for bench-apps: real programs, in /tmp. Prints "name number" lines; the number is of
# microseconds that one takes, or for redis how many there are per second. PORT is one for a server, SCRIPT the text of a
# bash script to be timed. Every program has run before it is timed, so that its files are in memory on all sides.
# shellcheck disable=SC2317 # functions are called by their name
set -u
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
port=$1 script=$2
shift 2
groups=("$@")
[[ $# != 0 ]] || groups=(forks pages loop python build repository redis sqlite files bash_script)

# took NAME COUNT COMMAND...: COMMAND does something COUNT times.
took() {
	local name=$1 count=$2 begin=${EPOCHREALTIME/./} ns
	shift 2
	"$@" >/dev/null
	ns=$(((${EPOCHREALTIME/./} - begin) * 1000 / count))
	printf '%s %d.%03d\n' "$name" $((ns / 1000)) $((ns % 1000))
}

# again COUNT COMMAND: in a small shell, from which it forks.
again() {
	sh -ec "i=0; while [ \$i -lt $1 ]; do $2; i=\$((i + 1)); done"
}

forks() {
	/tests/bench-fork | grep '^fork'
}

pages() {
	/tests/bench-test | sed -n 's/^page /page touch /p; s/^page-again /page again /p'
}

loop() {
	/bin/true
	took "1000 commands" 1 again 1000 /bin/true
}

python() {
	python3 -c pass
	took "python3 -c pass" 20 again 20 "python3 -c pass"
	took "python3 sums" 1 python3 -c 'sum(i * i % 7 for i in range(3000000))'
}

# source_file N: of 50 that make a program.
source_file() {
	printf '#include <%s>\n' stdio.h stdlib.h string.h errno.h unistd.h
	for f in {1..30}; do
		printf 'int part%d_%d(int n)\n{\n\tint sum = %d;\n\n' "$1" "$f" "$f"
		printf '\tfor (int i = 0; i < n; i++)\n\t\tsum += i %% %d ? sum ^ i : (int)strlen("%d");\n' $((f + 1)) "$f"
		printf '\tif (sum == %d)\n\t\tprintf("%%d\\n", sum);\n\treturn sum;\n}\n' "$f"
	done
}

build() {
	for i in {1..50}; do
		source_file "$i" >"part$i.c"
	done
	echo 'int main(void) { return 0; }' >main.c
	printf 'program: %s\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O1 -c -o $@ $<\n' "$(echo main.o part{1..50}.o)" >Makefile
	make -s main.o
	gcc -o first main.o
	took "make -j2" 1 make -s -j2
	./program
}

repository() {
	export HOME=$PWD
	git config --global user.name kbox
	git config --global user.email kbox@localhost
	git init -q -b main one
	cd one
	for dir in {1..40}; do
		mkdir "dir$dir"
		for i in {1..50}; do
			echo "$dir $i" >"dir$dir/file$i"
		done
	done
	took "git add" 1 git add .
	git commit -q -m "2,000 files"
	git status >/dev/null
	took "git status" 20 again 20 "git status"
	took "git clone" 1 git clone -q . ../two
	took "git gc" 1 git gc -q
}

redis() {
	redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no >log 2>&1 &
	# shellcheck disable=SC2064
	trap "kill $!; wait" EXIT
	for ((i = 0; i < 200; i++)); do
		[[ $(redis-cli -p "$port" ping 2>/dev/null) != PONG ]] || break
		sleep 0.05
	done
	redis-benchmark -p "$port" -n 20000 -t set,get -q --csv | sed -n 's/^"\([GS]ET\)","\([0-9.]*\)".*/redis \1 \2/p'
}

sqlite() {
	{
		echo 'create table t (number integer primary key, text text);'
		for i in {1..10000}; do
			echo "insert into t values ($i, 'number $i');"
		done
	} >sql
	sqlite3 first 'create table t (number)'
	took "10000 inserts" 1 sqlite3 db <sql
	[[ $(sqlite3 db 'select count(*) from t') == 10000 ]]
}

files() {
	mkdir many
	for i in {1..5000}; do
		echo "$i" >"many/file$i"
	done
	tar -cf many.tar many
	mkdir first second
	tar -xf many.tar -C first
	took "tar x" 1 tar -xf many.tar -C second
	took "find" 10 again 10 "find . -type f -size +1k"
	head -c 256M /dev/zero >big
	cat big big big big >/dev/null
	took "read 1 GiB" 1 cat big big big big
}

bash_script() {
	bash -c "$script" >/dev/null
	took "bash script" 1 bash -c "$script"
}

status=0
for group in "${groups[@]}"; do
	work=$(mktemp -d /tmp/apps.XXXXXX)
	# Not in a condition, where -e would mean nothing.
	(set -eo pipefail; cd "$work"; "$group")
	# shellcheck disable=SC2181
	[[ $? == 0 ]] || { echo "$group failed" >&2; status=1; }
	rm -rf "$work"
done
exit $status
