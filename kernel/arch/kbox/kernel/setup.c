// SPDX-License-Identifier: GPL-2.0-only
/* From the launcher's jump to start_kernel(), and the ways to stop. */
#include <linux/init.h>
#include <linux/mman.h>
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
#include <uapi/linux/futex.h>
#include <asm/context.h>
#include <asm/kbox.h>
#include <asm/setup.h>
#include <asm/sections.h>
#include <asm/unistd.h>

struct kbox_boot *const kbox_boot = (void *)(KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS);
static char command_line[COMMAND_LINE_SIZE];
static unsigned long z_stack[2048] __aligned(16);
void (*pm_power_off)(void);

static void __noreturn box_exit(int kind, int status)
{
	kbox_boot->exit_status = status;
	smp_mb();
	WRITE_ONCE(kbox_boot->exit_kind, kind);
	kbox_ring(KBOX_BELL_EXIT);
	for (;;)	/* until the supervisor kills us */
		HCALL(__NR_futex, &kbox_boot->magic, FUTEX_WAIT, KBOX_MAGIC, 0, 0, 0);
}

static int panicked(struct notifier_block *nb, unsigned long x, void *reason)
{
	strscpy(kbox_boot->exit_reason, reason, sizeof(kbox_boot->exit_reason));
	box_exit(KBOX_PANICKED, 0);
}

static struct notifier_block panic_block = { .notifier_call = panicked, .priority = INT_MIN };

/* Boot runs on Z's host thread; when it idles first, Z goes on in its own loop. */
static void __noreturn z_start(void)
{
	z_loop();
}

/* Up to where the host's addresses end, which it does not say: it refuses what is beyond. */
static void __init unmap_from(unsigned long start)
{
	unsigned long end;

	/* x86 lacks the last page. */
	for (end = 1UL << 52; end > start; end >>= 1)
		if (!HCALL(__NR_munmap, start, end - start, 0, 0, 0, 0) ||
		    !HCALL(__NR_munmap, start, end - PAGE_SIZE - start, 0, 0, 0, 0))
			break;
}

/* Nothing of the launcher stays but the vDSO. */
static void __init unmap_launcher(struct kbox_boot *boot)
{
	unsigned long end = KBOX_PAGE_OFFSET + boot->mem_size, keep = boot->keep_start;

	kbox_task_size = boot->user_end;
	HCALL(__NR_munmap, 0, KBOX_PAGE_OFFSET, 0, 0, 0, 0);
	if (keep)
		HCALL(__NR_munmap, end, keep - end, 0, 0, 0, 0);
	unmap_from(keep ? boot->keep_end : end);
}

asmlinkage __visible void __init kbox_start(struct kbox_boot *boot)
{
	unmap_launcher(boot);
	host_traps_init();
	host_z.tid = host_z.tgid = HCALL(__NR_getpid, 0, 0, 0, 0, 0, 0);
	/* To see a signal frame. */
	HCALL(__NR_tgkill, host_z.tgid, host_z.tid, KICK_SIGNAL, 0, 0, 0);
	if (boot->host_cpus < 2)
		kbox_spin = 0;
	host_z.loop_sp = kbox_new_context(z_stack + ARRAY_SIZE(z_stack) - 8, z_start);
	host_z.mm = &init_mm;
	host_z.task = &init_task;
	kbox_cpu.host = &host_z;
	boot->cpu_lock = 1;
	set_task_stack_end_magic(&init_task);
	start_kernel();
}

/*
 * These tables would be sized by the memory that the kernel knows of when it makes them
 * (mm/grow.c). An entry for each 8 KiB is what it would take, up to where the tables would be most
 * of what an idle box has.
 */
#define HASH_TABLES	"dhash_entries=%lu ihash_entries=%lu thash_entries=2048 "

/*
 * What comes with a module natively, when somebody asks for it, and would be in each box and in
 * each network namespace here.
 */
#define NO_DEVICES	"fb_tunnels=none bonding.max_bonds=0 ifb.numifbs=0 "

static void __init first_words(char *cmdline)
{
	unsigned long entries = min(kbox_boot->mem_size >> 13, 32768);

	snprintf(cmdline, COMMAND_LINE_SIZE, HASH_TABLES NO_DEVICES "%s", entries, entries / 2, boot_command_line);
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
