// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel is told, and the host process that becomes it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arch.h"
#include "bound.h"
#include "box.h"
#include "fence.h"
#include "passing.h"
#include "resume.h"

/*
 * What the kernel is told before the user's own words. It keeps few single free pages: contiguous
 * ones are merged then, and the host maps contiguous pages in one call. It does not compact memory
 * before somebody wants a block: that would wake an idle box, and each page that moves from another
 * process costs a signal. For the same reason it reclaims nothing for having whole blocks of pages.
 */
#define CMDLINE "loglevel=0 sysctl.vm.percpu_pagelist_high_fraction=8000 sysctl.vm.compaction_proactiveness=0 " \
	"sysctl.vm.watermark_boost_factor=0"

/* Threads of the guest's kernel itself, which count as others do. */
#define KERNEL_THREADS 64

/*
 * How many threads the guest can have is its kernel's business first, which tells it so. It has a
 * bound by its memory (32 or 64 KiB for a stack, of which all take an eighth), which is not raised.
 */
static void bound_threads(const struct box *b, char *words, size_t size)
{
	unsigned long max = b->opt.max_processes + KERNEL_THREADS;

	*words = 0;
	if (max < b->opt.mem >> 19)
		snprintf(words, size, " sysctl.kernel.threads-max=%lu", max);
}

static unsigned host_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
}

/* What the host says of the processor that no instruction tells a program. */
static void describe_processor(struct kbox_boot *boot)
{
	boot->midr = ARCH_MIDR(host_hwcap());
	for (int i = 0; i < (int)(sizeof(boot->speculation) / sizeof(boot->speculation[0])); i++) {
		int state = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);

		boot->speculation[i] = state < 0 ? -errno : state;
	}
}

void fill_boot(struct box *b)
{
	struct kbox_boot *boot = b->boot;
	char threads[48];

	boot->magic = KBOX_MAGIC;
	boot->abi = KBOX_ABI;
	boot->mem_size = b->opt.mem;
	boot->mem_fd = b->mem_fd;
	boot->supervisor_pid = getpid();
	boot->hwcap = ARCH_HWCAP(host_hwcap());
	boot->hwcap2 = ARCH_HWCAP2(host_hwcap2());
	boot->minsigstksz = ARCH_MINSIGSTKSZ(host_minsigstksz());
	boot->host_cpus = host_cpus();
	describe_processor(boot);
	boot->hidden = hidden_features();
	boot->rewrite = b->opt.mode != MODE_TRAP;
	boot->cancel_promote = !b->opt.no_cancel_promote;
	find_vdso(boot);
	for (int i = 0; i < 3; i++)
		boot->stdio[i] = b->stdio[i].kind;
	offer_fds(b);
	tty_size(b);
	bound_threads(b, threads, sizeof(threads));
	if (snprintf(boot->cmdline, sizeof(boot->cmdline), CMDLINE "%s%s %s", threads, b->opt.init ? " own_init" : "",
		     b->opt.kernel_cmdline ?: "") >=
	    (int)sizeof(boot->cmdline))
		die("-k: longer than the kernel takes (%zu characters)", sizeof(boot->cmdline));
}

/*
 * What libc has told the host's kernel of its memory must be unsaid before the memory
 * goes: the host writes to a registered rseq area at every preemption.
 */
static void forget_libc(void)
{
	syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	syscall(SYS_set_robust_list, NULL, 3 * sizeof(long));
	syscall(SYS_set_tid_address, NULL);
}

/*
 * All host processes of the box are one session without a terminal: the keys ^C and ^Z
 * reach the supervisor alone, and one kill() reaches all of them. Nor do they dump core,
 * that is, the guest's memory, to the user's disk.
 */
static void stand_apart(const struct box *b)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t none;

	setsid();
	setrlimit(RLIMIT_CORE, &no_core);
	restore_limits();
	limit_mappings(b->opt.mem);
	bound_enter(b);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) become_kernel(struct box *b, pid_t supervisor)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(1);
	/*
	 * For all host threads of the box, which inherit it: the guest's kernel has added its own
	 * slack to a timer already.
	 */
	prctl(PR_SET_TIMERSLACK, 1);
	die_into(b->shared->exit_reason, sizeof(b->shared->exit_reason));
	stand_apart(b);
	map_text(b);
	enter_volumes(b, keep_fds(b, passing_fd()));
	move_vdso(b->boot);
	if (b->resume)
		resume_check(b);
	forget_libc();
	fence_enter(b);
	/* From here on there is no libc: the kernel unmaps it. */
	((void (*)(struct kbox_boot *))b->entry)(b->boot);
	__builtin_unreachable();
}

void start_kernel_process(struct box *b)
{
	pid_t self = getpid();

	prepare_passing();
	b->kernel_pid = fork();
	if (b->kernel_pid < 0)
		die("fork: %s", reason(errno));
	if (!b->kernel_pid)
		become_kernel(b, self);
	release_kernel(b);
	start_watcher(b);
	leave_fds(b);
	fence_watch(b);
}
