/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_XOR_H
#define _ASM_KBOX_XOR_H
#include <asm-generic/xor.h>
/*
 * The kernel would measure at boot which one is the fastest; without vector registers it is this
 * one.
 */
#define XOR_SELECT_TEMPLATE(fastest)	(&xor_block_32regs)
#endif
