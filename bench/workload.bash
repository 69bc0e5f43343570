#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# For bench-sites: what shell scripts do. Configure-like probing, text through pipes, many short-lived processes,
# functions, redirections of every kind, traps, jobs. Prints "bash done" when all came out as it should.
set -euo pipefail

work=$(mktemp -d /tmp/workload.XXXXXX)
cleanup() {
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

die() {
	echo "workload.bash: $*" >&2
	exit 1
}

# expect GOT EXPECTED WHAT
expect() {
	[[ $1 == "$2" ]] || die "$3: $1 instead of $2"
}

# --- a source tree ---------------------------------------------------------------------------------------------

names=(alpha beta gamma delta epsilon zeta eta theta iota kappa)

make_tree() {
	local dir name i
	for dir in src lib doc test; do
		mkdir -p "tree/$dir"
		for name in "${names[@]}"; do
			{
				printf '# %s of %s\n' "$name" "$dir"
				for ((i = 0; i < 20; i++)); do
					printf 'line %d: %s\n' "$i" "${name^^}"
				done
			} >"tree/$dir/$name.txt"
		done
	done
}

count_files() {
	local n=0 f
	for f in tree/*/*; do
		[[ -f $f && -r $f && ! -x $f ]] && n=$((n + 1))
	done
	echo "$n"
}

make_tree
expect "$(count_files)" 40 "files in the tree"
expect "$(find tree -type f -name '*.txt' | wc -l)" 40 "find"
expect "$(cat tree/*/*.txt | wc -l)" 840 "lines"

# --- reading line by line (bash reads a pipe byte by byte) --------------------------------------------------------

sum_lines() {
	local total=0 word number
	while read -r word number _; do
		[[ $word == line ]] || continue
		total=$((total + ${number%:}))
	done
	echo "$total"
}

for name in "${names[@]:0:5}"; do
	expect "$(sum_lines <"tree/src/$name.txt")" 190 "sum of $name"
done
expect "$(cat tree/lib/*.txt | sum_lines)" 1900 "sum over a pipe"
mapfile -t lines < <(grep -h '^#' tree/doc/*.txt)
expect "${#lines[@]}" 10 "mapfile"

# --- pipes ----------------------------------------------------------------------------------------------------

for i in {1..10}; do
	got=$(seq 1 200 | grep -v "$i" | sort -rn | head -n 1 | tr -d '\n')
	[[ -n $got ]] || die "an empty pipe"
done
expect "$(printf '%s\n' "${names[@]}" | sort | sed 's/a$/A/' | tr '\n' ' ' | cut -c 1-12)" "alphA betA d" "pipeline"
expect "$(tail -n +2 tree/src/alpha.txt | cut -d ' ' -f 2 | tr -d ':' | paste -sd+ | sed 's/+$//')" \
	"$(seq -s+ 0 19)" "paste"

# --- redirections ------------------------------------------------------------------------------------------------

exec 3>log 4>&1
for i in {1..100}; do
	echo "entry $i" >&3
done
exec 3>&- 4>&-
expect "$(wc -l <log)" 100 "lines in the log"
{ echo out; echo err >&2; } >both 2>&1
expect "$(<both)" $'out\nerr' "both streams"
{ ls /no/such/file || :; } 2>errors >/dev/null
[[ -s errors ]] || die "no message"
for i in {1..50}; do
	echo "$i" >>appended
done
expect "$(wc -l <appended)" 50 "appending"
expect "$(cat <<-END
	here
	there
	END
)" $'here\nthere' "here document"
expect "$(tr '[:lower:]' '[:upper:]' <<<"a string")" "A STRING" "here string"
exec 5<>both
read -r -u 5 first
exec 5>&-
expect "$first" out "read from a descriptor"

# --- functions and recursion, in subshells --------------------------------------------------------------------------

fib() {
	if (($1 < 2)); then
		echo "$1"
	else
		echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2)))))
	fi
}
expect "$(fib 8)" 21 "recursion by command substitution"

walk() {
	local entry
	for entry in "$1"/*; do
		if [[ -d $entry ]]; then
			walk "$entry"
		else
			echo "${entry##*/}"
		fi
	done
}
expect "$(walk tree | sort -u | wc -l)" 10 "walk"

# --- as configure does ------------------------------------------------------------------------------------------

probe() {
	local tool
	for tool in "$@"; do
		if command -v "$tool" >/dev/null 2>&1; then
			echo "$tool yes"
		else
			echo "$tool no"
		fi
	done
}
expect "$(probe sh cat no-such-tool | grep -c yes)" 2 "probe"
for i in {1..30}; do
	echo "have_$i=$((i % 2))" >"conf.$i"
	# shellcheck disable=SC1090
	. "./conf.$i"
	rm -f "conf.$i"
done
expect "${have_29:-}${have_30:-}" 10 "sourced files"
sed -e 's/line \([0-9]*\):/\1/' tree/src/*.txt >all
expect "$(grep -c ALPHA all)" 20 "sed"
for f in tree/src/*.txt; do
	cp "$f" "$f.orig"
	mv "$f.orig" "${f%.txt}.bak"
	touch "$f"
	chmod 600 "$f"
	if cmp -s "$f" "${f%.txt}.bak"; then
		rm "${f%.txt}.bak"
	fi
done
expect "$(find tree -name '*.bak' | wc -l)" 0 "copies"

# --- jobs and signals ----------------------------------------------------------------------------------------------

pids=()
for i in {1..10}; do
	(sleep 0.05; exit "$i") &
	pids+=($!)
done
total=0
for pid in "${pids[@]}"; do
	wait "$pid" || total=$((total + $?))
done
expect "$total" 55 "exit statuses of jobs"
usr1=0
trap 'usr1=$((usr1 + 1))' USR1
for i in {1..20}; do
	kill -USR1 $$
done
expect "$usr1" 20 "signals"
mkfifo queue
(for i in {1..50}; do echo "$i"; done >queue) &
expect "$(paste -sd, queue | tr -cd , | wc -c)" 49 "a named pipe"
wait

# --- text in the shell itself -----------------------------------------------------------------------------------------

declare -A seen=()
# shellcheck disable=SC2013
for word in $(cat tree/test/*.txt); do
	seen[$word]=$((${seen[$word]:-0} + 1))
done
expect "${seen[line]}" 200 "words"
for ((i = 0; i < 2000; i++)); do
	text="item-$i"
	[[ $text =~ ^item-([0-9]+)$ && ${BASH_REMATCH[1]} == "$i" ]] || die "regular expression"
done

echo "bash done"
