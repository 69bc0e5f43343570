// SPDX-License-Identifier: GPL-2.0-only
/*
 * The types of which scripts/gdb/kbox.py reads objects, with their debug information. This object
 * is no part of the kernel: so gdb knows the types of a kernel that has no debug information
 * itself.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <asm/boot.h>
#include <asm/vcpu.h>

/* The compiler knows it, and so leaves no variable. */
enum gdb_addresses {
	KBOX_GDB_SHARED = KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS,
};

static struct gdb_types {
	enum gdb_addresses addresses;
	struct task_struct task;
	struct signal_struct signal;
	union thread_union stack;
	struct stack_top top;
	struct pt_regs regs;
	struct vcpu vcpu;
	struct host_thread host;
	struct kbox_shared shared;
	/* Of words in struct host_thread. */
	enum ht_state state;
	enum ht_fate fate;
	enum ht_grant grant;
	enum ht_ipi ipi;
} *kbox_gdb_types __used;
