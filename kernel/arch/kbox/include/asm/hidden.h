/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything: no symbol is preempted, so none needs a GOT entry. But for the vDSO, which exports some. */
#if !defined(__ASSEMBLY__) && !defined(BUILD_VDSO)
#pragma GCC visibility push(hidden)
#endif
