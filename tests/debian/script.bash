#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# For bash.t: what bash asks of a kernel, and much that it does itself. Everything that it prints is the same on every
# machine, and in script.expected. Works in the current directory.
# shellcheck disable=SC2034,SC2050,SC2194 # what is looked at is what bash makes of it
set -uo pipefail
export LC_ALL=C
shopt -s extglob nullglob lastpipe

section() {
	printf -- '--- %s\n' "$*"
}

section processes
(exit 3)
echo "subshell: $?"
{ sh -c 'kill -TERM $$'; } 2>/dev/null
echo "a signal: $?"
{ sh -c 'kill -KILL $$'; } 2>/dev/null
echo "another: $?"
pids=()
for status in 5 0 7; do
	sh -c "exit $status" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid"
	echo "a job: $?"
done
for ((i = 0; i < 20; i++)); do
	(exit "$i") &
done
total=0
while :; do
	wait -n
	status=$?
	[[ $status != 127 ]] || break
	total=$((total + status))
done
echo "twenty jobs: $total"
[[ $BASHPID == "$$" ]] && (( $(exec sh -c 'echo $PPID') == $$ )) && echo "who is whose parent"
descend() {
	if (($1 == 0)); then echo bottom; else (descend $(($1 - 1))); fi
}
descend 30

section pipelines
seq 20000 | sed 's/^/line /' | grep 7 | sort -r | tail -n 3
seq 100000 | tr '\n' ' ' | wc -c
true | false | true
echo "statuses: ${PIPESTATUS[*]}"
yes | head -n 100000 | sha256sum
echo "an ended reader: ${PIPESTATUS[0]}"
seq 5 | while read -r n; do sum=$((${sum:-0} + n)); done
echo "lastpipe: $sum"
seq 3000 | while read -r a; do [[ $a == *99 ]] && echo "$a"; done | tr '\n' ' '
echo

section redirections
exec 7>out 8<<<"a here string"
echo seven >&7
ls /no/such/file >&7 2>&1
echo "status $?"
read -r line <&8
exec 7>&- 8<&-
echo "$line, $(wc -l <out) lines"
{ echo lost >&7; } 2>/dev/null || echo "a closed descriptor"
cat <<END - <(echo of a process) <(seq 3)
here document, $((6 * 7))
END
seq 10 | tee >(wc -l >count) >/dev/null
until [[ -s count ]]; do sleep 0.01; done
echo "tee: $(<count)"
exec {fd}<>both
echo written >&"$fd"
[[ $fd -ge 10 ]] && cat both
exec {fd}>&-
set -o noclobber
{ echo again >both; } 2>/dev/null || echo "noclobber"
echo again >|both
set +o noclobber
cat both >>out
tail -n 1 out
mkfifo fifo
seq 1000 >fifo &
awk '{ sum += $1 } END { print sum }' fifo
wait

section coprocess
coproc DOUBLE { while read -r n; do echo $((n * 2)); done; }
for n in 1 21 300; do
	echo "$n" >&"${DOUBLE[1]}"
	read -r answer <&"${DOUBLE[0]}"
	echo "$n $answer"
done
# Both go when it has ended.
pid=$DOUBLE_PID
eval "exec ${DOUBLE[1]}>&-"
wait "$pid"
echo "ended: $?"

section signals
trap 'echo "USR1 came"' USR1
kill -USR1 $$
trap '' USR2
kill -USR2 $$
echo "USR2 did not"
sh -c 'kill -USR1 $PPID'
(trap 'echo "TERM in a subshell"; exit 9' TERM; kill -TERM "$BASHPID"; sleep 10)
echo "it ended: $?"
sleep 100 &
kill -STOP $!
until [[ $(cut -d' ' -f3 /proc/$!/stat) == T ]]; do sleep 0.01; done
kill -CONT $!
kill $!
wait $!
echo "stopped, continued, terminated: $?"
set -m
sleep 100 &
[[ $(cut -d' ' -f5 /proc/$!/stat) == "$!" ]] && echo "a process group of its own"
{ kill %%; wait $!; } 2>/dev/null
echo "job %%: $?"
set +m
(trap 'echo "at the exit"' EXIT; exit 4)
echo "after it: $?"
read -r -t 0.05 line < <(sleep 2) || echo "no line in time"
trap 'echo "line of $FUNCNAME failed"' ERR
fails() { false; true; }
set -E
fails
set +E
trap - ERR USR1
timeout 0.2 sleep 100
echo "timeout: $?"

section files
mkdir -p tree/{a,b,c}/{1,2,3}
for dir in tree/*/*; do
	printf '%s\n' "$dir" >"$dir/name"
done
echo tree/!(b)/[12]/name
find tree -type f | wc -l
ln -s a/1/name tree/link
ln tree/a/2/name tree/hard
[[ -L tree/link && tree/hard -ef tree/a/2/name ]] && cat tree/hard
chmod 640 tree/b/1/name
stat -c '%a %h %s' tree/b/1/name tree/hard
touch -d '2001-02-03 04:05:06 UTC' tree/c/3/name
[[ tree/c/3/name -ot tree/b/1/name ]] && stat -c %Y tree/c/3/name
mv tree/c tree/d
tar -cf - tree | tar -tf - | sort | sha256sum
truncate -s 1M sparse
stat -c '%s %b' sparse
rm -r tree/{a,b,d}/*
rmdir tree/*/ && ls -A tree
umask 077
: >private
stat -c %a private
cd /proc/self && [[ $PWD == /proc/self ]] && cd "$OLDPWD" || echo "lost"
(ulimit -n 20; exec 19</dev/null; { exec 20</dev/null; } 2>/dev/null || echo "no twentieth descriptor")

section "bash itself"
declare -A count=()
for word in the cat and the dog and the bird; do
	count[$word]=$((${count[$word]:-0} + 1))
done
for word in "${!count[@]}"; do echo "${count[$word]} $word"; done | sort
list=({a..e} "f g")
echo "${#list[@]} ${list[-1]} ${list[*]:1:2} ${list[*]/#/x}"
unset 'list[2]'
echo "${!list[@]}"
text="The Quick brown fox"
echo "${text^^} ${text,,} ${text#* } ${text%% *} ${text//o/0} ${#text} ${text:4:5}"
[[ "key = value 12" =~ ^([a-z]+)\ =\ ([a-z]+)\ ([0-9]+)$ ]] && echo "${BASH_REMATCH[@]:1}"
printf '%05d|%-6s|%x|%q|%(%F)T\n' 42 ab 255 'a b' 0
factorial() {
	local n=$1
	if ((n < 2)); then echo 1; else echo $((n * $(factorial $((n - 1))))); fi
}
factorial 12
primes=()
for ((n = 2; n < 100; n++)); do
	for p in "${primes[@]}"; do ((n % p)) || continue 2; done
	primes+=("$n")
done
echo "${#primes[@]}: ${primes[*]: -3}"
mapfile -t lines < <(seq 1000)
echo "${#lines[@]} ${lines[999]}"
IFS=: read -r name _ uid gid _ home _ < <(grep ^root: /etc/passwd)
echo "$name $uid $gid $home"
options=()
set -- -a -b value rest
while getopts ab: option; do options+=("$option${OPTARG:-}"); done
echo "${options[*]} ${*:OPTIND}"
declare -n reference=text
reference=changed
echo "$text"
case abc in a*) echo "case" ;;& *c) echo "and on" ;;& x) echo never ;; esac
string=""
for ((i = 0; i < 5000; i++)); do string+=$((i % 10)); done
sha256sum <<<"$string"
(echo "${never_set?is not set}") 2>/dev/null
echo "unset: $?"
exit 42
