#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The same by kbox-slirp, which has a connection's descriptor for ten seconds after its end.
export NET_ENGINE=slirp NET_AT_ONCE=2500
. "$(dirname "$0")/net-allow.t"
