#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Python's own tests of asyncio, as python.t runs them.
exec "$(dirname "$0")/python.t" test_asyncio
