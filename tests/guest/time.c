// SPDX-License-Identifier: GPL-2.0-only
/* Clocks, sleeping, timers. */
#include "tap.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/times.h>

static double get(clockid_t c)
{
	struct timespec t;

	if (clock_gettime(c, &t))
		return -1;
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double raw(clockid_t c)
{
	struct timespec t;

	if (syscall(SYS_clock_gettime, c, &t))
		return -1;
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void library_and_kernel_agree(void)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		for (int j = 0; j < 200; j++) {
			double a = get(clocks[i]), b = raw(clocks[i]), c = get(clocks[i]);

			CHECK(a > 0 && b > 0);
			if (!(a <= b + 1e-6 && b <= c + 1e-6))
				tap_fail(__FILE__, __LINE__, "clock %d: %.9f %.9f %.9f", clocks[i], a, b, c);
		}
}

static void coarse_clocks(void)
{
	double a = raw(CLOCK_MONOTONIC), b = get(CLOCK_MONOTONIC_COARSE), c = raw(CLOCK_MONOTONIC_COARSE);

	CHECK(b > 0 && b <= raw(CLOCK_MONOTONIC));
	CHECK(c > 0 && c <= raw(CLOCK_MONOTONIC));
	SOON(raw(CLOCK_MONOTONIC_COARSE) >= a && get(CLOCK_MONOTONIC_COARSE) >= a);
}

static void advances(clockid_t clock, double (*read)(clockid_t), const char *how)
{
	double start = read(clock), last = start, end = seconds() + SOON_MS / 1e3;
	static volatile long n;

	CHECK(start >= 0);
	while (last < start + 0.02 && seconds() < end) {
		double now = read(clock);

		if (now < last - 1e-9)
			tap_fail(__FILE__, __LINE__, "clock %d, %s: from %.9f back to %.9f", clock, how, last, now);
		last = now;
		for (int i = 0; i < 1000; i++)
			n++;
	}
	if (last < start + 0.02)
		tap_fail(__FILE__, __LINE__, "clock %d, %s: %.9f, %.9f much later", clock, how, start, last);
}

static void every_clock_advances(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		advances(clocks[i], raw, "system call");
		advances(clocks[i], get, "library");
	}
}

static void monotonic(void)
{
	double last = get(CLOCK_MONOTONIC), start = last;
	long n = 0;

	while (last < start + 0.2) {
		double now = n++ % 2 ? raw(CLOCK_MONOTONIC) : get(CLOCK_MONOTONIC);

		if (now < last - 1e-6)
			tap_fail(__FILE__, __LINE__, "from %.9f back to %.9f", last, now);
		last = now;
	}
	CHECK(n > 1000);
}

static void wall_clock(void)
{
	struct timeval tv;
	time_t t = time(NULL);

	EQ(gettimeofday(&tv, NULL), 0);
	CHECK(t > 1700000000);
	CHECK(tv.tv_sec >= t && tv.tv_sec <= t + 1);
	CHECK(labs((long)get(CLOCK_REALTIME) - t) <= 1);
#ifdef SYS_time
	CHECK(labs((long)(syscall(SYS_time, NULL) - t)) <= 1);
#endif
}

static void has_vdso(void)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR), start = 0, size = 0;
	char text[20000], *line;
	void *to;

	CHECK(vdso != 0);
	CHECK(!memcmp((void *)vdso, "\177ELF", 4));
	slurp("/proc/self/maps", text, sizeof(text));
	for (line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		unsigned long from, end;

		if (sscanf(line, "%lx-%lx r-xp", &from, &end) == 2 && from == vdso) {
			start = from;
			size = end - from;
			CHECK(!strncmp(strchr(line, '\n') - 6, "[vdso]", 6));
		}
	}
	EQ(start, vdso);
	/* Who wants to has it elsewhere. */
	to = map_anon(size, MAP_PRIVATE);
	EQ((long)mremap((void *)vdso, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	CHECK(!memcmp(to, "\177ELF", 4));
	EQ((long)mremap(to, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)vdso), (long)vdso);
	CHECK(get(CLOCK_MONOTONIC) > 0);
}

static void the_processor(void)
{
	unsigned int cpu = 99, node = 99;

	for (int i = 0; i < 100; i++) {
		EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
		EQ(cpu, 0);
		EQ(node, 0);
		EQ(sched_getcpu(), 0);
	}
}

/* Who sets the clock sees it by the library as by the kernel. */
static void set_clock(void)
{
	struct timespec t;
	double before, mono = get(CLOCK_MONOTONIC);

	if (geteuid())
		SKIP("it needs root");
	EQ(clock_gettime(CLOCK_REALTIME, &t), 0);
	before = get(CLOCK_REALTIME);
	t.tv_sec += 3600;
	EQ(clock_settime(CLOCK_REALTIME, &t), 0);
	CHECK(get(CLOCK_REALTIME) >= before + 3600 && get(CLOCK_REALTIME) < before + 3700);
	CHECK(raw(CLOCK_REALTIME) >= before + 3600 && raw(CLOCK_REALTIME) < before + 3700);
	CHECK(time(NULL) >= (time_t)before + 3600);
	CHECK(get(CLOCK_MONOTONIC) < mono + 100);
	library_and_kernel_agree();
	t.tv_sec -= 3600;
	EQ(clock_settime(CLOCK_REALTIME, &t), 0);
	CHECK(get(CLOCK_REALTIME) < before + 100);
}

static void in_a_time_namespace(void)
{
	double before;
	pid_t pid;
	int fd;

	before = get(CLOCK_MONOTONIC);
	if (unshare(0x80 /* CLONE_NEWTIME */))
		SKIP("no time namespaces");
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	CHECK(fd >= 0);
	EQ(write(fd, "monotonic 5000 0\nboottime 7000 0", 32), 32);
	close(fd);
	pid = FORK();
	if (!pid) {
		CHECK(get(CLOCK_MONOTONIC) >= before + 5000 && get(CLOCK_MONOTONIC) < before + 5100);
		CHECK(get(CLOCK_BOOTTIME) >= get(CLOCK_MONOTONIC) + 1900);
		CHECK(time(NULL) > 1700000000);
		library_and_kernel_agree();
		_exit(0);
	}
	CHILD_OK(pid);
	CHECK(get(CLOCK_MONOTONIC) < before + 100);
}

static void resolution(void)
{
	struct timespec t;

	EQ(clock_getres(CLOCK_MONOTONIC, &t), 0);
	CHECK(t.tv_sec == 0 && t.tv_nsec > 0 && t.tv_nsec <= 10000000);
	FAILS(clock_gettime(99, &t), EINVAL);
}

static void sleep_lower_bound(void)
{
	for (int ms = 1; ms <= 100; ms = ms * 3 + 1) {
		struct timespec t = { 0, ms * 1000000 };
		double start = seconds(), took;

		EQ(nanosleep(&t, NULL), 0);
		took = seconds() - start;
		CHECK(took >= ms / 1e3 - 1e-6);
	}
	FAILS(nanosleep(&(struct timespec) { 0, 1000000000 }, NULL), EINVAL);
}

static void short_sleeps(void)
{
	double start = seconds();

	for (int i = 0; i < 100; i++)
		EQ(nanosleep(&(struct timespec) { 0, 100000 }, NULL), 0);
	CHECK(seconds() - start >= 0.01);
}

static void absolute_sleep(void)
{
	struct timespec t;
	double end;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 50000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	end = t.tv_sec + t.tv_nsec / 1e9;
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	CHECK(seconds() >= end - 1e-6);
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
	EQ(clock_nanosleep(CLOCK_REALTIME, 0, &(struct timespec) { 0, 1000000 }, NULL), 0);
}

static volatile int alarms;

static void count(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	alarms++;
}

static void interrupted_sleep(void)
{
	/* Again and again, for the first one may come before the sleep. */
	struct itimerval it = { { 0, 50000 }, { 0, 50000 } };
	struct timespec left, end;
	double start, most = 0;

	on_signal(SIGALRM, count, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	/* One that begins with an interval ends with it. */
	for (int i = 0; i < 200 && most < 0.0299; i++) {
		left = (struct timespec) { -1, -1 };
		start = seconds();
		if (i & 1)
			EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec) { 1000, 0 }, &left), EINTR);
		else
			FAILS(nanosleep(&(struct timespec) { 1000, 0 }, &left), EINTR);
		CHECK(left.tv_sec >= 0 && left.tv_nsec >= 0 && left.tv_nsec < 1000000000);
		CHECK(left.tv_sec + left.tv_nsec / 1e9 <= 1000);
		CHECK(left.tv_sec + left.tv_nsec / 1e9 >= 1000 - (seconds() - start) - 1e-6);
		EQ(alarms > i, 1);
		if (i > 2)
			most = 1000 - (left.tv_sec + left.tv_nsec / 1e9);
	}
	CHECK(most >= 0.0299);
	left = (struct timespec) { -1, -1 };
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 1000;
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, &left), EINTR);
	EQ(left.tv_sec, -1);
}

/* A stop and a continuation without a handler do not end a sleep, nor shorten it. */
static void stopped_sleep(void)
{
	double start = seconds();
	pid_t pid = FORK();
	int st;

	if (!pid) {
		EQ(nanosleep(&(struct timespec) { 0, 200000000 }, NULL), 0);
		CHECK(seconds() - start >= 0.1999);
		_exit(0);
	}
	sleep_ms(30);
	EQ(kill(pid, SIGSTOP), 0);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	EQ(kill(pid, SIGCONT), 0);
	CHILD_OK(pid);
}

static void interval_timer(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, got;
	double start = seconds();

	on_signal(SIGALRM, count, 0);
	EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	EQ(getitimer(ITIMER_REAL, &got), 0);
	EQ(got.it_interval.tv_usec, 10000);
	while (alarms < 20)
		pause();
	CHECK(seconds() - start >= 0.199);
	it = (struct itimerval) { 0 };
	EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	EQ(alarm(100), 0);
	EQ(alarm(0), 100);
}

static volatile int value;

static void timer_fired(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	value = si->si_value.sival_int;
	alarms += si->si_code == SI_TIMER;
}

static void posix_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 11 };
	struct itimerspec its = { .it_value = { 0, 20000000 }, .it_interval = { 0, 1000000 } };
	sigset_t block, old;
	timer_t t;

	on_signal(SIGUSR1, timer_fired, 0);
	EQ(timer_create(CLOCK_MONOTONIC, &ev, &t), 0);
	EQ(timer_settime(t, 0, &its, NULL), 0);
	SOON(alarms >= 3);
	EQ(value, 11);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &old);
	sleep_ms(50);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK(timer_getoverrun(t) >= 0);
	EQ(timer_delete(t), 0);
	FAILS(syscall(SYS_timer_gettime, 12345, &its), EINVAL);
}

static void burn(double s)
{
	double end = get(CLOCK_PROCESS_CPUTIME_ID) + s, late = seconds() + SOON_MS / 1e3;

	while (get(CLOCK_PROCESS_CPUTIME_ID) < end && seconds() < late)
		;
}

static void processor_time(void)
{
	double cpu = get(CLOCK_PROCESS_CPUTIME_ID), thread = get(CLOCK_THREAD_CPUTIME_ID), start, used;

	CHECK(cpu >= 0 && thread >= 0);
	/*
	 * Asleep, it uses none. What a busy host has it wait for before and after counts, but not
	 * each time.
	 */
	for (int i = 0; i < 20; i++) {
		cpu = get(CLOCK_PROCESS_CPUTIME_ID);
		sleep_ms(300);
		used = get(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		if (used < 0.25)
			break;
	}
	CHECK(used < 0.25);
	start = seconds();
	cpu = get(CLOCK_PROCESS_CPUTIME_ID);
	burn(0.1);
	used = get(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	CHECK(used >= 0.1);
	CHECK(used < seconds() - start + 0.05);
	CHECK(get(CLOCK_THREAD_CPUTIME_ID) - thread > 0.02);
}

static void usage_and_times(void)
{
	struct rusage ru;
	struct tms t;

	burn(0.2);
	EQ(getrusage(RUSAGE_SELF, &ru), 0);
	CHECK(ru.ru_utime.tv_sec + ru.ru_utime.tv_usec / 1e6 + ru.ru_stime.tv_sec + ru.ru_stime.tv_usec / 1e6 > 0.02);
	CHECK(times(&t) != -1);
	CHECK(t.tms_utime + t.tms_stime >= 2);
}

/*
 * The user time of a program that computes, with a call now and then, which is when the kernel
 * gets to see it. A signal stands for all intervals that have ended since the last one, and on a
 * busy host these are many.
 */
static void user_time(void)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } }, got;
	double start = get(CLOCK_PROCESS_CPUTIME_ID), used = 0, user, system;
	volatile long n = 0;
	struct rusage ru;

	on_signal(SIGVTALRM, count, 0);
	EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	while (used < 0.6 || (alarms < 15 && used < 12)) {
		for (int i = 0; i < 1000000; i++)
			n++;
		EQ(getitimer(ITIMER_VIRTUAL, &got), 0);
		used = get(CLOCK_PROCESS_CPUTIME_ID) - start;
	}
	EQ(getrusage(RUSAGE_SELF, &ru), 0);
	user = ru.ru_utime.tv_sec + ru.ru_utime.tv_usec / 1e6;
	system = ru.ru_stime.tv_sec + ru.ru_stime.tv_usec / 1e6;
	if (user < 2 * system || user < 0.02)
		tap_fail(__FILE__, __LINE__, "%.3f s in user mode, %.3f s in the kernel", user, system);
	if (alarms < 15)
		tap_fail(__FILE__, __LINE__, "%d signals in %.3f s of user mode", alarms, user);
}

static void usage_of_children(void)
{
	struct rusage ru;
	struct tms t;
	clock_t was;
	pid_t pid;

	EQ(getrusage(RUSAGE_CHILDREN, &ru), 0);
	EQ(ru.ru_utime.tv_sec + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec + ru.ru_stime.tv_usec, 0);
	was = times(&t);
	CHECK(was != -1);
	EQ(t.tms_cutime + t.tms_cstime, 0);
	pid = FORK();
	if (!pid) {
		burn(0.2);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(getrusage(RUSAGE_CHILDREN, &ru), 0);
	CHECK(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6 > 0.05);
	CHECK(times(&t) > was);
	CHECK(t.tms_cutime + t.tms_cstime >= 5);
}

static void clock_of_another(void)
{
	clockid_t c;
	double was;
	pid_t pid = FORK();

	if (!pid) {
		burn(5);
		_exit(0);
	}
	EQ(clock_getcpuclockid(pid, &c), 0);
	was = get(c);
	CHECK(was >= 0);
	SOON(get(c) >= was + 0.05);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
	EQ(get(c), -1);
}

static void limit_of_cpu_time(void)
{
	struct rlimit l = { 1, 2 };
	pid_t pid = FORK();
	int st;

	if (!pid) {
		EQ(setrlimit(RLIMIT_CPU, &l), 0);
		burn(20);
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGXCPU);
}

static void cpu_timer_expires(void)
{
	struct itimerval it = { .it_value = { 0, 50000 } };
	double start = seconds();

	on_signal(SIGVTALRM, count, 0);
	EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	while (!alarms && seconds() < start + SOON_MS / 1e3)
		;
	EQ(alarms, 1);
	CHECK(seconds() - start >= 0.03);
	on_signal(SIGPROF, count, 0);
	EQ(setitimer(ITIMER_PROF, &it, NULL), 0);
	while (alarms < 2 && seconds() < start + SOON_MS / 1e3)
		;
	EQ(alarms, 2);
}

static void posix_timer_of_cpu_time(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 12 };
	struct itimerspec its = { .it_value = { 0, 50000000 } };
	double start = seconds();
	timer_t t;

	on_signal(SIGUSR1, timer_fired, 0);
	EQ(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t), 0);
	EQ(timer_settime(t, 0, &its, NULL), 0);
	while (!alarms && seconds() < start + SOON_MS / 1e3)
		;
	EQ(alarms, 1);
	EQ(value, 12);
	EQ(timer_delete(t), 0);
}

static void posix_timer_at_a_time(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE }, ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec its = { .it_value = { 100, 0 } }, got;
	double end;
	timer_t t;

	EQ(timer_create(CLOCK_REALTIME, &none, &t), 0);
	EQ(timer_settime(t, 0, &its, NULL), 0);
	EQ(timer_gettime(t, &got), 0);
	CHECK(got.it_value.tv_sec > 0 && got.it_value.tv_sec <= 100);
	EQ(timer_delete(t), 0);
	on_signal(SIGUSR1, timer_fired, 0);
	EQ(timer_create(CLOCK_MONOTONIC, &ev, &t), 0);
	end = seconds() + 0.05;
	its.it_value = (struct timespec) { (time_t)end, (long)((end - (time_t)end) * 1e9) };
	EQ(timer_settime(t, TIMER_ABSTIME, &its, NULL), 0);
	SOON(alarms);
	CHECK(seconds() >= end - 1e-6);
	EQ(alarms, 1);
	FAILS(timer_create(99, &ev, &t), EINVAL);
}

static void *reader(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		double a = get(CLOCK_MONOTONIC), b = i % 50 ? get(CLOCK_MONOTONIC) : raw(CLOCK_MONOTONIC);

		CHECK(b >= a - 1e-6);
	}
	return arg;
}

static void from_many_threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, reader, NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void between_processes(void)
{
	double *shared = map_anon(4096, MAP_SHARED), t;
	pid_t pid;

	shared[0] = seconds();
	pid = FORK();
	if (!pid) {
		t = seconds();
		CHECK(t >= shared[0]);
		shared[1] = t;
		_exit(0);
	}
	CHILD_OK(pid);
	CHECK(seconds() >= shared[1]);
}

static volatile int naps_begun, alarms;

/* Sleeps of up to 2 ms, of which none is too short, and each ends. */
static void *naps(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	__atomic_fetch_add(&naps_begun, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 150; i++) {
		struct timespec t = { 0, rand_r(&seed) % 2000 * 1000 };
		double start = seconds();

		EQ(nanosleep(&t, NULL), 0);
		CHECK(seconds() - start >= t.tv_nsec / 1e9 - 1e-6);
	}
	return NULL;
}

/*
 * The host threads that have parked wait for the next event in turn: none of them may be forgotten.
 */
static void sleeps_of_many(void)
{
	pthread_t t[6];

	for (long i = 0; i < 6; i++)
		EQ(pthread_create(&t[i], NULL, naps, (void *)(i + 1)), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	EQ(naps_begun, 6);
}

static void *spins(void *stop)
{
	while (!*(volatile int *)stop)
		;
	return NULL;
}

/* One that only computes neither keeps them asleep. */
static void sleeps_beside_user_code(void)
{
	volatile int stop = 0;
	pthread_t t;

	pthread_create(&t, NULL, spins, (void *)&stop);
	sleeps_of_many();
	stop = 1;
	pthread_join(t, NULL);
}

static void on_alarm(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	alarms++;
}

/*
 * A timer that is set after a sleep, when nobody else had anything to do, finds its process in user
 * code.
 */
static void timer_after_a_sleep(void)
{
	struct itimerval soon = { .it_value = { 0, 1500 } };

	on_signal(SIGALRM, on_alarm, 0);
	for (int i = 1; i <= 100; i++) {
		sleep_ms(i % 7);
		EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
		while (alarms < i)
			;
	}
	EQ(alarms, 100);
}

/* It has been asleep in one process, and comes back to it from another one. */
static void sleeps_between_processes(void)
{
	int there[2], back[2];
	char c = 0;
	pid_t pid;

	EQ(pipe(there), 0);
	EQ(pipe(back), 0);
	pid = FORK();
	if (!pid) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1) {
			sleep_ms((unsigned char)c % 3);
			EQ(write(back[1], &c, 1), 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		c = i;
		EQ(write(there[1], &c, 1), 1);
		EQ(read(back[0], &c, 1), 1);
		sleep_ms(i % 2);
	}
	close(there[1]);
	CHILD_OK(pid);
}

static void uptime(void)
{
	double up, before = get(CLOCK_BOOTTIME);
	char text[100];

	CHECK(slurp("/proc/uptime", text, sizeof(text)) > 0);
	up = atof(text);
	CHECK(up > 0 && up > before - 0.1 && up < get(CLOCK_BOOTTIME) + 0.1);
}

static const struct test tests[] = {
	T(library_and_kernel_agree), T(coarse_clocks), T(every_clock_advances), T(monotonic), T(wall_clock), T(has_vdso), T(the_processor), T(set_clock), T(in_a_time_namespace),
	T(resolution), T(sleep_lower_bound),
	T(short_sleeps), T(absolute_sleep), T(interrupted_sleep), T(stopped_sleep), T(interval_timer), T(posix_timer),
	T(posix_timer_at_a_time), T(posix_timer_of_cpu_time), T(processor_time), T(usage_and_times), T(user_time),
	T(usage_of_children), T(clock_of_another), T(limit_of_cpu_time), T(cpu_timer_expires), T(from_many_threads), T(between_processes), T(uptime),
	T(sleeps_of_many), T(sleeps_beside_user_code), T(timer_after_a_sleep), T(sleeps_between_processes),
};
MAIN(tests)
