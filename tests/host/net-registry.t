#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packages from the registries that this machine is configured for, in boxes with a network. Where one
# is out of reach for the machine itself, its cases are skipped.
. "$(dirname "$0")/lib.sh"

debian=$build/debian.img
command -v passt >/dev/null || [ -x "$build/kbox-slirp" ] || skip_all "no engine for --net is installed"

apt_reaches() {
	mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial"
	timeout 120 apt-get -qq -o Dir::State::Lists="$tmp/lists" -o Dir::Cache="$tmp/cache" -o Debug::NoLocking=1 update >"$tmp/apt" 2>&1 &&
		[ "$(find "$tmp/lists" -type f | wc -l)" -gt 1 ]
}
npm_reaches() {
	command -v npm >/dev/null && timeout 60 npm view left-pad@1.3.0 version >"$tmp/npm" 2>&1
}

if [ ! -e "$debian" ]; then
	skip "build/debian.img is not there" "apt-get in a box"
elif ! apt_reaches; then
	skip "apt-get update reaches nothing from here" "apt-get in a box"
else
	timeout "$limit" "$kbox" -S "$debian" --ephemeral --net --mem 1G -- sh -c '
		apt-get -qq update && apt-get -qq install -y --no-install-recommends hello && hello' >"$tmp/out" 2>"$tmp/err"
	is "$? $(tail -n 1 "$tmp/out")" "0 Hello, world!" "apt-get update and install in a Debian box"
	[ -s "$tmp/out" ] || sed 's/^/# /' "$tmp/err"
fi

if ! npm_reaches; then
	skip "npm is not here, or reaches no registry" "npm install in a box"
else
	mkdir "$tmp/work"
	# The box does not see the user's home, where what npm is told may be.
	config=$(npm config get userconfig)
	[ ! -r "$config" ] || cp "$config" "$tmp/work/.npmrc"
	timeout "$limit" "$kbox" run --net --mem 1G -v "$tmp/work:$tmp/work" -w "$tmp/work" -e HOME="$tmp/work" \
		-e npm_config_registry="$(npm config get registry)" -e npm_config_cafile="$(npm config get cafile | sed 's/^null$//')" \
		-- sh -c 'npm install --no-audit --no-fund left-pad@1.3.0 && node -p "require(\"left-pad\")(7, 3, 0)"' >"$tmp/out" 2>&1
	is "$? $(tail -n 1 "$tmp/out")" "0 007" "npm install in a box"
fi
done_testing
