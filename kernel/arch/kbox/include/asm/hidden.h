/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything: no symbol is preempted, so none needs a GOT entry. But for the vDSO, which exports some. */
#if !defined(__ASSEMBLY__) && !defined(BUILD_VDSO)
#pragma GCC visibility push(hidden)
#endif
/*
 * These have tracepoints by the hundred, for who works on them; together they would take as much as
 * their code. docs/kernel.md
 */
#ifdef __KBUILD_MODNAME
#define NOTRACE_kmod_btrfs		0,
#define NOTRACE_kmod_xfs		0,
#define NOTRACE_kmod_nfs		0,
#define NOTRACE_kmod_nfsv3		0,
#define NOTRACE_kmod_nfsv4		0,
#define NOTRACE_kmod_blocklayoutdriver	0,
#define NOTRACE_kmod_nfs_layout_flexfiles	0,
#define NOTRACE_kmod_nfs_layout_nfsv41_files	0,
#define NOTRACE_kmod_lockd		0,
#define NOTRACE_kmod_sunrpc		0,
#define NOTRACE_kmod_auth_rpcgss	0,
/* As IS_ENABLED() does it: 1 for those, 0 for others. */
#define MODULE_2ND(first, second, ...)	second
#define MODULE_IF(words)	MODULE_2ND(words 1, 0, 0)
#define NOTRACE_OF(name)	MODULE_IF(NOTRACE_##name)
#define NOTRACE_NAME(name)	NOTRACE_OF(name)
#if NOTRACE_NAME(__KBUILD_MODNAME)
#define NOTRACE
#endif
/* It takes __x86_64__ for vector registers, but on UML, which has none either. */
#define UM_kmod_raid6_pq		0,
#define UM_OF(name)	MODULE_IF(UM_##name)
#define UM_NAME(name)	UM_OF(name)
#if UM_NAME(__KBUILD_MODNAME)
#define __arch_um__
#endif
#endif
