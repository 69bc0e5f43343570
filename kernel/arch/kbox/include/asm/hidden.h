/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything: no symbol is preempted, so none needs a GOT entry. */
#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif
