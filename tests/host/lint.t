#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lint: what it makes of a check that finds nothing, something, or cannot be done; and that
# those of scripts/lint.d which need no kernel find what they are for.
. "$(dirname "$0")/lib.sh"
tree=$tmp/tree
mkdir -p "$tree/scripts/lint.d"
cp "$top/scripts/lint" "$tree/scripts/"
check() {
	printf '#!/bin/sh\n%s\n' "$2" >"$tree/scripts/lint.d/$1"
	chmod 755 "$tree/scripts/lint.d/$1"
}
check a 'pwd >&3'
check b 'echo "f.c:1: this"; echo "f.c:2: that" >&2'
check c 'echo "there is none"; exit 77'
check d 'exit 3'
is "$(cd / && "$tree/scripts/lint" 3>"$tmp/where"; echo $?)" "1..4
ok 1 - a
not ok 2 - b: 2 found
# f.c:1: this
# f.c:2: that
ok 3 - c # SKIP there is none
not ok 4 - d: 1 found
# it failed, with status 3
1" "all checks"
is "$(cat "$tmp/where")" "$tree" "they run at the top of the tree"
is "$("$tree/scripts/lint" c a 3>&1)" "1..2
ok 1 - c # SKIP there is none
$tree
ok 2 - a" "those that are named"

# finds CHECK PATTERN: in the tree as it is
finds() {
	(cd "$tree" && git add -A . && "$top/scripts/lint.d/$1") >"$tmp/out" 2>&1
	is "$(grep -c "$2" "$tmp/out")" "$3" "$1 finds it"
}
git init -q "$tree"
cp "$top/.shellcheckrc" "$tree/"
mkdir "$tree/src" "$tree/build"
# shellcheck disable=SC2016 # it is the mistake
check wrong 'rm $1/*'
printf '// SPDX-License-Identifier: GPL-2.0-only\nint f(void)\n{\n\tint a[2];\n\n\ta[2] = 1;\n\treturn a[0] ;\n}\n' >"$tree/src/f.c"
if command -v shellcheck >/dev/null; then
	finds shellcheck 'scripts/lint.d/wrong:2:.*\[SC2086\]' 1
fi
if command -v cppcheck >/dev/null; then
	finds cppcheck 'src/f.c:6: .*\[arrayIndexOutOfBounds\]' 1
fi
if [ -e "$top/build/linux-6.12/scripts/checkpatch.pl" ]; then
	ln -s "$top/build/linux-6.12" "$tree/build/"
	finds checkpatch 'src/f.c:7: .*SPACING' 1
fi
done_testing
