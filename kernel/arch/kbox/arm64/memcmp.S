/* SPDX-License-Identifier: GPL-2.0-only */
#include "../../arm64/lib/memcmp.S"
