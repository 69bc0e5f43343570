#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make install: what is installed runs a box where it is, knows its version, and goes as it came.
. "$(dirname "$0")/lib.sh"
version=$(cat "$top/VERSION")
prefix="/opt/a place"
at=$tmp$prefix

installs() {
	(cd / && make -s -C "$top" "$1" DESTDIR="$tmp" PREFIX="${2:-$prefix}") >"$tmp/said" 2>&1
}
# as_installed PROGRAM ARG...: with nothing of this tree in its environment
as_installed() {
	program=$1
	shift
	(cd / && env -i PATH="$at/bin:$PATH" timeout "$limit" "$program" "$@")
}

installs install
is "$? $(cat "$tmp/said")" "0 " "make install"
programs=$(cd "$at/bin" && echo *)
is "$programs" "kbox kbox-image kbox-rewrite" "the programs"
is "$(as_installed kbox -S "$image" --ephemeral --mem 256M -- /bin/echo up)" up "a box of the kernel that is installed"
# shellcheck disable=SC2012 # names without blanks
is "$(ls -l "$at/lib/kbox" | awk 'NR > 1 { print $1, $NF }')" "-rwxr-xr-x kbox-init
-rwxr-xr-x kbox-slirp
-rw-r--r-- vmlinux" "modes"

# --- one version ---

for program in $programs; do
	is "$(as_installed "$program" --version)" "$program $version" "$program --version"
	is "$(sed -n 's/^\.TH .*"kbox \([^"]*\)".*/\1/p' "$at/share/man/man1/$program.1")" "$version" \
		"$program.1: the same version"
done
is "$(as_installed "$at/lib/kbox/kbox-slirp" --version)" "kbox-slirp $version" "kbox-slirp --version"
is "$("$top/scripts/kbox-image" --version)" "kbox-image $version" "kbox-image, in the tree"
is "$(sed -n 's/^## \[\([^]]*\)\].*/\1/p' "$top/CHANGELOG.md" | head -n 1)" \
	"$(case $version in *-dev) echo Unreleased ;; *) echo "$version" ;; esac)" \
	"the changelog begins with this version"

# --- completion ---

# completes WORD...: what bash makes of the last one, in one line
completes() {
	env -i PATH="$at/bin:$PATH" bash --norc -c '
		cd "$1" && . "$2/$3" || exit
		shift 2
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		spec=$(complete -p "$1")
		function=${spec#*-F } function=${function%% *}
		"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>&1
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$tmp/files" "$at/share/bash-completion/completions" "$@" | LC_ALL=C sort | tr '\n' ' '
}
mkdir "$tmp/files"
: >"$tmp/files/a disk.img"
is "$(completes kbox --eph)" "--ephemeral " "completion: an option"
is "$(completes kbox "do")" "doctor " "completion: a command"
is "$(completes kbox -S "a d")" "a disk.img " "completion: an image"
is "$(completes kbox -S img --syscall-mode = re)" "rewrite " "completion: a value"
is "$(completes kbox --syscall-mode =)" "auto rewrite trap " "completion: all values"
is "$(completes kbox -S img -- --eph)" " " "completion: nothing of the guest's command"
is "$(completes kbox --mem 1)" " " "completion: no size"
is "$(completes kbox-image im)" "import " "completion: kbox-image's command"
is "$(completes kbox-image import --fo)" "--force " "completion: kbox-image's option"
is "$(completes kbox-image import a)" "a disk.img " "completion: kbox-image's source"
all=$(as_installed kbox --help | grep -oE '^ *--?[a-zA-Z-]+|, --[a-z]+' | tr -d ' ,' | LC_ALL=C sort | tr '\n' ' ')
is "$(completes kbox -)" "-- $all" "completion: all options of kbox --help"

# --- and away ---

: >"$at/bin/another"
installs install
is "$? $(cat "$tmp/said")" "0 " "make install over what is there"
installs uninstall
is "$? $(cat "$tmp/said")" "0 " "make uninstall"
is "$(cd "$at" && find . -type f -o -name 'kbox*')" "./bin/another" "leaves nothing, and nothing else is gone"
installs install not/absolute
is "$(grep -o 'PREFIX=.*' "$tmp/said")" "PREFIX=not/absolute: give an absolute path" "a PREFIX that is not absolute"
done_testing
