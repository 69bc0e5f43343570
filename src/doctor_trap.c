// SPDX-License-Identifier: GPL-2.0-only
/* Does SECCOMP_RET_TRAP work here? Containers may forbid what the kernel can do, so it is tried. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "arch.h"
#include "doctor.h"

#define ANSWER 4711

/* The system call's result is what the handler says. */
static void trapped(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	if (si->si_syscall == SYS_getppid)
		ARCH_RESULT(uc) = ANSWER;
}

static int try_it(void)
{
	static struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };
	struct sigaction sa = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	if (sigaction(SIGSYS, &sa, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 1;
	return syscall(SYS_getppid) == ANSWER ? 0 : 1;
}

bool have_seccomp_trap(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(try_it());
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}
