/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child that is traced, for the tests of tracers: how it begins, stops, goes on and ends, and its
 * registers.
 */
#ifndef TRACE_CHILD_H
#define TRACE_CHILD_H
#include "tap.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

/* NR and RES are the number of a call, at a stop for it, and its result. */
#ifdef __aarch64__

#define IP(r) (r).pc
#define NR(r) (r).regs[8]
#define RES(r) (r).regs[0]
#define VECTOR7(f) ((char *)(f).vregs + 7 * 16)
#define BREAK_INSN 0xd4200000L
#define BREAK_MASK 0xffffffffL
enum { LEFT_OF_BREAK = 4 };	/* when it has stopped there */

typedef struct user_fpsimd_struct fp_regs;

static inline long get_set(int request, pid_t pid, int set, void *p, size_t size)
{
	struct iovec v = { p, size };

	return ptrace(request, pid, (void *)(long)set, &v);
}

#define GET(pid, r) get_set(PTRACE_GETREGSET, pid, NT_PRSTATUS, r, sizeof(*(r)))
#define SET(pid, r) get_set(PTRACE_SETREGSET, pid, NT_PRSTATUS, r, sizeof(*(r)))
#define GET_FP(pid, f) get_set(PTRACE_GETREGSET, pid, NT_PRFPREG, f, sizeof(*(f)))
#define SET_FP(pid, f) get_set(PTRACE_SETREGSET, pid, NT_PRFPREG, f, sizeof(*(f)))

#else

#define IP(r) (r).rip
#define NR(r) (r).orig_rax
#define RES(r) (r).rax
#define VECTOR7(f) ((char *)(f).xmm_space + 7 * 16)
#define BREAK_INSN 0xccL
#define BREAK_MASK 0xffL
enum { LEFT_OF_BREAK = 0 };

typedef struct user_fpregs_struct fp_regs;

#define GET(pid, r) ptrace(PTRACE_GETREGS, pid, 0, r)
#define SET(pid, r) ptrace(PTRACE_SETREGS, pid, 0, r)
#define GET_FP(pid, f) ptrace(PTRACE_GETFPREGS, pid, 0, f)
#define SET_FP(pid, f) ptrace(PTRACE_SETFPREGS, pid, 0, f)

#endif

static inline void stopped_by(pid_t pid, int sig)
{
	int st;

	EQ(waitpid(pid, &st, __WALL), pid);
	if (!WIFSTOPPED(st) || WSTOPSIG(st) != sig)
		tap_fail(__FILE__, __LINE__, "status 0x%x, not a stop by %d", st, sig);
}

/* It is stopped before run(), and ends well behind it. */
static inline pid_t traced(void (*run)(void))
{
	pid_t pid = FORK();

	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		run();
		_exit(0);
	}
	stopped_by(pid, SIGSTOP);
	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	return pid;
}

/* It goes on, and how says how far (PTRACE_CONT, PTRACE_SYSCALL), up to a stop by this signal. */
static inline void resume(int how, pid_t pid, int sig)
{
	EQ(ptrace(how, pid, 0, 0), 0);
	stopped_by(pid, sig);
}

static inline void ends_well(pid_t pid)
{
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	CHILD_OK(pid);
}

static inline struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct r;

	EQ(GET(pid, &r), 0);
	return r;
}

static inline long peek(pid_t pid, const volatile void *addr)
{
	long v;

	errno = 0;
	v = ptrace(PTRACE_PEEKDATA, pid, addr, 0);
	EQ(errno, 0);
	return v;
}

/* Of a stop by SIGTRAP. */
static inline siginfo_t info_of(pid_t pid)
{
	siginfo_t si;

	EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &si), 0);
	EQ(si.si_signo, SIGTRAP);
	return si;
}

#endif
