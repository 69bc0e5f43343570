/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything: no symbol is preempted, so none needs a GOT entry. But for the vDSO,
 * which exports some.
 */
#if !defined(__ASSEMBLY__) && !defined(BUILD_VDSO)
#pragma GCC visibility push(hidden)
#endif
/*
 * Tracepoints of what is seldom traced would take more than the code that they are in, and those
 * with flags of pages in their formats take most of the time that tracing takes at boot.
 * docs/kernel.md
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
/*
 * memory: kmem, vmscan, compaction, oom, migrate, tlb, filemap, pagemap, percpu, vmalloc,
 * writeback, maple_tree, dma
 */
#define NOTRACE_kmod_vmscan	0,
#define NOTRACE_kmod_shrinker	0,
#define NOTRACE_kmod_memcontrol	0,
#define NOTRACE_kmod_slub	0,
#define NOTRACE_kmod_slab_common	0,
#define NOTRACE_kmod_memory	0,
#define NOTRACE_kmod_page_alloc	0,
#define NOTRACE_kmod_compaction	0,
#define NOTRACE_kmod_oom_kill	0,
#define NOTRACE_kmod_proc	0,
#define NOTRACE_kmod_filemap	0,
#define NOTRACE_kmod_swap	0,
#define NOTRACE_kmod_migrate	0,
#define NOTRACE_kmod_rmap	0,
#define NOTRACE_kmod_vmalloc	0,
#define NOTRACE_kmod_percpu	0,
#define NOTRACE_kmod_page_writeback	0,
#define NOTRACE_kmod_backing_dev	0,
#define NOTRACE_kmod_fs_writeback	0,
#define NOTRACE_kmod_inode	0,
#define NOTRACE_kmod_maple_tree	0,
#define NOTRACE_kmod_mapping	0,
/* file systems: ext4's alone would be as much as its code */
#define NOTRACE_kmod_ext4		0,
#define NOTRACE_kmod_jbd2		0,
#define NOTRACE_kmod_fuse		0,
#define NOTRACE_kmod_iomap		0,
#define NOTRACE_kmod_netfs		0,
#define NOTRACE_kmod_9p		0,
#define NOTRACE_kmod_erofs		0,
#define NOTRACE_kmod_locks		0,
#define NOTRACE_kmod_handshake		0,
/* io_uring, control groups, nbd */
#define NOTRACE_kmod_io_uring		0,
#define NOTRACE_kmod_poll		0,
#define NOTRACE_kmod_register		0,
#define NOTRACE_kmod_rw			0,
#define NOTRACE_kmod_timeout		0,
#define NOTRACE_kmod_cgroup		0,
#define NOTRACE_kmod_cgroup_v1		0,
#define NOTRACE_kmod_freezer		0,
#define NOTRACE_kmod_rstat		0,
#define NOTRACE_kmod_nbd		0,
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
/*
 * Their initcalls wait until somebody asks for what they set up: kernel/waiting.c; of tracing:
 * kernel/tracing.c
 */
#define WAITS_kmod_btrfs		0,
#define WAITS_kmod_erofs		0,
#define WAITS_kmod_jitterentropy_rng	0,
#define WAITS_kmod_exfat		0,
#define WAITS_kmod_squashfs		0,
#define WAITS_kmod_udf			0,
#define WAITS_kmod_xfs			0,
#define WAITS_kmod_auth_rpcgss		0,
#define WAITS_kmod_grace		0,
#define WAITS_kmod_lockd		0,
#define WAITS_kmod_nfs			0,
#define WAITS_kmod_nfs_acl		0,
#define WAITS_kmod_nfsv3		0,
#define WAITS_kmod_nfsv4		0,
#define WAITS_kmod_sunrpc		0,
#define WAITS_kmod_trace		0,
#define WAITS_kmod_trace_dynevent	0,
#define WAITS_kmod_trace_eprobe		0,
#define WAITS_kmod_trace_events		0,
#define WAITS_kmod_trace_events_trigger	0,
#define WAITS_kmod_trace_printk		0,
#define WAITS_kmod_trace_stat		0,
#define WAITS_kmod_trace_syscalls	0,
#define WAITS_kmod_trace_uprobe		0,
#define WAITS_OF(name)	MODULE_IF(WAITS_##name)
#define WAITS_NAME(name)	WAITS_OF(name)
/*
 * Their initcalls are made at boot, but what is __init there is called later, too, by those that
 * wait.
 */
#define STAYS_kmod_trace_output		0,
#define STAYS_kmod_tracefs		0,
#define STAYS_OF(name)	MODULE_IF(STAYS_##name)
#define STAYS_NAME(name)	STAYS_OF(name)
#endif
