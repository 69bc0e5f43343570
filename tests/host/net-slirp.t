#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The same by kbox-slirp, and what passt of 2023 does not do.
export NET_ENGINE=slirp
. "$(dirname "$0")/net.t"
