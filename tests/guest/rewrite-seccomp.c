// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters of system calls, in a program whose system call instructions the kernel has rewritten:
 * they see the program's addresses.
 */
#include "rewrite.h"
#include <sys/prctl.h>

static volatile int hits;
static volatile uintptr_t trap_ip;
static volatile long trap_rax;

/* musl-gcc has no <linux/...>. */
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};

#ifdef __aarch64__
#define ARCHITECTURE 0xc00000b7
#else
#define ARCHITECTURE 0xc000003e
#endif

enum { DATA_NR = 0, DATA_IP = 8, FILTER_TRAP_CODE = 1, FILTER_MODE = 2 };
enum { RET_KILL = (int)0x80000000, RET_TRAP = 0x30000, RET_ERRNO = 0x50000, RET_ALLOW = 0x7fff0000 };

#define DATA(offset) { 0x20, 0, 0, offset }
#define EQUAL(v, yes, no) { 0x15, yes, no, v }
#define GIVE(v) { 0x06, 0, 0, (uint32_t)(v) }

static void filter(struct sock_filter *code, size_t n)
{
	struct sock_fprog p = { n, code };

	EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, FILTER_MODE, &p))
		SKIP("no seccomp filters");
}

static void seccomp_errno(void)
{
	struct sock_filter code[] = { DATA(DATA_NR), EQUAL(SYS_getppid, 0, 1), GIVE(RET_ERRNO | 33), GIVE(RET_ALLOW) };

	for (int i = 0; i < WARM; i++)
		EQ(b_getppid(), a_getppid());
	filter(code, ARRAY_SIZE(code));
	for (int i = 0; i < WARM; i++) {
		struct regs in, out;

		EQ(b_getppid(), -33);
		EQ(a_getppid(), -33);
		EQ(b_getpid(), a_getpid());
		regs_fill(&in, i);
		regs_call(i & 1 ? b_getppid : a_getppid, &in, &out);
		regs_expect(&in);
		EQ(out.r[R_RESULT], -33);
		regs_same("a call that is filtered out", &in, &out, CALL_CHANGES, STATUS, 16);
	}
}

static siginfo_t last;

static void refused(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	last = *si;
	trap_ip = PC(uc);
	trap_rax = NUMBER(uc);
	RESULT(uc) = 4321;
	hits++;
}

static void seccomp_trap(void)
{
	struct sock_filter code[] = { DATA(DATA_NR), EQUAL(SYS_getppid, 0, 1), GIVE(RET_TRAP | 77), GIVE(RET_ALLOW) };
	static const call_fn kinds[] = { b_getppid, a_getppid };

	for (int i = 0; i < WARM; i++)
		EQ(b_getppid(), a_getppid());
	on_signal(SIGSYS, refused, 0);
	filter(code, ARRAY_SIZE(code));
	for (int i = 0; i < 20; i++) {
		call_fn f = kinds[i & 1];

		EQ(f(), 4321);
		EQ(hits, i + 1);
		EQ(last.si_code, FILTER_TRAP_CODE);
		EQ(last.si_errno, 77);
		EQ(last.si_call_addr, at_of(f) + CALL_LEN);
		EQ(last.si_syscall, SYS_getppid);
		EQ(last.si_arch, ARCHITECTURE);
		EQ(trap_ip, at_of(f) + CALL_LEN);
		EQ(trap_rax, SYS_getppid);
		EQ(b_getpid(), a_getpid());
	}
}

/* A filter that knows where a call comes from. */
static void seccomp_by_address(void)
{
	uintptr_t ip = (uintptr_t)at_of(b_getppid) + CALL_LEN, ip2 = (uintptr_t)at_of(a_getpid) + CALL_LEN;
	struct sock_filter code[] = {
		DATA(DATA_IP), EQUAL((uint32_t)ip, 3, 0), EQUAL((uint32_t)ip2, 3, 0), GIVE(RET_ALLOW),
		GIVE(RET_ALLOW), GIVE(RET_ERRNO | 44), GIVE(RET_ERRNO | 45),
	};

	warm(b_getppid), warm(a_getppid), warm(b_getpid), warm(a_getpid);
	filter(code, ARRAY_SIZE(code));
	for (int i = 0; i < WARM; i++) {
		EQ(b_getppid(), -44);
		EQ(a_getpid(), -45);
		EQ(a_getppid(), getppid());
		EQ(b_getpid(), getpid());
	}
}

static void seccomp_kills(void)
{
	struct sock_filter code[] = { DATA(DATA_NR), EQUAL(SYS_getppid, 0, 1), GIVE(RET_KILL), GIVE(RET_ALLOW) };
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	warm(b_getppid), warm(a_getppid);
	for (int i = 0; i < 4; i++) {
		pid_t pid = FORK();
		int st;

		if (!pid) {
			filter(code, ARRAY_SIZE(code));
			(i & 1 ? b_getppid : a_getppid)();
			_exit(3);
		}
		EQ(waitpid(pid, &st, 0), pid);
		if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
			_exit(TAP_SKIPPED);
		CHECK(WIFSIGNALED(st));
		EQ(WTERMSIG(st), SIGSYS);
	}
}

static const struct test tests[] = {
	T(seccomp_errno), T(seccomp_trap), T(seccomp_by_address), T(seccomp_kills),
};
MAIN(tests)
