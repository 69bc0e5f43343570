/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything: no symbol is preempted, so none needs a GOT entry. But for the vDSO, which exports some. */
#if !defined(__ASSEMBLY__) && !defined(BUILD_VDSO)
#pragma GCC visibility push(hidden)
#endif
/*
 * These have tracepoints by the hundred, for who works on them; together they would take as much as their code.
 * docs/kernel.md
 */
#ifdef __KBUILD_MODNAME
#define NOTRACE_kmod_btrfs		0,
#define NOTRACE_kmod_xfs		0,
#define NOTRACE_kmod_nfs		0,
#define NOTRACE_kmod_nfsv3		0,
#define NOTRACE_kmod_nfsv4		0,
#define NOTRACE_kmod_lockd		0,
#define NOTRACE_kmod_sunrpc		0,
#define NOTRACE_kmod_auth_rpcgss	0,
/* As IS_ENABLED() does it: 1 for those, 0 for others. */
#define NOTRACE_2ND(first, second, ...)	second
#define NOTRACE_IF(words)	NOTRACE_2ND(words 1, 0, 0)
#define NOTRACE_OF(name)	NOTRACE_IF(NOTRACE_##name)
#define NOTRACE_NAME(name)	NOTRACE_OF(name)
#if NOTRACE_NAME(__KBUILD_MODNAME)
#define NOTRACE
#endif
#endif
