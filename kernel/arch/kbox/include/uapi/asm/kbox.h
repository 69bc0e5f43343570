/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the launcher and the kernel share: struct kbox_boot, which the launcher fills in before the
 * kernel starts, and struct kbox_shared, which both write while the box runs.
 *
 * All "phys" values are offsets into the guest memory memfd, which every
 * process of the box maps MAP_SHARED at KBOX_PAGE_OFFSET.
 */
#ifndef _UAPI_ASM_KBOX_H
#define _UAPI_ASM_KBOX_H

#include <asm/layout.h>
#ifndef __ASSEMBLY__
#include <linux/types.h>
#endif

#define KBOX_BOOT_PHYS		KBOX_ADDR(0x1000)	/* struct kbox_boot, one page */
#define KBOX_SHARED_PHYS	KBOX_ADDR(0x2000)	/* struct kbox_shared, six pages */
#define KBOX_CONSOLE_PHYS	KBOX_ADDR(0x10000)	/* struct kbox_console */
#define KBOX_MAGIC		0x786f626bU	/* "kbox" */
#define KBOX_ABI		5		/* of these structures, for launcher and kernel */

#define KBOX_NOTE_IMAGE		1		/* ELF note "kbox" of the kernel: struct kbox_image */

#define KBOX_MEM_MIN		(32UL << 20)

#ifndef __ASSEMBLY__
/* Addresses in the kernel's image. */
struct kbox_image {
	__u64 abi;				/* KBOX_ABI */
	__u64 hostcall_start, hostcall_end;	/* the only text that may issue host calls */
	struct { __u64 start, end; } text[2];	/* pages that are executed */
};

/* Interrupt numbers: bits of kbox_vcpu.irq_pending. */
#define KBOX_IRQ_TIMER		0
#define KBOX_IRQ_HOSTFD		1	/* a host descriptor became ready */
#define KBOX_IRQ_SIGNAL		2	/* see kbox_shared.sup_signals */
#define KBOX_IRQ_CONSOLE	3	/* see struct kbox_console */
#define KBOX_IRQ_WORK		4	/* the kernel's own: see asm/irq_work.h */
#define KBOX_IRQ_HOSTIO		5	/* the kernel's own: see drivers/hostio.c */
#define KBOX_IRQ_FREEZE		6	/* see enum kbox_freeze */
#define KBOX_IRQ_VIRTIO		8	/* + device index */

/* Doorbells of the supervisor: bits of kbox_shared.doorbell. */
#define KBOX_BELL_EXIT		0	/* kbox_shared.exit_* is valid, the box ends */
#define KBOX_BELL_INPUT		1	/* of the console: there is room, or it listens */
#define KBOX_BELL_FREEZE	2	/* the kernel has set kbox_shared.freeze */
#define KBOX_BELL_VIRTIO	8	/* + device index */

#define KBOX_MAX_VIRTIO		8
#define KBOX_MAX_VQ		4
#define KBOX_VQ_SIZE		256

/*
 * One virtio device, split rings, VIRTIO_F_VERSION_1: docs/devices.md.
 *
 * The driver fills driver_features and the queues, then sets DRIVER_OK in status. It tells the
 * device of what it has done by a bit in notify: that of the queue, or KBOX_NOTIFY_STATUS for a
 * status with DRIVER_OK or of 0. If notify was KBOX_NOTIFY_WAITED alone before, it wakes the
 * device: where "wake" is set by that word as a futex, else by the device's bell.
 *
 * The device acts on a status, then has it in "answered". After a status of 0 it is done with the
 * queues' memory when that is there. A status that it cannot act on comes with
 * VIRTIO_CONFIG_S_NEEDS_RESET.
 *
 * The device fills used rings and raises KBOX_IRQ_VIRTIO + index, after setting bit 0 (queue) or 1
 * (config changed, or NEEDS_RESET) of isr, which the driver clears by exchange.
 */
#define KBOX_NOTIFY_STATUS	(1U << 30)
#define KBOX_NOTIFY_WAITED	(1U << 31)	/* the device sleeps until it is woken */
#define KBOX_STATUS_READY	0x0f	/* ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, and no more */
#define KBOX_STATUS_STEP	0x100	/* each write of a status adds that: one is told from the next */

struct kbox_virtqueue {
	__u64 desc, driver, device;	/* phys of the three rings */
	__u32 size;			/* entries; 0: queue does not exist */
	__u32 ready;
};

struct kbox_virtio {
	__u32 device_id;		/* VIRTIO_ID_*; 0: slot empty */
	__u32 status;			/* VIRTIO_CONFIG_S_*, and above them which status it is */
	__u64 device_features, driver_features;
	__u32 isr;
	__u32 notify;			/* bit per queue, and KBOX_NOTIFY_* */
	__u32 wake;
	__u32 answered;
	struct kbox_virtqueue vq[KBOX_MAX_VQ];
	__u8 config[128];
};

/*
 * Descriptors of the launcher's, below this, can be given to the guest: with this call of
 * /dev/kboxfd, each once.
 */
#define KBOX_MAX_OFFER		65536
#define KBOX_IOC_TAKE		0x4b01	/* argument: the host's number; returns the guest's */

#define KBOX_STDIO_TTY		1	/* the host descriptor is a terminal */
#define KBOX_STDIO_CLOSED	2

/*
 * A directory of the host that the guest can mount: "hostfs" of source "volume:N" is volume[N].
 * docs/hostfs.md.
 */
#define KBOX_MAX_VOLUMES	64
#define KBOX_VOLUME_READ_ONLY	(1 << 0)	/* nothing is written to it */
#define KBOX_VOLUME_STEADY	(1 << 1)	/* nobody changes it while the box runs: names and attributes are cached */
#define KBOX_VOLUME_OWNERS	(1 << 2)	/* owners, suid bits and devices are the guest's own, in attributes */
#define KBOX_VOLUME_DEVICES	(1 << 3)	/* only devices are */
#define KBOX_VOLUME_SPECIAL	(1 << 4)	/* FIFOs are the host's */

struct kbox_volume {
	__s32 fd;		/* the host's descriptor of the directory (O_PATH) */
	__u32 flags;
};

/*
 * The guest's console, which the supervisor keeps on the user's terminal. Heads and tails count the
 * bytes that have ever been put in and taken out, and wrap around; each has one who writes it.
 * After that a side looks at the other's index and flag, so that one of the two sees what the other
 * has done last. When the output was empty the kernel sets out_rung and wakes who waits for that
 * futex. It rings when it has made room that was waited for (in_wait, which it clears). The
 * supervisor raises KBOX_IRQ_CONSOLE when there is input or the last of it, and when at least half
 * of the output is free and that was waited for (out_wait, which it clears).
 */
#define KBOX_CONSOLE_OUT	65536
#define KBOX_CONSOLE_IN		4096

struct kbox_console {
	/* The kernel's words. */
	__u32 out_head __attribute__((aligned(64)));
	__u32 in_tail;
	__u32 listening;	/* somebody has the terminal open */
	/* The supervisor's. */
	__u32 out_tail __attribute__((aligned(64)));
	__u32 in_head;
	__u32 in_end;		/* nothing will follow what is in the ring */
	/* Of both. */
	__u32 out_wait __attribute__((aligned(64)));
	__u32 in_wait;
	__u32 out_rung;		/* there is output: the supervisor clears it before it looks */
	__u8 out[KBOX_CONSOLE_OUT] __attribute__((aligned(64)));
	__u8 in[KBOX_CONSOLE_IN];
};

/* What the kernel counts, for kbox --stats. The first three are calls by the way they came. */
enum kbox_count {
	KBOX_CALLS_REWRITE,	/* from a patched site */
	KBOX_CALLS_TRAP,	/* by a SIGSYS */
	KBOX_CALLS_BOUNCED,	/* of these: from a patched site that could not serve */
	KBOX_LANDINGS,		/* code that landed inside a patched site */
	KBOX_SITES_BEFORE,	/* patched before the syscall instruction */
	KBOX_SITES_AT,		/* patched at it */
	KBOX_CALLS_PROMOTED,	/* of the first: from a call of a cancellation wrapper (docs/cancel-wrapper.md) */
	KBOX_SITES_PROMOTED,	/* such calls that were patched */
	KBOX_PROMOTE_ALLOWED,	/* programs executed that may have such, and ... */
	KBOX_PROMOTE_DENIED,	/* ... those that may not */
	KBOX_PROMOTE_UNDONE,	/* and those that made a process or thread after all */
	KBOX_TASKS_ENDED,
	KBOX_SITES_REFUSED,	/* from here on: not patched, by reason */
	KBOX_COUNTS = KBOX_SITES_REFUSED + 24
};

/* The name is the kernel's; empty: not in use. */
struct kbox_counter {
	__u64 n;
	char name[56];
};

enum kbox_exit {
	KBOX_RUNNING = 0,
	KBOX_EXITED,		/* exit_status: the command's wait status */
	KBOX_PANICKED,		/* exit_reason: why */
};

/*
 * Does the guest stand still? A futex, which the supervisor sets to KBOX_FREEZE, with an interrupt,
 * and to KBOX_RUNS; the kernel answers with one of the others, and rings. One that has come to
 * another box rings there, too.
 */
enum kbox_freeze {
	KBOX_RUNS = 0,
	KBOX_FREEZE,		/* it is to stand still */
	KBOX_FROZEN,		/* it does: all that there is of it is in its memory, which nobody changes */
	KBOX_UNFREEZABLE,	/* a task does not come to rest, and it goes on */
};

/*
 * What box and kernel do without: for tests, which name it in KBOX_HIDE (src/hide.c), or since the
 * launcher has found that it is missing. Of these the kernel looks at the first ones, the launcher
 * at the others.
 */
enum kbox_hide {
	KBOX_HIDE_DISPATCH	= 1 << 0,	/* Syscall User Dispatch */
	KBOX_HIDE_POPULATE	= 1 << 1,	/* MADV_POPULATE_WRITE */
	KBOX_HIDE_LAHF		= 1 << 7,	/* lahf and sahf in 64-bit mode */
	KBOX_HIDE_FSGSBASE	= 1 << 8,	/* in hwcap2 */
	KBOX_HIDE_VDSO_CLOCK	= 1 << 9,	/* vdso_clock_gettime is 0 */
	KBOX_HIDE_VDSO		= 1 << 10,	/* keep_start too */
	KBOX_HIDE_VSYSCALL	= 1 << 11,	/* vsyscall_prot is 0 */
	KBOX_HIDE_MINSIGSTKSZ	= 1 << 12,	/* AT_MINSIGSTKSZ */
	KBOX_HIDE_SPEC_ALLOW	= 1 << 13,	/* SECCOMP_FILTER_FLAG_SPEC_ALLOW */
	KBOX_HIDE_CLOSE_RANGE	= 1 << 14,
	KBOX_HIDE_NOEXEC_SEAL	= 1 << 15,	/* MFD_NOEXEC_SEAL */
	KBOX_HIDE_LANDLOCK	= 1 << 16,
	KBOX_HIDE_USER_NOTIF	= 1 << 17,	/* SECCOMP_RET_USER_NOTIF */
	KBOX_HIDE_LOCK_IN	= 1 << 18,	/* the supervisor's own filter */
	KBOX_HIDE_CGROUP	= 1 << 19,	/* a control group of the box's own */
	KBOX_HIDE_VDSO_MOVE	= 1 << 20,	/* mremap(2) of the host's vDSO */
	KBOX_HIDE_MAP_TEXT	= 1 << 21,	/* execution of the kernel's file */
	KBOX_HIDE_NAMESPACES	= 1 << 22,	/* a mount namespace of the box's own */
	KBOX_HIDE_BROKER	= 1 << 23,	/* descriptors that the supervisor hands over */
};

/*
 * The kernel only reads it, but for vdso_clock_gettime: the host's clock may turn out to be none;
 * and for the seed, which goes.
 */
struct kbox_boot {
	__u32 magic, abi;
	__u64 mem_size;		/* bytes of guest memory, page multiple */
	__u64 initrd_phys, initrd_size;
	__s32 mem_fd;		/* host descriptor of the memory */
	__s32 supervisor_pid;
	/*
	 * An epoll instance of the host for what the kernel waits for in descriptors. When there
	 * is more to be had from it the supervisor raises KBOX_IRQ_HOSTFD.
	 */
	__s32 epoll_fd;
	__s32 null_fd;		/* /dev/null */
	__u64 user_end;		/* where the guests' addresses end, but for the home: the host's, or keep_start */
	/*
	 * Host mappings that stay in every process: [keep_start, keep_end) holds the host's vvar
	 * and vdso. They are in the home, or where the host does not let them be moved, at
	 * user_end.
	 */
	__u64 keep_start, keep_end;
	__u64 vdso_clock_gettime;	/* address of __vdso_clock_gettime, or 0 */
	__u32 vsyscall_prot;	/* PROT_* of the host's vsyscall page, 0 if there is none */
	__u32 hidden;		/* enum kbox_hide */
	__u64 hwcap, hwcap2;	/* AT_HWCAP, AT_HWCAP2 of the host */
	__u32 minsigstksz;	/* AT_MINSIGSTKSZ of the host, or 2048 */
	__u32 stdio[3];		/* KBOX_STDIO_* of descriptors 0, 1, 2 */
	__u32 host_cpus;		/* on which the box may run */
	__u32 rewrite;			/* patch system call sites */
	__u32 names;			/* given sockets may be bound and connected */
	__u32 maps;			/* given files may be mapped */
	__u32 cancel_promote;		/* aarch64: also the one in libc's cancellation wrapper */
	__u32 midr;			/* aarch64: MIDR_EL1, or 0 */
	__s32 speculation[3];		/* what PR_GET_SPECULATION_CTRL says of PR_SPEC_*, or an error */
	__u32 volumes;			/* how many */
	__u32 volume_paths;		/* calls that take a path find nothing but the volumes */
	struct kbox_volume volume[KBOX_MAX_VOLUMES];
	__u32 resumes;			/* the memory is of a box that stood still, which goes on */
	__u8 seed[32];			/* random bytes for it, which no other copy of it has */
	char cmdline[2048];
	__u64 clock_offset;		/* ns that the guest's CLOCK_MONOTONIC is ahead of the host's */
};

/* Words of the virtual CPU, each on a line of its own. */
struct kbox_vcpu {
	__u32 lock __attribute__((aligned(64)));	/* 0: nobody in the kernel */
	/*
	 * A raiser ORs its bit in, then, if lock reads 0, adds one to watch_seq, if watched, and
	 * wakes one waiter of that futex (process-shared). If there is none, he does so to z_seq.
	 */
	__u32 irq_pending __attribute__((aligned(64)));
	__u32 z_seq;
	__u32 watched;		/* idle has let go of the CPU, and a host thread with a task waits */
	__u32 watch_seq;
};

struct kbox_shared {
	struct kbox_vcpu vcpu;

	/* A ringer ORs its bit in and wakes this futex when it was 0. */
	__u32 doorbell __attribute__((aligned(64)));
	__u32 sup_signals;	/* bit n: host signal n reached the supervisor */
	__u16 tty_rows, tty_cols;	/* as large is the terminal, before SIGWINCH is told */
	__u32 freeze;		/* enum kbox_freeze */
	__u32 exit_kind;	/* enum kbox_exit */
	__u32 exit_status;
	char exit_reason[256];

	struct kbox_counter count[KBOX_COUNTS] __attribute__((aligned(64)));

	struct kbox_virtio virtio[KBOX_MAX_VIRTIO] __attribute__((aligned(64)));

	__u64 offered[KBOX_MAX_OFFER / 64];	/* the kernel clears the bit of what it takes */
	__u64 held[KBOX_MAX_OFFER / 64];	/* what it has taken, when it stands still */
};

#endif /* __ASSEMBLY__ */
#endif
