// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host's kernel can do, its configuration, a container or a policy may forbid. So it is
 * tried, each in a process of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "doctor.h"

#define ANSWER	4711
#define PAGE	4096

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static volatile sig_atomic_t traps;

/* The system call's result is what the handler says. */
static void trapped(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)si;
	traps++;
	ARCH_RESULT(uc) = ANSWER;
}

/* From now on this call of ours is trapped. */
static bool trap_call(int nr)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };
	struct sigaction sa = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };

	return !sigaction(SIGSYS, &sa, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

bool seccomp_traps(void)
{
	return trap_call(SYS_getppid) && syscall(SYS_getppid) == ANSWER;
}

/* There are clock sources that the host's vDSO cannot read: then it asks the host's kernel. */
bool vdso_reads_clock(void)
{
	struct timespec ts;

	return !is_hidden(KBOX_HIDE_VDSO | KBOX_HIDE_VDSO_CLOCK) && trap_call(SYS_clock_gettime) &&
	       !clock_gettime(CLOCK_MONOTONIC, &ts) && !traps;
}

/* Guest memory, where the guest's kernel is to be. */
static char *map(size_t size, int prot)
{
	void *want = (void *)KBOX_PAGE_OFFSET, *p;
	int fd = new_memfd("kbox");

	if (fd < 0 || ftruncate(fd, size))
		return NULL;
	p = mmap(want, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
	return p == want ? p : NULL;
}

bool memory_maps(void)
{
	char *p = map(default_mem(), PROT_READ | PROT_WRITE);

	if (!p)
		return false;
	*p = 1;
	return true;
}

bool memory_executes(void)
{
	return map(PAGE, PROT_READ | PROT_EXEC);
}

/* Guests' programs that make code ask for it. */
bool memory_writes_and_executes(void)
{
	return map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
}

bool memory_populates(void)
{
	char *p = map(PAGE, PROT_READ | PROT_WRITE);

	return !is_hidden(KBOX_HIDE_POPULATE) && p && !madvise(p, PAGE, MADV_POPULATE_WRITE);
}

bool calls_dispatch(void)
{
	return !is_hidden(KBOX_HIDE_DISPATCH) && !prctl(PR_SET_SYSCALL_USER_DISPATCH, 1 /* on */, 0, -1UL, 0);
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* With these and a thread there are as many as the smallest box has. */
#define PROCESSES	2

/*
 * By the flags of the guest's kernel. Those of CLONE_PARENT are children of the doctor, which waits
 * for all it has.
 */
bool processes_start(void)
{
	static char stack[1 << 14] __attribute__((aligned(16)));
	const int thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	long pids[PROCESSES], n = 0;
	bool ok;

	for (; n < PROCESSES; n++) {
		pids[n] = syscall(SYS_clone, CLONE_PARENT | CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
		if (pids[n] <= 0)
			break;
	}
	if (n < PROCESSES && !pids[n]) {
		alarm(5);	/* should nobody be left to kill it */
		for (;;)
			pause();
	}
	ok = n == PROCESSES && clone(nothing, stack + sizeof(stack), thread, NULL) > 0;
	while (n)
		kill(pids[--n], SIGKILL);
	return ok;
}

bool works(bool (*feature)(void))
{
	int status;
	pid_t pid = fork(), other;
	bool ok = false;

	if (!pid) {
		setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
		_exit(!feature());
	}
	while (pid > 0 && (other = wait(&status)) > 0)
		if (other == pid)
			ok = WIFEXITED(status) && !WEXITSTATUS(status);
	return ok;
}
