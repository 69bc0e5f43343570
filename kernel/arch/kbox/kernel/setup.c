// SPDX-License-Identifier: GPL-2.0-only
/* From the launcher's jump to start_kernel(), and the ways to stop. */
#include <linux/init.h>
#include <linux/start_kernel.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/memblock.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/pm.h>
#include <linux/console.h>
#include <linux/delay.h>
#include <linux/utsname.h>
#include <asm/boot.h>
#include <asm/context.h>
#include <asm/host.h>
#include <asm/hosttrap.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/vcpu.h>
#include "snapshot.h"

struct kbox_boot *const kbox_boot = (void *)(KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS);
struct kbox_shared *const kbox_shared = (void *)(KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS);
static char command_line[COMMAND_LINE_SIZE];
static unsigned long z_stack[2048] __aligned(16);
void (*pm_power_off)(void);

static void __noreturn box_exit(int kind, int status)
{
	kbox_shared->exit_status = status;
	smp_mb();
	WRITE_ONCE(kbox_shared->exit_kind, kind);
	kbox_ring(KBOX_BELL_EXIT);
	for (;;)	/* until the supervisor kills us */
		host_futex_wait(&kbox_boot->magic, KBOX_MAGIC, HOST_NO_TIMEOUT);
}

static int panicked(struct notifier_block *nb, unsigned long x, void *reason)
{
	strscpy(kbox_shared->exit_reason, reason, sizeof(kbox_shared->exit_reason));
	box_exit(KBOX_PANICKED, 0);
}

static struct notifier_block panic_block = { .notifier_call = panicked, .priority = INT_MIN };

/* Boot runs on Z's host thread; when it idles first, Z goes on in its own loop. */
static void __noreturn z_start(void)
{
	z_loop();
}

/* Up to where the host's addresses end, which it does not say: it refuses what is beyond. */
static void unmap_from(unsigned long start)
{
	unsigned long end;

	/* x86 lacks the last page. */
	for (end = 1UL << 52; end > start; end >>= 1)
		if (!host_munmap(start, end) || !host_munmap(start, end - PAGE_SIZE))
			break;
}

/* Nothing of the launcher stays but the vDSO. */
static void unmap_launcher(struct kbox_boot *boot)
{
	unsigned long end = KBOX_PAGE_OFFSET + boot->mem_size, keep = boot->keep_start ?: boot->user_end;

	kbox_task_size = boot->user_end;
	host_munmap(0, KBOX_PAGE_OFFSET);
	host_munmap(end, keep);
	unmap_from(boot->keep_end ?: keep);
}

static void begin_z(void)
{
	host_z.tid = host_z.tgid = host_getpid();
	host_z.loop_sp = kbox_new_context(z_stack + ARRAY_SIZE(z_stack) - 8, z_start);
	this_vcpu()->host = &host_z;
}

/*
 * In the memory of a box that stood still (snapshot.c). The CPU is ours, as it was that of whoever
 * stood there.
 */
asmlinkage __visible void kbox_resume(struct kbox_boot *boot)
{
	unmap_launcher(boot);
	host_traps_init();
	begin_z();
	this_vcpu()->watcher = this_vcpu()->entrants = NULL;
	this_vcpu()->z_reads_current = 0;
	host_z.vmalloc_gen = kbox_vmalloc_gen + 1;	/* it has missed all */
	kbox_vmalloc_sync(&host_z);
	snapshot_resume();
}

asmlinkage __visible void __init kbox_start(struct kbox_boot *boot)
{
	if (boot->magic != KBOX_MAGIC || boot->abi != KBOX_ABI)
		host_exit_group(1);	/* the launcher has looked, too, and has words for it: src/elf.c */
	unmap_launcher(boot);
	host_traps_init();
	begin_z();
	/* To see a signal frame. */
	host_tgkill(host_z.tgid, host_z.tid, IPI_SIGNAL);
	if (boot->host_cpus < 2)
		kbox_spin = 0;
	host_z.mm = &init_mm;
	host_z.task = &init_task;
	kbox_shared->vcpu.lock = 1;
	set_task_stack_end_magic(&init_task);
	start_kernel();
}

/*
 * These tables would be sized by the memory that the kernel knows of when it makes them
 * (mm/grow.c). An entry for each 8 KiB is what it would take, up to where the tables would be most
 * of what an idle box has.
 */
#define HASH_TABLES	"dhash_entries=%lu ihash_entries=%lu thash_entries=2048 nf_conntrack.hashsize=%lu "

/* Natively there are sixteen: each takes memory and a part of the start. */
#define NBD_DEVICES	"nbd.nbds_max=4 "

static void __init first_words(char *cmdline)
{
	unsigned long entries = min(kbox_boot->mem_size >> 13, 32768);

	snprintf(cmdline, COMMAND_LINE_SIZE, HASH_TABLES NBD_DEVICES "%s", entries, entries / 2, entries / 8, boot_command_line);
}

void __init setup_arch(char **cmdline)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	strscpy(boot_command_line, kbox_boot->cmdline, COMMAND_LINE_SIZE);
	first_words(command_line);
	*cmdline = command_line;
	setup_initial_init_mm(_stext, _etext, _edata, _end);
	parse_early_param();
	paging_init();
}

void machine_restart(char *cmd)
{
	int status = 0;

	if (cmd && !strncmp(cmd, "status=", 7) && !kstrtoint(cmd + 7, 10, &status))
		box_exit(KBOX_EXITED, status);
	box_exit(KBOX_EXITED, 0);
}

void machine_power_off(void) { machine_restart(NULL); }
void machine_halt(void) { machine_restart(NULL); }
