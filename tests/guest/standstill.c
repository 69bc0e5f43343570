// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing is lost where the whole guest stands still at any moment and goes on, be it with other
 * host processes and threads below it (kbox snapshot). All parts are at work at the same time, each
 * in a process of its own: for about two seconds, or STANDSTILL_SECONDS, or, with STANDSTILL_FILE,
 * until there is a file of that name. In the last case "# at work" is said each time when every part
 * has done something more.
 */
#include "standstill.h"
#include "standstill-memory.h"
#include "standstill-processes.h"
#include "standstill-threads.h"
#include "standstill-time.h"
#include "standstill-uring.h"
#include <pty.h>
#include <setjmp.h>
#include <termios.h>

static char *alternate;
static sigjmp_buf back;
static volatile sig_atomic_t jumps, handled;

/* It has vectors of its own. */
static void jump(int sig, siginfo_t *si, void *uc)
{
	struct held_call loop = { .rounds = 10 };
	int same;

	(void)sig, (void)si, (void)uc;
	hold_vectors(&loop, handled++, &same);
	CHECK(same);
	CHECK((char *)&loop >= alternate && (char *)&loop < alternate + 65536);
	if (jumps)
		siglongjmp(back, 5);
}

static void handlers_jump(void)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	struct held_call loop = { .rounds = ROUNDS };
	volatile uint64_t mark, copy;
	volatile int n = 0;
	sigset_t mask;
	stack_t st;
	int same;

	alternate = map_anon(65536, MAP_PRIVATE);
	EQ(sigaltstack(&(stack_t) { .ss_sp = alternate, .ss_size = 65536 }, NULL), 0);
	on_signal(SIGALRM, jump, SA_ONSTACK);
	EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (goes_on()) {
		mark = copy = dice(1 << 30);
		if (n++ % 2 && !sigsetjmp(back, 1)) {
			for (jumps = 1;;) {
				hold_vectors(&loop, mark, &same);
				CHECK(same);
			}
		}
		jumps = 0;
		EQ(mark, copy);
		EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
		EQ(sigismember(&mask, SIGALRM), 0);
		for (int before = handled; before == handled;) {
			hold_vectors(&loop, mark, &same);
			CHECK(same);
		}
		EQ(sigaltstack(NULL, &st), 0);
		CHECK(st.ss_sp == alternate && !(st.ss_flags & SS_ONSTACK));
	}
	EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
}

static void answer(int terminal)
{
	unsigned long n, last = 0;
	char text[40];
	ssize_t got;

	while ((got = read(terminal, text, sizeof(text) - 1)) > 0) {
		text[got] = 0;
		n = strtoul(text, NULL, 10);
		EQ(n, last + 1);
		last = n;
		EQ(dprintf(terminal, "<%lu>\n", n), strlen(text) + 2);
	}
	EQ(got, 0);
	_exit(0);
}

static void terminal(void)
{
	int master, slave;
	struct termios t;
	unsigned long n = 0;
	pid_t pid;

	if (openpty(&master, &slave, NULL, NULL, NULL))
		lacks("no pseudo terminals");
	EQ(tcgetattr(slave, &t), 0);
	t.c_lflag &= ~ECHO;
	t.c_oflag &= ~OPOST;
	EQ(tcsetattr(slave, TCSANOW, &t), 0);
	pid = FORK();
	if (!pid) {
		close(master);
		answer(slave);
	}
	while (goes_on()) {
		char want[40], got[40];
		int len = snprintf(want, sizeof(want), "<%lu>\n", ++n), have = 0;

		sleep_us(dice(2000));
		CHECK(dprintf(master, "%lu\n", n) > 0);
		while (have < len) {
			ssize_t r = read(master, got + have, len - have);

			CHECK(r > 0);
			have += r;
		}
		CHECK(!memcmp(want, got, len));
	}
	EQ(write(master, "\4", 1), 1);	/* the end of input */
	CHILD_OK(pid);
}

#define PARTS(f)								\
	f(registers_in_loops) f(registers_in_sleep) f(registers_in_futex) f(registers_in_read) \
	f(registers_in_poll) \
	f(registers_in_epoll) f(control_words) f(thread_pointers) f(segment_bases) \
	f(handlers_jump) f(programs_start) \
	f(vforks) f(pipes_in_a_ring) f(shared_mutex) f(mappings) f(waiting) f(clocks) f(timers) \
	f(stopped_child) \
	f(traced_child) f(terminal) f(uring) f(uring_polled)
#define PART(f) { #f, f },

static const struct test parts[] = { PARTS(PART) };

#define NPARTS ARRAY_SIZE(parts)

static void begin(size_t i)
{
	pid_t pid;
	int st;

	shared->part[i].status = -1;
	if (FORK())
		return;
	pid = FORK();
	if (!pid) {
		me = i;
		setpgid(0, 0);
		if (mkdir(parts[i].name, 0755) || chdir(parts[i].name))
			tap_fail(__FILE__, __LINE__, "%s: errno %d", parts[i].name, errno);
		parts[i].run();
		_exit(TAP_PASSED);
	}
	shared->part[i].pid = pid;
	EQ(waitpid(pid, &st, 0), pid);
	kill(-pid, SIGKILL);
	shared->part[i].status = st;
	_exit(0);
}

static int all_have_done_more(unsigned long *before)
{
	for (size_t i = 0; i < NPARTS; i++)
		if (shared->part[i].status == -1 && shared->part[i].rounds <= before[i])
			return 0;
	for (size_t i = 0; i < NPARTS; i++)
		before[i] = shared->part[i].rounds;
	return 1;
}

/* Says when all are to end. */
static void conduct(void)
{
	const char *s = getenv("STANDSTILL_SECONDS"), *file = getenv("STANDSTILL_FILE");
	double until = seconds() + (s ? atof(s) : 2);
	unsigned long before[NPARTS] = { 0 };

	while (file ? access(file, F_OK) : seconds() < until) {
		sleep_ms(20);
		if (file && all_have_done_more(before))
			dprintf(1, "# at work\n");
	}
	shared->stop = 1;
	_exit(0);
}

/* A test is the end of what is at work already. */
static void ended(void)
{
	size_t i = 0;
	int st;

	while (strcmp(parts[i].name, tap_name))
		i++;
	while ((st = shared->part[i].status) == -1)
		sleep_ms(10);
	if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
		SKIP(shared->part[i].lacks);
	if (!WIFEXITED(st))
		tap_fail(__FILE__, __LINE__, "killed by signal %d", WTERMSIG(st));
	EQ(WEXITSTATUS(st), TAP_PASSED);
	CHECK(shared->part[i].rounds > 0);
}

#define ENDED(f) { #f, ended },

int main(int argc, char **argv)
{
	static const struct test ends[] = { PARTS(ENDED) };
	const char *where = getenv("TESTDIR"), *s = getenv("STANDSTILL_SECONDS");
	char base[100], limit[20];
	int ret;

	if (argc == 3 && !strcmp(argv[1], EXITS))
		return atoi(argv[2]);
	shared = map_anon(sizeof(*shared), MAP_SHARED);
	snprintf(limit, sizeof(limit), "%d", tap_seconds() + (s ? atoi(s) : 2));
	setenv("TAP_SECONDS", limit, 1);
	snprintf(base, sizeof(base), "%s/kbox-still.XXXXXX", where ? where : "/var/tmp");
	if (!mkdtemp(base) || chdir(base)) {
		dprintf(1, "Bail out! %s: errno %d\n", base, errno);
		return 1;
	}
	for (size_t i = 0; i < NPARTS; i++)
		if (tap_wanted(parts[i].name, argc, argv) && !tap_lacks(parts[i].name))
			begin(i);
	if (!FORK())
		conduct();
	ret = tap_main(argc, argv, ends, NPARTS);
	for (size_t i = 0; i < NPARTS; i++)
		if (shared->part[i].status == -1 && shared->part[i].pid)
			kill(-shared->part[i].pid, SIGKILL);
	nftw(base, tap_remove, 100, FTW_DEPTH | FTW_PHYS);
	return ret;
}
