/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_WALK_ISA_H
#define KBOX_REWRITE_WALK_ISA_H
/* wrapper_nr_scan_segment() of one instruction set each. */
#include "walk.h"

bool walk_x86_64(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie);
bool walk_aarch64(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie);
#endif
