// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of signals: what handlers are told, their stacks, masks, queues, waiting, and system
 * calls that are interrupted.
 */
#include "signals.h"
#include <poll.h>

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

static const struct test tests[] = {
	T(info_of_kill), T(info_from_a_child), T(queued_value), T(alternate_stack), T(deferred_and_nodefer), T(nested),
	T(reset_hand), T(masks), T(handler_changes_the_mask), T(realtime_order), T(wait_for_a_signal),
	T(interrupted_calls), T(restarted_calls), T(stop_does_not_cut_sleep), T(jump_out_a_thousand_times),
	T(broken_pipe),
};
MAIN(tests)
