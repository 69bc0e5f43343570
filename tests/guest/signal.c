// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals: what handlers are told, masks, queues, restarts, timers, faults, registers
 * across handlers and system calls, and code that makes no system call being stopped.
 */
#include "tap.h"
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <ucontext.h>

static siginfo_t last;
static volatile int hits;
static volatile unsigned long sink;
static volatile char *volatile low = (char *)8;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	last = *si;
	hits++;
}

static void no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

static void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	EQ(sigprocmask(how, &set, NULL), 0);
}

static int is_pending(int sig)
{
	sigset_t set;

	EQ(sigpending(&set), 0);
	return sigismember(&set, sig);
}

static void info_of_kill(void)
{
	on_signal(SIGUSR1, note, 0);
	EQ(kill(getpid(), SIGUSR1), 0);
	EQ(hits, 1);
	EQ(last.si_signo, SIGUSR1);
	EQ(last.si_code, SI_USER);
	EQ(last.si_pid, getpid());
	EQ(last.si_uid, getuid());
	EQ(raise(SIGUSR1), 0);
	EQ(hits, 2);
	EQ(last.si_code, SI_TKILL);
	EQ(last.si_pid, getpid());
}

static void info_from_a_child(void)
{
	pid_t me = getpid(), pid;
	int st;

	on_signal(SIGUSR1, note, 0);
	pid = FORK();
	if (!pid)
		_exit(kill(me, SIGUSR1) ? 1 : 0);
	while (waitpid(pid, &st, 0) != pid)
		EQ(errno, EINTR);
	EQ(st, 0);
	EQ(hits, 1);
	EQ(last.si_pid, pid);
	EQ(last.si_code, SI_USER);
}

static void queued_value(void)
{
	union sigval v = { .sival_ptr = (void *)0x123456789abcdef0 };

	on_signal(SIGUSR2, note, 0);
	on_signal(SIGRTMIN + 3, note, 0);
	EQ(sigqueue(getpid(), SIGUSR2, v), 0);
	EQ(hits, 1);
	EQ(last.si_code, SI_QUEUE);
	CHECK(last.si_value.sival_ptr == v.sival_ptr);
	EQ(last.si_pid, getpid());
	v.sival_int = -5;
	EQ(sigqueue(getpid(), SIGRTMIN + 3, v), 0);
	EQ(hits, 2);
	EQ(last.si_signo, SIGRTMIN + 3);
	EQ(last.si_value.sival_int, -5);
	FAILS(sigqueue(getpid(), 65, v), EINVAL);
}

static char altstack[65536] __attribute__((aligned(16)));
static volatile uintptr_t handler_sp;
static stack_t seen_stack;

static void on_altstack(int sig, siginfo_t *si, void *uc)
{
	volatile char here;

	(void)si, (void)uc;
	handler_sp = (uintptr_t)&here;
	sigaltstack(NULL, &seen_stack);
	hits++;
	if (sig == SIGUSR1)
		raise(SIGUSR2);
}

static int inside_altstack(uintptr_t p)
{
	return p >= (uintptr_t)altstack && p < (uintptr_t)altstack + sizeof(altstack);
}

static void use_altstack(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };

	EQ(sigaltstack(&ss, NULL), 0);
}

static void alternate_stack(void)
{
	stack_t ss;

	use_altstack();
	on_signal(SIGUSR1, on_altstack, SA_ONSTACK);
	on_signal(SIGUSR2, on_altstack, SA_ONSTACK);
	raise(SIGUSR1);
	EQ(hits, 2);
	CHECK(inside_altstack(handler_sp));
	EQ(seen_stack.ss_flags, SS_ONSTACK);
	CHECK(seen_stack.ss_sp == altstack);
	EQ(sigaltstack(NULL, &ss), 0);
	EQ(ss.ss_flags, 0);
	on_signal(SIGUSR2, on_altstack, 0);
	raise(SIGUSR2);
	CHECK(!inside_altstack(handler_sp));
	ss.ss_size = 100;
	FAILS(sigaltstack(&ss, NULL), ENOMEM);
}

static sigjmp_buf jump;

static void jump_out(int sig, siginfo_t *si, void *uc)
{
	last = *si;
	hits++;
	(void)uc;
	siglongjmp(jump, sig);
}

static void __attribute__((noinline)) dive(volatile char *above)
{
	volatile char buf[8192];

	buf[0] = above[0];
	hits = hits;
	if (buf[0] != 99)
		dive(buf);
	sink += buf[0];
}

static void stack_overflow_on_altstack(void)
{
	struct rlimit small = { 1 << 20, 1 << 20 };
	char c = 0;
	pid_t pid;

	use_altstack();
	EQ(setrlimit(RLIMIT_STACK, &small), 0);
	pid = FORK();
	if (!pid) {
		on_signal(SIGSEGV, jump_out, SA_ONSTACK);
		for (volatile int i = 0; i < 3; i++)
			if (!sigsetjmp(jump, 1))
				dive(&c);
		EQ(hits, 3);
		EQ(last.si_code, SEGV_MAPERR);
		_exit(0);
	}
	CHILD_OK(pid);
}

static volatile int depth, deepest;

static void raise_again(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	if (++depth > deepest)
		deepest = depth;
	if (++hits < 5)
		raise(sig);
	depth--;
}

static void deferred_and_nodefer(void)
{
	on_signal(SIGUSR1, raise_again, 0);
	raise(SIGUSR1);
	EQ(hits, 5);
	EQ(deepest, 1);
	hits = 0;
	on_signal(SIGUSR1, raise_again, SA_NODEFER);
	raise(SIGUSR1);
	EQ(hits, 5);
	EQ(deepest, 5);
}

static char order[32];
static volatile int order_n;

static void nest(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	order[order_n++] = sig == SIGUSR1 ? 'a' : sig == SIGUSR2 ? 'b' : 'c';
	if (sig == SIGUSR1)
		raise(SIGUSR2);
	if (sig == SIGUSR2)
		raise(SIGTERM);
	order[order_n++] = sig == SIGUSR1 ? 'A' : sig == SIGUSR2 ? 'B' : 'C';
}

static void nested(void)
{
	struct sigaction sa = { .sa_sigaction = nest, .sa_flags = SA_SIGINFO };

	on_signal(SIGUSR1, nest, 0);
	on_signal(SIGUSR2, nest, 0);
	on_signal(SIGTERM, nest, 0);
	raise(SIGUSR1);
	IS(order, "abcCBA");
	memset(order, 0, sizeof(order));
	order_n = 0;
	sigaddset(&sa.sa_mask, SIGUSR2);
	EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	raise(SIGUSR1);
	IS(order, "aAbcCB");
}

static void reset_hand(void)
{
	struct sigaction sa;
	pid_t pid;
	int st;

	no_core();
	on_signal(SIGUSR1, note, SA_RESETHAND);
	raise(SIGUSR1);
	EQ(hits, 1);
	sigaction(SIGUSR1, NULL, &sa);
	CHECK(sa.sa_handler == SIG_DFL);
	pid = FORK();
	if (!pid) {
		raise(SIGUSR1);
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGUSR1);
}

static void masks(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };
	sigset_t set, old;

	on_signal(SIGUSR1, note, 0);
	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	EQ(hits, 0);
	CHECK(is_pending(SIGUSR1) && !is_pending(SIGUSR2));
	block(SIG_UNBLOCK, SIGUSR1);
	EQ(hits, 1);
	CHECK(!is_pending(SIGUSR1));
	sigfillset(&set);
	EQ(sigprocmask(SIG_SETMASK, &set, &old), 0);
	EQ(sigprocmask(SIG_SETMASK, &old, &set), 0);
	CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP) && sigismember(&set, SIGTERM));
	FAILS(sigaction(SIGKILL, &sa, NULL), EINVAL);
	FAILS(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	CHECK(!is_pending(SIGUSR1));
	block(SIG_BLOCK, SIGTSTP);
	raise(SIGTSTP);
	CHECK(is_pending(SIGTSTP));
	raise(SIGCONT);
	CHECK(!is_pending(SIGTSTP));
}

static void change_mask(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)si;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void handler_changes_the_mask(void)
{
	on_signal(SIGUSR1, change_mask, 0);
	on_signal(SIGUSR2, note, 0);
	raise(SIGUSR1);
	raise(SIGUSR2);
	EQ(hits, 0);
	CHECK(is_pending(SIGUSR2));
	block(SIG_UNBLOCK, SIGUSR2);
	EQ(hits, 1);
}

static int queue_order[64];
static volatile int queue_n;

static void note_order(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	queue_order[queue_n++] = (sig - SIGRTMIN) * 100 + si->si_value.sival_int;
}

static void queue_nine(void)
{
	for (int i = 0; i < 3; i++)
		for (int s = 2; s >= 0; s--)
			EQ(sigqueue(getpid(), SIGRTMIN + s, (union sigval) { .sival_int = i }), 0);
}

static void realtime_order(void)
{
	struct sigaction sa = { .sa_sigaction = note_order, .sa_flags = SA_SIGINFO };
	sigset_t set, old;

	sigfillset(&sa.sa_mask);
	sigemptyset(&set);
	for (int s = 0; s < 3; s++) {
		EQ(sigaction(SIGRTMIN + s, &sa, NULL), 0);
		sigaddset(&set, SIGRTMIN + s);
	}
	sigprocmask(SIG_BLOCK, &set, &old);
	queue_nine();
	EQ(queue_n, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	EQ(queue_n, 9);
	for (int i = 0; i < 9; i++)
		EQ(queue_order[i], i / 3 * 100 + i % 3);
	sigprocmask(SIG_BLOCK, &set, &old);
	queue_nine();
	for (int i = 0; i < 9; i++) {
		siginfo_t si;

		EQ(sigwaitinfo(&set, &si), SIGRTMIN + i / 3);
		EQ(si.si_value.sival_int, i % 3);
		EQ(si.si_code, SI_QUEUE);
	}
	FAILS(sigtimedwait(&set, NULL, &(struct timespec) { 0, 0 }), EAGAIN);
	EQ(queue_n, 9);
}

static void wait_for_a_signal(void)
{
	pid_t me = getpid(), pid;
	sigset_t set, old;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	FAILS(sigtimedwait(&set, &si, &(struct timespec) { 0, 20000000 }), EAGAIN);
	pid = FORK();
	if (!pid) {
		sleep_ms(20);
		_exit(kill(me, SIGUSR1) ? 1 : 0);
	}
	EQ(sigwaitinfo(&set, &si), SIGUSR1);
	EQ(si.si_pid, pid);
	CHILD_OK(pid);

	on_signal(SIGUSR1, note, 0);
	pid = FORK();
	if (!pid) {
		sleep_ms(20);
		_exit(kill(me, SIGUSR1) ? 1 : 0);
	}
	FAILS(sigsuspend(&old), EINTR);
	EQ(hits, 1);
	sigprocmask(SIG_BLOCK, NULL, &old);
	CHECK(sigismember(&old, SIGUSR1));
	CHILD_OK(pid);
}

static void interrupted_calls(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct timespec day = { 86400, 0 }, rest = { 0, 0 };
	struct pollfd p;
	pid_t pid;
	int fd[2];
	char c;

	EQ(pipe(fd), 0);
	on_signal(SIGUSR1, note, 0);
	pid = pester(getpid(), stop);
	FAILS(read(fd[0], &c, 1), EINTR);
	FAILS(nanosleep(&day, &rest), EINTR);
	CHECK(rest.tv_sec > 80000 && rest.tv_sec < 86400);
	FAILS(pause(), EINTR);
	FAILS(waitpid(pid, NULL, 0), EINTR);
	on_signal(SIGUSR1, note, SA_RESTART);
	p = (struct pollfd) { .fd = fd[0], .events = POLLIN };
	FAILS(poll(&p, 1, -1), EINTR);
	FAILS(nanosleep(&day, &rest), EINTR);
	CHECK(hits >= 6);
	*stop = 1;
	wait_through(pid);
}

static void restarted_calls(void)
{
	volatile int *seen = map_anon(4096, MAP_SHARED);
	pid_t me = getpid(), pid;
	int fd[2], st;
	char c = 0;

	EQ(pipe(fd), 0);
	on_signal(SIGUSR1, note, SA_RESTART);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 20; i++) {
			kill(me, SIGUSR1);
			sleep_ms(2);
		}
		*seen = 1;
		CHECK(write(fd[1], "z", 1) == 1);
		for (int i = 0; i < 20; i++) {
			kill(me, SIGUSR1);
			sleep_ms(2);
		}
		_exit(7);
	}
	EQ(read(fd[0], &c, 1), 1);
	EQ(c, 'z');
	EQ(*seen, 1);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 7 << 8);
	CHECK(hits > 10);
}

static void stop_does_not_cut_sleep(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		struct timespec t = { 0, 200000000 };

		EQ(nanosleep(&t, NULL), 0);
		EQ(poll(NULL, 0, 200), 0);
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		sleep_ms(50);
		if (kill(pid, SIGSTOP))
			break;
		EQ(waitpid(pid, &st, WUNTRACED), pid);
		if (!WIFSTOPPED(st))
			break;
		kill(pid, SIGCONT);
	}
	if (WIFSTOPPED(st))
		EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
}

static void spin_on_timer(int which, int sig)
{
	struct itimerval t = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };

	on_signal(sig, note, 0);
	EQ(setitimer(which, &t, NULL), 0);
	while (hits < 10)
		sink++;
	EQ(last.si_signo, sig);
	EQ(setitimer(which, &off, NULL), 0);
}

static void timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_REAL, SIGALRM);
}

static void virtual_timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_VIRTUAL, SIGVTALRM);
}

static void profile_timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_PROF, SIGPROF);
}

static void alarm_in_a_busy_loop(void)
{
	on_signal(SIGALRM, note, 0);
	EQ(alarm(1), 0);
	while (!hits)
		sink++;
	EQ(last.si_signo, SIGALRM);
	EQ(alarm(100), 0);
	CHECK(alarm(0) > 90);
}

static void posix_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
			       .sigev_value.sival_int = 77 };
	struct itimerspec t = { { 0, 2000000 }, { 0, 2000000 } };
	timer_t id;

	on_signal(SIGRTMIN + 1, note, 0);
	EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	EQ(timer_settime(id, 0, &t, NULL), 0);
	while (hits < 10)
		sink++;
	EQ(timer_delete(id), 0);
	EQ(last.si_code, SI_TIMER);
	EQ(last.si_value.sival_int, 77);
}

static ucontext_t fault_context;

static void fault(int sig, siginfo_t *si, void *uc)
{
	last = *si;
	fault_context = *(ucontext_t *)uc;
	hits++;
	siglongjmp(jump, sig);
}

#define FAULTS(sig, code, what) do {						\
	memset(&last, 0, sizeof(last));						\
	if (!sigsetjmp(jump, 1)) {						\
		what;								\
		tap_fail(__FILE__, __LINE__, "no signal from %s", #what);	\
	}									\
	EQ(last.si_signo, sig);							\
	EQ(last.si_code, code);							\
} while (0)

#ifdef __aarch64__
#define FAULT_PC fault_context.uc_mcontext.pc
#define FAULT_ADDRESS fault_context.uc_mcontext.fault_address

/* A record of a signal frame (kernel: arch/arm64/include/uapi/asm/sigcontext.h). */
enum { FPSIMD_RECORD = 0x46508001, ESR_RECORD = 0x45535201 };

static void *record_of(ucontext_t *uc, uint32_t magic)
{
	unsigned char *p = (unsigned char *)uc->uc_mcontext.__reserved;
	uint32_t head[2];

	for (;; p += head[1]) {
		memcpy(head, p, sizeof(head));
		if (head[0] == magic)
			return p;
		if (!head[0] || !head[1])
			tap_fail(__FILE__, __LINE__, "no record 0x%x in the frame", magic);
	}
}

static int fault_was_write(void)
{
	uint64_t esr = *(uint64_t *)((char *)record_of(&fault_context, ESR_RECORD) + 8);

	EQ(esr >> 26, 0x24);	/* a data abort from user mode */
	return esr >> 6 & 1;
}
#else
#define REG(r) fault_context.uc_mcontext.gregs[r]
#define FAULT_PC REG(REG_RIP)
#define FAULT_ADDRESS REG(REG_CR2)

static int fault_was_write(void)
{
	EQ(REG(REG_TRAPNO), 14);
	EQ(REG(REG_ERR) & 4, 4);
	return REG(REG_ERR) >> 1 & 1;
}
#endif

static void segv(void)
{
	volatile char *p = map_anon(3 * 4096, MAP_PRIVATE);

	on_signal(SIGSEGV, fault, 0);
	EQ(munmap((void *)(p + 4096), 4096), 0);
	EQ(mprotect((void *)(p + 8192), 4096, PROT_READ), 0);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = p[4096 + 123]);
	CHECK(last.si_addr == p + 4096 + 123);
	EQ(FAULT_ADDRESS, (uintptr_t)p + 4096 + 123);
	EQ(fault_was_write(), 0);
	FAULTS(SIGSEGV, SEGV_MAPERR, p[4096] = 1);
	CHECK(last.si_addr == p + 4096);
	EQ(fault_was_write(), 1);
	sink = p[8192];
	FAULTS(SIGSEGV, SEGV_ACCERR, p[8192 + 9] = 1);
	CHECK(last.si_addr == p + 8192 + 9);
	EQ(fault_was_write(), 1);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *low);
	CHECK(last.si_addr == (void *)8);
	EQ(mprotect((void *)p, 4096, PROT_NONE), 0);
	FAULTS(SIGSEGV, SEGV_ACCERR, sink = p[7]);
	CHECK(last.si_addr == p + 7);
	FAULTS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))(uintptr_t)(p + 8192))());
	CHECK(last.si_addr == p + 8192);
	EQ(FAULT_PC, (uintptr_t)p + 8192);
	FAULTS(SIGSEGV, SEGV_MAPERR, ((void (*)(void))(uintptr_t)(p + 4096))());
	CHECK(last.si_addr == p + 4096);
}

static void segv_outside_user_space(void)
{
	on_signal(SIGSEGV, fault, 0);
#ifdef __aarch64__
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0x00f0000000001234);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0xfff0000000001234);
	on_signal(SIGILL, fault, 0);
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile("msr daifset, #2"));
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile("mrs x0, ttbr0_el1" ::: "x0"));
#else
	FAULTS(SIGSEGV, SI_KERNEL, sink = *(volatile char *)0x8000000000001234);
	CHECK(last.si_addr == NULL);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0xffff800000001000);
	CHECK(last.si_addr == (void *)0xffff800000001000);
	FAULTS(SIGSEGV, SI_KERNEL, asm volatile("hlt"));
	FAULTS(SIGSEGV, SI_KERNEL, asm volatile("cli"));
#endif
}

static void thousand_segvs(void)
{
	volatile char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	on_signal(SIGSEGV, fault, 0);
	for (volatile int i = 0; i < 1000; i++)
		FAULTS(SIGSEGV, SEGV_ACCERR, sink = p[i]);
	EQ(hits, 1000);
}

static void bus_error(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	volatile char *p;

	CHECK(fd >= 0);
	EQ(ftruncate(fd, 8192), 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[5000] = 3;
	EQ(ftruncate(fd, 4096), 0);
	on_signal(SIGBUS, fault, 0);
	FAULTS(SIGBUS, BUS_ADRERR, sink = p[5000]);
	CHECK(last.si_addr == p + 5000);
	FAULTS(SIGBUS, BUS_ADRERR, p[4096] = 1);
	p[10] = 4;
	EQ(ftruncate(fd, 8192), 0);
	EQ(p[5000], 0);
	EQ(p[10], 4);
}

#ifdef __x86_64__
/* qemu's own processor (TCG) notes exceptions of SSE arithmetic in MXCSR, but raises none. */
static int sse_raises_exceptions(void)
{
	unsigned a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c & 1U << 31))
		return 1;	/* no hypervisor */
	__cpuid(0x40000000, a, b, c, d);
	return memcmp(&b, "TCGT", 4);
}
#endif

static void fpe(void)
{
#ifdef __aarch64__
	SKIP("a division by zero is 0 here");
#else
	unsigned mxcsr = 0x1f80 & ~(1 << 9), normal = 0x1f80;
	double one = 1, zero = 0;

	on_signal(SIGFPE, fault, 0);
	FAULTS(SIGFPE, FPE_INTDIV, asm volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx"
						::: "eax", "ecx", "edx", "cc"));
	EQ((uintptr_t)last.si_addr, FAULT_PC);
	FAULTS(SIGFPE, FPE_INTDIV, asm volatile("mov $0x80000000, %%eax; cdq; mov $-1, %%ecx; idiv %%ecx"
						::: "eax", "ecx", "edx", "cc"));
	if (!sse_raises_exceptions())
		return;
	FAULTS(SIGFPE, FPE_FLTDIV, asm volatile("ldmxcsr %0; divsd %2, %1" :: "m" (mxcsr), "x" (one), "x" (zero)));
	asm volatile("ldmxcsr %0" :: "m" (normal));
#endif
}

static void ill(void)
{
	on_signal(SIGILL, fault, 0);
#ifdef __aarch64__
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile(ILLEGAL));
	EQ(*(unsigned *)last.si_addr, 0);
#else
	FAULTS(SIGILL, ILL_ILLOPN, asm volatile(ILLEGAL));
	EQ(*(unsigned short *)last.si_addr, 0x0b0f);
#endif
	EQ((uintptr_t)last.si_addr, FAULT_PC);
}

static void step_over(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	last = *si;
	hits++;
#ifdef __aarch64__
	uc->uc_mcontext.pc += 4;
	uc->uc_mcontext.regs[0] = 0x1122334455667788;
#else
	if (sig == SIGILL)
		uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RAX] = 0x1122334455667788;
#endif
}

#ifdef __aarch64__
#define FIRST_REGISTER "x0"
#define TRAP_CODE TRAP_BRKPT
#define BREAK_INSN 0
#else
#define FIRST_REGISTER "rax"
#define TRAP_CODE SI_KERNEL
#define BREAK_INSN 0xcc
#endif

static void trap(void)
{
	register unsigned long first asm(FIRST_REGISTER) = 0;
	unsigned long got;
	unsigned char *insn;

	on_signal(SIGTRAP, step_over, 0);
	on_signal(SIGILL, step_over, 0);
	asm volatile(BREAK : "+r" (first));
	got = first;
	EQ(hits, 1);
	EQ(last.si_code, TRAP_CODE);
	EQ(got, 0x1122334455667788);
	first = 0;
	asm volatile(ILLEGAL : "+r" (first));
	got = first;
	EQ(hits, 2);
	EQ(got, 0x1122334455667788);
	on_signal(SIGTRAP, fault, 0);
	FAULTS(SIGTRAP, TRAP_CODE, asm volatile(BREAK));
	insn = (unsigned char *)FAULT_PC - PAST_BREAK;
	EQ(*insn, BREAK_INSN);
}

static void count_steps(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	last = *si;
	hits++;
}

static void single_step(void)
{
#ifdef __aarch64__
	(void)count_steps;
	SKIP("a program cannot step itself here");
#else
	on_signal(SIGTRAP, count_steps, 0);
	asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq\n"
		     "nop; nop; nop\n"
		     "pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
	EQ(last.si_code, TRAP_TRACE);
	CHECK(hits >= 5 && hits <= 8);
#endif
}

static void unhandled_faults(void)
{
	static const struct { int sig, how; } kinds[] = {
		{ SIGSEGV, 0 }, { SIGSEGV, 1 }, { SIGSEGV, 2 }, { SIGILL, 0 }, { SIGILL, 1 }, { SIGTRAP, 0 }, { SIGTRAP, 1 },
#ifdef __x86_64__
		{ SIGFPE, 0 }, { SIGFPE, 2 },
#endif
	};

	no_core();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pid_t pid = FORK();
		int st;

		if (!pid) {
			if (kinds[i].how == 1)
				block(SIG_BLOCK, kinds[i].sig);
			if (kinds[i].how == 2)
				signal(kinds[i].sig, SIG_IGN);
			if (kinds[i].sig == SIGSEGV)
				sink = *low;
			else if (kinds[i].sig == SIGILL)
				asm volatile(ILLEGAL);
			else if (kinds[i].sig == SIGTRAP)
				asm volatile(BREAK);
#ifdef __x86_64__
			else
				asm volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx", "cc");
#endif
			_exit(0);
		}
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSIGNALED(st));
		EQ(WTERMSIG(st), kinds[i].sig);
	}
}

static void bad_handler_stack(void)
{
	pid_t pid;
	int st;

	no_core();
	pid = FORK();
	if (!pid) {
		on_signal(SIGUSR1, note, 0);
#ifdef __aarch64__
		asm volatile("mov x8, #172; svc #0; mov x8, #129; mov x1, #10; mov x9, #4096\n"
			     "mov sp, x9; svc #0; udf #0" ::: "x0", "x1", "x8", "x9", "memory");
#else
		asm volatile("mov $39, %%eax; syscall; mov %%eax, %%edi; mov $62, %%eax; mov $10, %%esi\n"
			     "mov $4096, %%rsp; syscall; ud2" ::: "rax", "rcx", "rdi", "rsi", "r11", "memory");
#endif
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
}

static void jump_out_a_thousand_times(void)
{
	on_signal(SIGUSR1, jump_out, 0);
	for (volatile int i = 0; i < 1000; i++) {
		if (!sigsetjmp(jump, 1)) {
			raise(SIGUSR1);
			CHECK(0);
		}
	}
	EQ(hits, 1000);
	CHECK(!is_pending(SIGUSR1));
}

/*
 * regs_spin(in, out, flag, nr): loads every register it can from fixed patterns and
 * in[512], then spins until *flag, making system call nr each time round when
 * nr >= 0. What the vector registers hold then goes to out; the result is a bit mask of
 * the general registers, the red zone and the flags that changed.
 */
#ifdef __aarch64__

#define EACH_PAIR(op) \
	op(0, 1) op(2, 3) op(4, 5) op(6, 7) op(8, 9) op(10, 11) op(12, 13) op(14, 15) op(16, 17) op(18, 19) op(20, 21) \
	op(22, 23) op(24, 25) op(26, 27) op(28, 29) op(30, 31)
#define LOAD_PAIR(n, m) "ldp q" #n ", q" #m ", [x0, #16 * " #n "]\n"
#define STORE_PAIR(n, m) "stp q" #n ", q" #m ", [x8, #16 * " #n "]\n"
/* x0 to x3 are the arguments, x8 the number. */
#define PATTERNED "1,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30"

asm(".text\n"
    ".globl regs_spin\n.type regs_spin, @function\nregs_spin:\n"
    "stp x29, x30, [sp, #-176]!; stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]\n"
    "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]; stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]; stp x1, x18, [sp, #160]\n"
    EACH_PAIR(LOAD_PAIR)
    ".irp n," PATTERNED "\n mov x\\n, #\\n * 0x111; movk x\\n, #0xabcd, lsl #48\n .endr\n"
    "mov x8, #0xa0000000; msr nzcv, x8\n"
    "1: tbnz x3, #63, 2f; mov x8, x3; svc #0\n"
    "2: ldr w8, [x2]; cbz w8, 1b\n"
    "mrs x8, nzcv; lsr x8, x8, #28; mov x0, #0; cmp x8, #0xa; b.eq 3f; orr x0, x0, #1; 3:\n"
    ".irp n," PATTERNED "\n mov x8, #\\n * 0x111; movk x8, #0xabcd, lsl #48\n"
    "cmp x\\n, x8; b.eq 3f; orr x0, x0, #1 << \\n; 3:\n .endr\n"
    "ldp x8, x18, [sp, #160]\n"
    EACH_PAIR(STORE_PAIR)
    "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]; ldp x25, x26, [sp, #64]\n"
    "ldp x27, x28, [sp, #80]; ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]; ldp x29, x30, [sp], #176; ret\n"
    ".size regs_spin, . - regs_spin\n");

long regs_spin(const void *in, void *out, volatile int *flag, long nr);

/* Everything that may be lost in a handler. */
static void clobber_registers(void)
{
#define ZERO(n, m) "movi v" #n ".2d, #0; movi v" #m ".2d, #0\n"
	asm volatile(EACH_PAIR(ZERO) ::: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
		     "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
		     "v29", "v30", "v31");
	asm volatile("msr nzcv, xzr; mov x16, #0; mov x17, #0" ::: "x16", "x17", "cc");
	set_fp_control(FP_NORMAL);
}

static int is_kept(int i)
{
	return i < 512;
}

#else

#define EACH_YMM(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD_YMM(n) "vmovdqu 32*" #n "(%rdi), %ymm" #n "\n"
#define STORE_YMM(n) "vmovdqu %ymm" #n ", 32*" #n "(%rsi)\n"
#define LOAD_XMM(n) "movdqu 32*" #n "(%rdi), %xmm" #n "\n"
#define STORE_XMM(n) "movdqu %xmm" #n ", 32*" #n "(%rsi)\n"
#define SPIN(name, load, store, after)						\
	".globl " name "\n.type " name ", @function\n" name ":\n"		\
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"	\
	EACH_YMM(load)								\
	"mov %rcx, %r8\n"							\
	"mov $0x1111111111111111, %rbx; mov $0x2222222222222222, %rbp\n"	\
	"mov $0x3333333333333333, %r9; mov $0x4444444444444444, %r10\n"		\
	"mov $0x5555555555555555, %r12; mov $0x6666666666666666, %r13\n"	\
	"mov $0x7777777777777777, %r14; mov $0x1234567887654321, %r15\n"	\
	"mov %rbx, -8(%rsp); mov %rbp, -64(%rsp); mov %r9, -128(%rsp)\n"	\
	"std\n"									\
	"1: test %r8, %r8; js 2f; mov %r8, %rax; syscall\n"			\
	"2: cmpl $0, (%rdx); je 1b\n"						\
	"xor %eax, %eax\n"							\
	"mov $0x1111111111111111, %rcx; cmp %rcx, %rbx; je 3f; or $1, %eax; 3:\n"	\
	"cmp %rcx, -8(%rsp); je 3f; or $2, %eax; 3:\n"				\
	"mov $0x2222222222222222, %rcx; cmp %rcx, %rbp; je 3f; or $4, %eax; 3:\n"	\
	"cmp %rcx, -64(%rsp); je 3f; or $8, %eax; 3:\n"				\
	"mov $0x3333333333333333, %rcx; cmp %rcx, %r9; je 3f; or $16, %eax; 3:\n"	\
	"cmp %rcx, -128(%rsp); je 3f; or $32, %eax; 3:\n"			\
	"mov $0x4444444444444444, %rcx; cmp %rcx, %r10; je 3f; or $64, %eax; 3:\n"	\
	"mov $0x5555555555555555, %rcx; cmp %rcx, %r12; je 3f; or $128, %eax; 3:\n"	\
	"mov $0x6666666666666666, %rcx; cmp %rcx, %r13; je 3f; or $256, %eax; 3:\n"	\
	"mov $0x7777777777777777, %rcx; cmp %rcx, %r14; je 3f; or $512, %eax; 3:\n"	\
	"mov $0x1234567887654321, %rcx; cmp %rcx, %r15; je 3f; or $1024, %eax; 3:\n"	\
	"pushfq; pop %rcx; test $0x400, %ecx; jne 3f; or $2048, %eax; 3:\n"	\
	"cld\n"									\
	EACH_YMM(store)								\
	after									\
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"	\
	".size " name ", . - " name "\n"

asm(".text\n"
    SPIN("regs_spin_avx", LOAD_YMM, STORE_YMM, "vzeroupper\n")
    SPIN("regs_spin_sse", LOAD_XMM, STORE_XMM, ""));

long regs_spin_avx(const void *in, void *out, volatile int *flag, long nr);
long regs_spin_sse(const void *in, void *out, volatile int *flag, long nr);

static long regs_spin(const void *in, void *out, volatile int *flag, long nr)
{
	return (__builtin_cpu_supports("avx") ? regs_spin_avx : regs_spin_sse)(in, out, flag, nr);
}

static volatile int handler_df, handler_mxcsr;

static void clobber_registers(void)
{
	unsigned long flags;

	asm volatile("pushfq; pop %0" : "=r" (flags));
	handler_df |= flags & 0x400;
	handler_mxcsr = fp_control();
	if (__builtin_cpu_supports("avx"))
		asm volatile("vzeroall" ::: "memory");
#define ZERO(n) "pcmpeqd %%xmm" #n ", %%xmm" #n "\n"
	asm volatile(EACH_YMM(ZERO) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* Without AVX half of each register's 32 bytes is all there is. */
static int is_kept(int i)
{
	return __builtin_cpu_supports("avx") || i % 32 < 16;
}

#endif

static volatile int spin_flag, spin_wanted;

static void clobber(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	clobber_registers();
	getppid();
	if (++hits >= spin_wanted)
		spin_flag = 1;
}

static void spin_with(long nr, int wanted, int seed)
{
	struct itimerval t = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	unsigned char in[512], out[512];

	for (int i = 0; i < 512; i++)
		in[i] = i * 7 + seed;
	memset(out, 0, sizeof(out));
	on_signal(SIGALRM, clobber, 0);
	hits = spin_flag = 0;
	spin_wanted = wanted;
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	EQ(regs_spin(in, out, &spin_flag, nr), 0);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
#ifdef __x86_64__
	EQ(handler_df, 0);
#endif
	for (int i = 0; i < 512; i++)
		if (is_kept(i))
			EQ(out[i], in[i]);
}

static void registers_across_handlers(void)
{
	spin_with(-1, 50, 3);
}

static void registers_across_calls(void)
{
	spin_with(SYS_getppid, 50, 5);
	spin_with(SYS_sched_yield, 20, 6);
	spin_with(1000, 20, 7);
}

static void registers_across_switches(void)
{
	for (int i = 0; i < 4; i++)
		if (!FORK()) {
			spin_with(SYS_sched_yield, 30, i * 31);
			spin_with(-1, 30, i * 17 + 2);
			_exit(0);
		}
	for (int i = 0; i < 4; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
}

static void *regs_thread(void *arg)
{
	unsigned char in[512], out[512];

	for (int i = 0; i < 512; i++)
		in[i] = i * 3 + (long)arg;
	EQ(regs_spin(in, out, &spin_flag, SYS_gettid), 0);
	for (int i = 0; i < 512; i++)
		if (is_kept(i))
			EQ(out[i], in[i]);
	return NULL;
}

static void registers_of_threads(void)
{
	struct itimerval t = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	pthread_t id[4];

	on_signal(SIGALRM, clobber, SA_RESTART);
	spin_wanted = 100;
	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&id[i], NULL, regs_thread, (void *)(i * 50)), 0);
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(id[i], NULL), 0);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void float_control_words(void)
{
	unsigned got;
#ifdef __x86_64__
	unsigned short cw = 0x027f, old = 0x037f, got_cw;

	asm volatile("fldcw %0" :: "m" (cw));
#endif
	on_signal(SIGUSR1, clobber, 0);
	set_fp_control(FP_DOWN);
	raise(SIGUSR1);
	getppid();
	sched_yield();
	got = fp_control();
	set_fp_control(FP_NORMAL);
	EQ(got & ~FP_STATUS, FP_DOWN);
#ifdef __x86_64__
	asm volatile("fnstcw %0; fldcw %1" : "=m" (got_cw) : "m" (old));
	EQ(got_cw, cw);
	EQ(handler_mxcsr & ~FP_STATUS, FP_NORMAL);
#endif
}

static void set_vector(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)si;
#ifdef __aarch64__
	memset((char *)record_of(uc, FPSIMD_RECORD) + 16 + 15 * 16, 0x5a, 16);
	uc->uc_mcontext.pc += 4;
#else
	CHECK(uc->uc_mcontext.fpregs);
	memset((char *)uc->uc_mcontext.fpregs + 160 + 15 * 16, 0x5a, 16);
#endif
}

static void handler_sets_vector_register(void)
{
	unsigned long out[2];

	on_signal(SIGTRAP, set_vector, 0);
#ifdef __aarch64__
	asm volatile("movi v15.2d, #0; brk #0; str q15, %0" : "=m" (out) :: "v15");
#else
	asm volatile("pxor %%xmm15, %%xmm15; int3; movdqu %%xmm15, %0" : "=m" (out) :: "xmm15");
#endif
	EQ(out[0], 0x5a5a5a5a5a5a5a5a);
	EQ(out[1], 0x5a5a5a5a5a5a5a5a);
}

static void calls_under_a_timer(void)
{
	struct itimerval t = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	int fd[2];

	EQ(pipe(fd), 0);
	on_signal(SIGALRM, note, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int i = 0; i < 20000 || hits < 20; i++) {
		int got;

		EQ(write(fd[1], &i, sizeof(i)), sizeof(i));
		EQ(read(fd[0], &got, sizeof(got)), sizeof(got));
		EQ(got, i);
	}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

/* Every page the kernel reads or writes for us is new, while signals come. */
static void faults_under_a_timer(void)
{
	struct itimerval t = { { 0, 500 }, { 0, 500 } }, off = { 0 };

	on_signal(SIGALRM, clobber, SA_RESTART);
	spin_wanted = INT_MAX;
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int round = 0; round < 20 || hits < 20; round++) {
		char *p = map_anon(1 << 20, MAP_PRIVATE);

		for (int i = 0; i < 1 << 20; i += 4096) {
			EQ(p[i], 0);
			p[i] = i >> 12;
		}
		for (int i = 0; i < 1 << 20; i += 4096)
			EQ(p[i], (char)(i >> 12));
		EQ(munmap(p, 1 << 20), 0);
	}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void send_thousand(pid_t to)
{
	for (int i = 0; i < 1000; i++)
		while (sigqueue(to, SIGRTMIN, (union sigval) { .sival_int = i })) {
			EQ(errno, EAGAIN);
			sched_yield();
		}
}

static volatile int expected;
static volatile int out_of_order;

static void in_order(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	if (si->si_value.sival_int != expected++)
		out_of_order++;
}

static void thousand_each_way(void)
{
	pid_t me = getpid(), pid;
	sigset_t set, old;
	int st;

	on_signal(SIGRTMIN, in_order, SA_RESTART);
	pid = FORK();
	send_thousand(pid ? pid : me);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (expected < 1000)
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	EQ(expected, 1000);
	EQ(out_of_order, 0);
	if (!pid)
		_exit(0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
}

static void ping_pong(void)
{
	pid_t me = getpid(), pid;
	sigset_t set, old;

	on_signal(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = FORK();
	for (int i = 0; i < 1000; i++) {
		if (pid)
			EQ(kill(pid, SIGUSR1), 0);
		while (hits <= i)
			sigsuspend(&old);
		if (!pid)
			EQ(kill(me, SIGUSR1), 0);
	}
	EQ(hits, 1000);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

/* Plain kills from both sides, as fast as they go, at targets that only compute. */
static void storm_at_a_busy_loop(void)
{
	volatile int *done = map_anon(4096, MAP_SHARED);
	pid_t me = getpid(), pid;

	on_signal(SIGUSR1, clobber, SA_RESTART);
	spin_wanted = INT_MAX;
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 1000; i++)
			EQ(kill(me, SIGUSR1), 0);
		done[0] = 1;
		while (!done[1] || !hits)	/* it comes while this runs, but not at once */
			sink++;
		CHECK(hits > 0);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++)
		EQ(kill(pid, SIGUSR1), 0);
	done[1] = 1;
	while (!done[0] || !hits)
		sink++;
	wait_through(pid);
	CHECK(hits > 0);
}

static void *spin_forever(void *arg)
{
	volatile long *n = arg;

	for (;;)
		++*n;
	return NULL;
}

static void exit_group_stops_spinners(void)
{
	for (int round = 0; round < 20; round++) {
		pid_t pid = FORK();
		int st;

		if (!pid) {
			volatile long *n = map_anon(4096, MAP_PRIVATE);
			pthread_t t;

			for (int i = 0; i < 3; i++)
				EQ(pthread_create(&t, NULL, spin_forever, (void *)(n + i * 8)), 0);
			while (!n[0] || !n[8] || !n[16])
				sched_yield();
			_exit(round);
		}
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, round << 8);
	}
}

static void stop_continue_kill_spinners(void)
{
	volatile long *n = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	int st;

	if (!pid) {
		pthread_t t;

		EQ(pthread_create(&t, NULL, spin_forever, (void *)(n + 8)), 0);
		spin_forever((void *)n);
	}
	SOON(n[0] && n[8]);
	for (int i = 0; i < 10; i++) {
		long a, b;

		EQ(kill(pid, SIGSTOP), 0);
		EQ(waitpid(pid, &st, WUNTRACED), pid);
		CHECK(WIFSTOPPED(st));
		a = n[0];
		b = n[8];
		sleep_ms(20);
		EQ(n[0], a);
		EQ(n[8], b);
		EQ(kill(pid, SIGCONT), 0);
		EQ(waitpid(pid, &st, WCONTINUED), pid);
		CHECK(WIFCONTINUED(st));
		SOON(n[0] != a && n[8] != b);
	}
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
}

static void *catcher(void *arg)
{
	int sig;

	EQ(sigwait(arg, &sig), 0);
	return (void *)(long)sig;
}

static void process_signal_finds_the_open_thread(void)
{
	sigset_t set;
	pthread_t t;
	void *got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	EQ(pthread_create(&t, NULL, catcher, &set), 0);
	EQ(kill(getpid(), SIGUSR1), 0);
	EQ(pthread_join(t, &got), 0);
	EQ((long)got, SIGUSR1);
}

static void broken_pipe(void)
{
	int fd[2];

	EQ(pipe(fd), 0);
	close(fd[0]);
	on_signal(SIGPIPE, note, 0);
	FAILS(write(fd[1], "x", 1), EPIPE);
	EQ(hits, 1);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(fd[1], "x", 1), EPIPE);
}

#ifdef __x86_64__
#define NT 0x4000
#define NOWHERE 0x1000000000000000	/* no address, also where they have 57 bits, and no place to go to */

/* With NT an iret is something else. A program may set it, and keeps it. */
static void nested_task_flag(void)
{
	on_signal(SIGUSR1, note, 0);
	on_signal(SIGSEGV, fault, 0);
	for (int i = 1; i <= 20; i++) {
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | NT);
		EQ(kill(getpid(), SIGUSR1), 0);
		FAULTS(SIGSEGV, SEGV_MAPERR, sink = *low);
		CHECK(__builtin_ia32_readeflags_u64() & NT);
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(unsigned long)NT);
	}
}

static void go_nowhere(int sig, siginfo_t *si, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = NOWHERE;
	(void)sig;
	(void)si;
}

static void return_to_no_address(void)
{
	pid_t pid;
	int st;

	no_core();
	on_signal(SIGSEGV, fault, 0);
	on_signal(SIGUSR1, go_nowhere, 0);
	FAULTS(SIGSEGV, SI_KERNEL, kill(getpid(), SIGUSR1));
	EQ(FAULT_PC, NOWHERE);
	pid = FORK();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		kill(getpid(), SIGUSR1);
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
}

/* By the instruction, so without the kernel's knowledge; also such as its own code would not use. */
static void own_gs_base(void)
{
	/* The last ones are where the box's kernel has what it finds by GS (x86_64/gate.S), and beside it. */
	static const unsigned long bases[] = {
		-1UL, ~0x100000UL, 0xffff800000000000, 1, ~BOX_KERNEL, BOX_KERNEL, BOX_KERNEL + 0x200000, BOX_KERNEL + 0x82000000000,
		BOX_KERNEL + 0x82000200000, BOX_KERNEL + 0x82000001000, 0x7ffffffff000,
	};

	if (!(getauxval(AT_HWCAP2) & 2))
		SKIP("no FSGSBASE");
	for (int i = 0; i < 40; i++) {
		unsigned long got;
		pid_t pid;

		asm volatile("wrgsbase %0" :: "r" (bases[i % ARRAY_SIZE(bases)]));
		pid = getppid();
		asm volatile("rdgsbase %0" : "=r" (got));
		EQ(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0), 0);
		EQ(pid, getppid());
		EQ(got, bases[i % ARRAY_SIZE(bases)]);
	}
}
#endif

static const struct test tests[] = {
	T(info_of_kill), T(info_from_a_child), T(queued_value), T(alternate_stack), T(stack_overflow_on_altstack),
	T(deferred_and_nodefer), T(nested), T(reset_hand), T(masks), T(handler_changes_the_mask), T(realtime_order),
	T(wait_for_a_signal), T(interrupted_calls), T(restarted_calls), T(stop_does_not_cut_sleep),
	T(timer_in_a_busy_loop), T(virtual_timer_in_a_busy_loop), T(profile_timer_in_a_busy_loop),
	T(alarm_in_a_busy_loop), T(posix_timer), T(segv), T(segv_outside_user_space), T(thousand_segvs), T(bus_error),
	T(fpe), T(ill), T(trap), T(single_step), T(unhandled_faults), T(bad_handler_stack),
	T(jump_out_a_thousand_times), T(registers_across_handlers), T(registers_across_calls),
	T(registers_across_switches), T(registers_of_threads), T(float_control_words), T(handler_sets_vector_register),
	T(calls_under_a_timer), T(faults_under_a_timer), T(thousand_each_way), T(ping_pong), T(storm_at_a_busy_loop),
	T(exit_group_stops_spinners), T(stop_continue_kill_spinners), T(process_signal_finds_the_open_thread),
	T(broken_pipe),
#ifdef __x86_64__
	T(nested_task_flag), T(return_to_no_address), T(own_gs_base),
#endif
};
MAIN(tests)
