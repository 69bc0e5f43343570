#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Python's own tests of what asks much of a kernel. Arguments: modules to run instead of these. LEFT OUT has why.
. "$(dirname "$0")/lib.sh"
here_modules="os:260 subprocess:290 threading:190 socket:600 mmap:36 signal:50 select:6 epoll:10 tempfile:100 shutil:130 asyncio:2290"
