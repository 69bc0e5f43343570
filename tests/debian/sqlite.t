#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# sqlite3: 10,000 inserts, integrity_check, a journal left behind, two writers at once.
. "$(dirname "$0")/lib.sh"

# sum TABLE: rows and a sum over them
sum() {
	sqlite3 db "select count(*), sum(number), sum(length(text)) from $1"
}

{
	echo 'create table t (number integer primary key, text text); create index texts on t (text);'
	for i in $(seq 10000); do
		echo "insert into t values ($i, 'number $i');"
	done
} >sql
# Each is a transaction, and is synchronous.
passes "10,000 inserts" sqlite3 db <sql
is "$(sum t)" "10000|50005000|108894" "they are there"
is "$(sqlite3 db 'pragma integrity_check')" ok "integrity_check"
is "$(sqlite3 db "select number from t where text = 'number 7777'")" 7777 "by the index"
is "$(sqlite3 db .dump | grep -v '^CREATE INDEX' | sha256sum)" "8296f34bfdc19b3923731c48c45f1efea38dc819b665feb182aa4cc62db116f5  -" "the dump"
sqlite3 db .dump | sqlite3 copy
is "$(sqlite3 copy .dump | sha256sum)" "$(sqlite3 db .dump | sha256sum)" "and back"

# It is killed when some of a transaction has been written to the file.
mkfifo statements
: >said
sqlite3 db <statements >said 2>&1 &
{
	echo 'pragma cache_size = 10; begin;'
	echo "update t set text = text || ' changed and longer than it was before';"
	echo "select 'changed';"
	until grep -q changed said; do sleep 0.05; done
	kill -9 $!
} >statements
wait $! 2>/dev/null
is "$([ -s db-journal ] && echo yes)" yes "killed in a transaction: its journal is left"
is "$(sum t)" "10000|50005000|108894" "and nothing of it is seen"
is "$(sqlite3 db 'pragma integrity_check')" ok "integrity_check"

# With a write-ahead log, which is shared memory.
is "$(sqlite3 db 'pragma journal_mode = wal; create table u (number, text);')" wal "a write-ahead log"
for writer in 1 2; do
	{
		echo ".timeout $((60000 * slowness))"
		for i in $(seq 500); do
			echo "insert into u values ($i, $writer);"
		done
	} | sqlite3 db >"writer$writer" 2>&1 &
done
wait
is "$(cat writer1 writer2)" "" "two writers at once"
is "$(sum u)" "1000|250500|1000" "what they wrote"
is "$(sqlite3 db 'pragma integrity_check')" ok "integrity_check"

# It would notice.
printf 'XXXXXXXXXXXXXXXX' | dd of=db bs=1 seek=8192 conv=notrunc 2>/dev/null
is "$(sqlite3 db 'pragma integrity_check' 2>&1 | head -n 1 | grep -c '^ok$')" 0 "a damaged file is found"
done_testing
