#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Python's own tests of multiprocessing, as python.t runs them.
exec "$(dirname "$0")/python.t" test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn test_multiprocessing_main_handling
