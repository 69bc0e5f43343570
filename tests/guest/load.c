// SPDX-License-Identifier: GPL-2.0-only
/*
 * Much of everything: processes, threads, memory, mappings. What a box's memory does not suffice
 * for is skipped in it: tests/host/load.t has boxes with more.
 */
#include "tap.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static int number_in(const char *path)
{
	char text[30];

	CHECK(slurp(path, text, sizeof(text)));
	return atoi(text);
}

static void needs_mib(unsigned long mib)
{
	struct sysinfo si;

	EQ(sysinfo(&si), 0);
	if ((si.freeram + si.bufferram) * si.mem_unit >> 20 < mib)
		SKIP("not enough free memory here");
}

/* All of them are there at once, and each is the process that it says. */
static void two_thousand_processes(void)
{
	enum { N = 2000 };
	static pid_t pid[N];
	int *n = map_anon(PAGE, MAP_SHARED), gate[2];
	pid_t *own = map_anon(N * sizeof(*own), MAP_SHARED);

	needs_mib(300);
	if (number_in("/proc/sys/kernel/threads-max") < N + 100)
		SKIP("kernel.threads-max is low here, as it is with little memory");
	EQ(pipe(gate), 0);
	for (int i = 0; i < N; i++) {
		pid[i] = FORK();
		if (!pid[i]) {
			char c;

			close(gate[1]);
			own[i] = getpid();
			__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
			EQ(read(gate[0], &c, 1), 0);
			_exit(i % 251);
		}
	}
	while (__atomic_load_n(n, __ATOMIC_SEQ_CST) < N)
		sched_yield();
	for (int i = 0; i < N; i++)
		EQ(own[i], pid[i]);
	EQ(close(gate[1]), 0);
	for (int i = 0; i < N; i++) {
		int st;

		EQ(waitpid(pid[i], &st, 0), pid[i]);
		EQ(st, (i % 251) << 8);
	}
	FAILS(wait(NULL), ECHILD);
}

/* Whoever refuses, the guest's kernel or what is below it, says so to the one that asked. */
static void spawned_until_refused(void)
{
	static char *argv[] = { "sleep", "600", NULL }, *none[] = { NULL };
	pid_t pid[300];
	int n, err = 0, st;

	for (n = 0; n < (int)ARRAY_SIZE(pid) && !err; n += !err)
		err = posix_spawn(&pid[n], "/bin/sleep", NULL, NULL, argv, none);
	CHECK(n > 0);
	CHECK(!err || err == EAGAIN);
	for (int i = 0; i < n; i++) {
		EQ(kill(pid[i], SIGKILL), 0);
		EQ(waitpid(pid[i], &st, 0), pid[i]);
		EQ(st, SIGKILL);
	}
	argv[1] = "0";
	EQ(posix_spawn(&pid[0], "/bin/sleep", NULL, NULL, argv, none), 0);
	CHILD_OK(pid[0]);
}

static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void *one_of_many(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&mutex);
		sum += (long)arg;
		pthread_mutex_unlock(&mutex);
		if (i % 5 == 0)
			sched_yield();
	}
	pthread_barrier_wait(&barrier);
	return arg;
}

static void five_hundred_threads(void)
{
	enum { N = 500 };
	static pthread_t t[N];
	pthread_attr_t attr;

	EQ(pthread_attr_init(&attr), 0);
	EQ(pthread_attr_setstacksize(&attr, 64 << 10), 0);
	EQ(pthread_barrier_init(&barrier, NULL, N), 0);
	for (int round = 0; round < 3; round++) {
		sum = 0;
		for (long i = 0; i < N; i++)
			EQ(pthread_create(&t[i], &attr, one_of_many, (void *)i), 0);
		for (long i = 0; i < N; i++) {
			void *end;

			EQ(pthread_join(t[i], &end), 0);
			EQ(end, i);
		}
		EQ(sum, 20L * N * (N - 1) / 2);
	}
}

/* The group ends at once, with all threads in the kernel or in user code. */
static void *for_ever(void *arg)
{
	pthread_barrier_wait(&barrier);
	while ((long)arg % 2)
		pause();
	for (;;)
		sched_yield();
	return NULL;
}

static void five_hundred_threads_die(void)
{
	enum { N = 500 };
	volatile int *up = map_anon(PAGE, MAP_SHARED);
	pid_t pid = FORK();
	int st;

	if (!pid) {
		pthread_attr_t attr;
		pthread_t t;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 64 << 10);
		pthread_barrier_init(&barrier, NULL, N + 1);
		for (long i = 0; i < N; i++)
			EQ(pthread_create(&t, &attr, for_ever, (void *)i), 0);
		pthread_barrier_wait(&barrier);
		*up = 1;
		pause();
	}
	while (!*up)
		sleep_ms(1);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
}

static void two_gib(void)
{
	size_t n = (2ul << 30) / PAGE, words = PAGE / sizeof(long);
	long *p;
	pid_t pid;

	needs_mib(2200);
	p = map_anon(n * PAGE, MAP_PRIVATE);
	for (size_t i = 0; i < n; i++)
		p[i * words + i % words] = i + 1;
	/* From the other end, since a cache of mappings likes neighbours. */
	for (size_t i = n; i--; )
		EQ(p[i * words + i % words], i + 1);
	pid = FORK();
	if (!pid) {
		for (size_t i = 0; i < n; i += 1000) {
			EQ(p[i * words + i % words], i + 1);
			p[i * words + i % words] = 0;
		}
		_exit(0);
	}
	CHILD_OK(pid);
	for (size_t i = 0; i < n; i++)
		EQ(p[i * words + i % words], i + 1);
}

/* Neighbours that differ in what they permit, so that they stay mappings of their own. */
static int *one_mapping(int i)
{
	return mmap(NULL, PAGE, i % 2 ? RW : RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int map_count(void)
{
	char line[400];
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

static void fifty_thousand_mappings(void)
{
	enum { N = 50000 };
	static int *p[N];
	pid_t pid;

	needs_mib(350);
	for (int i = 0; i < N; i++) {
		p[i] = one_mapping(i);
		CHECK(p[i] != MAP_FAILED);
		*p[i] = i;
	}
	CHECK(map_count() > N);
	for (int i = N; i--; )
		EQ(*p[i], i);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < N; i++) {
			EQ(*p[i], i);
			if (i % 50 == 0)
				*p[i] = -1;
		}
		_exit(0);
	}
	CHILD_OK(pid);
	for (int i = 0; i < N; i++)
		EQ((*p[i])++, i);
	for (int i = 0; i < N; i++)
		EQ(*p[i], i + 1);
	for (int i = 0; i < N; i += 2)
		EQ(munmap(p[i], PAGE), 0);
	for (int i = 1; i < N; i += 2)
		EQ(*p[i], i + 1);
}

/* Up to vm.max_map_count; then ENOMEM, and all goes on with what there is. */
static void no_more_mappings(void)
{
	static int *p[1 << 17];
	int n, max = number_in("/proc/sys/vm/max_map_count");
	pid_t pid;

	needs_mib(400);
	if (max > (int)ARRAY_SIZE(p))
		SKIP("vm.max_map_count is large here");
	for (n = 0; n < max + 10; n++) {
		p[n] = one_mapping(n);
		if (p[n] == MAP_FAILED)
			break;
		*p[n] = n;
	}
	EQ(errno, ENOMEM);
	CHECK(n > max - 200 && n <= max);
	for (int i = 0; i < n; i++)
		EQ(*p[i], i);
	FAILS((long)one_mapping(n), ENOMEM);
	EQ(munmap(p[--n], PAGE), 0);
	EQ(munmap(p[--n], PAGE), 0);
	p[n] = one_mapping(n);
	CHECK(p[n] != MAP_FAILED);
	*p[n] = n;
	pid = FORK();
	if (!pid) {
		for (int i = 0; i <= n; i++)
			EQ(*p[i], i);
		_exit(0);
	}
	CHILD_OK(pid);
	for (int i = 0; i <= n; i++)
		EQ(*p[i], i);
}

/*
 * One mapping, but each second page of it is gone: where the host has a mapping for each run of
 * pages, it comes to its limit in the midst of this, and can then not even unmap a page between
 * two.
 */
static void seventy_thousand_holes(void)
{
	size_t n = 140000, words = PAGE / sizeof(long);
	long *p;

	needs_mib(600);
	p = map_anon(n * PAGE, MAP_PRIVATE);
	for (size_t i = 0; i < n; i++)
		p[i * words] = i + 1;
	for (size_t i = 1; i < n; i += 2) {
		EQ(madvise(p + i * words, PAGE, MADV_DONTNEED), 0);
		EQ(p[i * words], 0);
	}
	for (size_t i = 0; i < n; i++)
		EQ(p[i * words], i % 2 ? 0 : i + 1);
}

static void *volatile missed;
static sigjmp_buf jump;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	missed = si->si_addr;
	siglongjmp(jump, 1);
}

static int faults(volatile long *p)
{
	missed = NULL;
	if (!sigsetjmp(jump, 1))
		*p = -1;
	return missed == p;
}

/* The same where fork and mprotect take permissions away. */
static void fork_among_holes(void)
{
	size_t n = 140000, words = PAGE / sizeof(long);
	int up[2], down[2];
	long *p;
	pid_t pid;
	char c;

	needs_mib(600);
	EQ(pipe(up), 0);
	EQ(pipe(down), 0);
	p = map_anon(n * PAGE, MAP_PRIVATE);
	for (size_t i = 0; i < n; i++)
		p[i * words] = i + 1;
	for (size_t i = 1; i < n; i += 2)
		EQ(madvise(p + i * words, PAGE, MADV_DONTNEED), 0);
	for (size_t i = 0; i < n; i += 2)
		EQ(p[i * words], i + 1);
	pid = FORK();
	if (!pid) {
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		for (size_t i = 0; i < n; i++)
			EQ(p[i * words], i % 2 ? 0 : i + 1);
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	for (size_t i = 0; i < 2000; i += 2) {
		EQ(p[i * words], i + 1);
		p[i * words] = -1;
	}
	EQ(write(down[1], "x", 1), 1);
	CHILD_OK(pid);
	on_signal(SIGSEGV, on_fault, 0);
	for (size_t i = 0; i < 2000; i += 2) {
		EQ(mprotect(p + i * words, PAGE, PROT_READ), 0);
		CHECK(faults(p + i * words));
		EQ(p[i * words], -1);
		EQ(mprotect(p + i * words, PAGE, RW), 0);
		CHECK(!faults(p + i * words));
	}
}

/* 0 to n - 1, each once, in an order of no pattern. */
static unsigned int *shuffled(unsigned int n)
{
	unsigned int *order = malloc(n * sizeof(*order)), seed = 1, i, j, t;

	CHECK(order);
	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		j = rand_r(&seed) % i;
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
	return order;
}

/*
 * Pages of memory that is touched in such an order; each has its number in it, elsewhere in each.
 */
struct pages {
	unsigned long *p;
	unsigned int *order, n, first, step;
};

static unsigned long *word(const struct pages *a, unsigned int i)
{
	return a->p + i * (PAGE / sizeof(long)) + i % (PAGE / sizeof(long));
}

static void touch(const struct pages *a)
{
	for (unsigned int i = a->first; i < a->n; i += a->step)
		*word(a, a->order[i]) = a->order[i] + 1ul;
}

static void *verify(void *arg)
{
	const struct pages *a = arg;

	for (unsigned int i = a->first; i < a->n; i += a->step)
		EQ(*word(a, a->order[i]), a->order[i] + 1ul);
	return NULL;
}

static struct pages pages_touched(unsigned int n, int flags)
{
	struct pages a = { map_anon(n * PAGE, flags), shuffled(n), n, 0, 1 };

	madvise(a.p, n * PAGE, MADV_NOHUGEPAGE);	/* where there are huge pages */
	return a;
}

/*
 * Four threads go through it, each in its own part of the order, while the first one forks and
 * writes.
 */
static void random_touches(void)
{
	struct pages a = pages_touched(100000, MAP_PRIVATE), part[4];
	pthread_t t[ARRAY_SIZE(part)];
	pid_t pid;

	needs_mib(450);
	touch(&a);
	for (unsigned int i = 0; i < ARRAY_SIZE(part); i++) {
		part[i] = a;
		part[i].first = i;
		part[i].step = ARRAY_SIZE(part);
		EQ(pthread_create(&t[i], NULL, verify, &part[i]), 0);
	}
	touch(&a);
	pid = FORK();
	if (!pid) {
		a.first = 7;
		a.step = 50;
		verify(&a);
		for (unsigned int i = 0; i < a.n; i += 50)
			*word(&a, a.order[i]) = 0;
		_exit(0);
	}
	touch(&a);
	CHILD_OK(pid);
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++)
		EQ(pthread_join(t[i], NULL), 0);
	verify(&a);
}

/* Memory that two processes have, and that each of them touches half of. */
static void shared_touches(void)
{
	struct pages a = pages_touched(100000, MAP_SHARED);
	int done[2], go[2];
	pid_t pid;
	char c;

	needs_mib(450);
	EQ(pipe(done), 0);
	EQ(pipe(go), 0);
	a.step = 2;
	pid = FORK();
	if (!pid) {
		a.first = 1;
		touch(&a);
		EQ(write(done[1], "x", 1), 1);
		EQ(read(go[0], &c, 1), 1);
		a.first = 0;
		for (int i = 0; i < 3; i++)
			verify(&a);
		_exit(0);
	}
	touch(&a);
	EQ(read(done[0], &c, 1), 1);
	EQ(write(go[1], "x", 1), 1);
	a.step = 1;
	for (int i = 0; i < 3; i++)
		verify(&a);
	CHILD_OK(pid);
}

/* A page here and there in 50 GB: more places than the host has mappings, none near another one. */
static void sparse_touches(void)
{
	enum { N = 70000 };
	size_t range = 50ul << 30;
	unsigned long *p = mmap(NULL, range, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned int *order = shuffled(N);

	needs_mib(440);
	CHECK(p != MAP_FAILED);
	madvise(p, range, MADV_NOHUGEPAGE);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++) {
			unsigned long *at = p + range / N / PAGE * order[i] * (PAGE / sizeof(long)) + i % 512;

			EQ(*at, round ? i + round : 0);
			*at = i + round + 1;
		}
	EQ(munmap(p, range), 0);
}

/* For tests/host/memory.t, which looks at it from outside until its input ends. */
static void touched_and_held(void)
{
	struct pages a = pages_touched(100000, MAP_PRIVATE);
	char c;

	needs_mib(450);
	touch(&a);
	verify(&a);
	printf("# touched\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	verify(&a);
}

/* What follows is for a kernel that is nobody else's. */
static void needs_box(void)
{
	if (!getenv("KBOX_HOST_PID"))
		SKIP("only in a box");
}

static void *eat(void *arg)
{
	for (;;)
		memset(map_anon(1 << 20, MAP_PRIVATE), 1, 1 << 20);
	return arg;
}

/* It takes those that eat it all, one after the other, and nobody else. */
static void out_of_memory(void)
{
	enum { N = 8, SIZE = 8 << 20 };
	unsigned char *mine = map_anon(SIZE, MAP_PRIVATE);
	pid_t pid[N];

	needs_box();
	for (int i = 0; i < SIZE; i++)
		mine[i] = i / 7;
	for (int i = 0; i < N; i++) {
		pid[i] = FORK();
		if (!pid[i]) {
			pthread_t t;

			if (i % 2)
				pthread_create(&t, NULL, eat, NULL);
			eat(NULL);
		}
	}
	for (int i = 0; i < N; i++) {
		int st;

		EQ(waitpid(pid[i], &st, 0), pid[i]);
		EQ(st, SIGKILL);
	}
	for (int i = 0; i < SIZE; i++)
		EQ(mine[i], (unsigned char)(i / 7));
}

/*
 * A write to every tenth page has all of them made while there is much memory. They are not in the
 * way of who needs memory afterwards, and read as zeros when they have been given back.
 */
static void pages_nobody_asked_for(void)
{
	enum { EVERY = 10 };
	struct sysinfo si;
	size_t n, more;
	char *p, *q;

	needs_box();
	EQ(sysinfo(&si), 0);
	n = si.freeram * si.mem_unit / PAGE / 10 * 9;
	more = si.freeram * si.mem_unit / 10 * 6;
	p = map_anon(n * PAGE, MAP_PRIVATE);
	for (size_t i = 0; i < n; i += EVERY)
		p[i * PAGE] = i % 100 + 1;
	q = map_anon(more, MAP_PRIVATE);
	memset(q, 1, more);
	for (size_t i = 0; i < n; i++)
		EQ(p[i * PAGE], i % EVERY ? 0 : (int)(i % 100 + 1));
	for (size_t i = 0; i < more; i += PAGE)
		EQ(q[i], 1);
}

/* More processes than there is room for, for some seconds; then it is as if they had never been. */
static void fork_bomb(void)
{
	double end = seconds() + 5;
	pid_t pid;
	int st;

	needs_box();
	pid = FORK();
	if (!pid) {
		setpgid(0, 0);
		for (;;)
			if (fork() < 0)
				sched_yield();
			else
				map_anon(1 << 20, MAP_PRIVATE | MAP_POPULATE);
	}
	while (seconds() < end)
		sleep_ms(10);
	kill(-pid, SIGKILL);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
	while (!kill(-pid, SIGKILL))
		sleep_ms(10);
	EQ(errno, ESRCH);
	pid = FORK();
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

/* All processes write to all of its pages, which come and go. */
static void file_larger_than_memory(void)
{
	enum { N = 4, ROUNDS = 3 };
	struct statvfs fs;
	struct sysinfo si;
	long buf[PAGE / sizeof(long)], *p;
	size_t pages;
	int fd;

	EQ(sysinfo(&si), 0);
	pages = si.totalram * si.mem_unit / PAGE * 3 / 2;
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	EQ(fstatvfs(fd, &fs), 0);
	if (pages > 50000 || fs.f_bavail * fs.f_bsize / PAGE < pages * 11 / 10)
		SKIP("too much memory here");
	EQ(ftruncate(fd, pages * PAGE), 0);
	p = mmap(NULL, pages * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < N; i++)
		if (!FORK()) {
			for (int round = 0; round < ROUNDS; round++)
				for (size_t j = 0; j < pages; j++) {
					volatile long *mine = p + (round % 2 ? pages - j - 1 : j) * ARRAY_SIZE(buf) + i;

					EQ(*mine, round);
					*mine = round + 1;
				}
			_exit(0);
		}
	for (int i = 0; i < N; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
	for (size_t j = 0; j < pages; j++) {
		EQ(pread(fd, buf, PAGE, j * PAGE), PAGE);
		for (int i = 0; i < N; i++)
			EQ(buf[i], ROUNDS);
		EQ(buf[N], 0);
	}
}

static void tell(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0);
	EQ(write(fd, what, strlen(what)), strlen(what));
	EQ(close(fd), 0);
}

static void touch_up_to(unsigned long limit)
{
	char *p = map_anon(limit, MAP_PRIVATE);

	while ((unsigned long)number_in("cg/t/memory.current") < limit - 8 * PAGE) {
		*p = 1;
		p += PAGE;
	}
}

/* All control groups, in cg, with this controller for their children. */
static void mount_cgroups(const char *controller)
{
	EQ(mkdir("cg", 0700), 0);
	if (mount("none", "cg", "cgroup2", 0, NULL))
		SKIP("no cgroup2");
	tell("cg/cgroup.subtree_control", controller);
}

/*
 * Nobody is killed for memory that he has not touched: these go on to a few pages before the limit.
 */
static void up_to_the_limit_of_a_cgroup(void)
{
	char text[30], events[500];

	mount_cgroups("+memory");
	for (unsigned long limit = 8 << 20; limit < (8 << 20) + 64 * PAGE; limit += 7 * PAGE) {
		pid_t pid;

		EQ(mkdir("cg/t", 0700), 0);
		snprintf(text, sizeof(text), "%lu", limit);
		tell("cg/t/memory.max", text);
		pid = FORK();
		if (!pid) {
			tell("cg/t/cgroup.procs", "0");
			touch_up_to(limit);
			_exit(0);
		}
		CHILD_OK(pid);
		CHECK(slurp("cg/t/memory.events", events, sizeof(events)));
		CHECK(strstr(events, "\noom_kill 0\n"));
		EQ(rmdir("cg/t"), 0);
	}
	EQ(umount("cg"), 0);
}

static void *burns(void *arg)
{
	for (;;)
		;
	return arg;
}

static long usage(const char *stat, const char *key)
{
	char text[1000], *p;

	CHECK(slurp(stat, text, sizeof(text)) > 0);
	p = strstr(text, key);
	CHECK(p);
	return atol(p + strlen(key));
}

/* cpu.max is for user code as well, of all threads and of groups in the group. */
static void limit_of_cpu_time(void)
{
	double start;
	pid_t pid;

	mount_cgroups("+cpu");
	EQ(mkdir("cg/t", 0700), 0);
	tell("cg/t/cgroup.subtree_control", "+cpu");
	EQ(mkdir("cg/t/u", 0700), 0);
	tell("cg/t/cpu.max", "10000 100000");
	pid = FORK();
	if (!pid) {
		pthread_t t;

		tell("cg/t/u/cgroup.procs", "0");
		EQ(pthread_create(&t, NULL, burns, NULL), 0);
		burns(NULL);
	}
	start = seconds();
	while (usage("cg/t/cpu.stat", "nr_throttled ") < 10)
		sleep_ms(10);
	CHECK(usage("cg/t/cpu.stat", "usage_usec ") / 1e6 < (seconds() - start) / 2);
	CHECK(usage("cg/t/cpu.stat", "user_usec ") > 10000);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
	EQ(rmdir("cg/t/u"), 0);
	EQ(rmdir("cg/t"), 0);
	EQ(umount("cg"), 0);
}

static const struct test tests[] = {
	T(two_thousand_processes), T(spawned_until_refused), T(five_hundred_threads), T(five_hundred_threads_die), T(two_gib),
	T(fifty_thousand_mappings), T(no_more_mappings), T(seventy_thousand_holes), T(fork_among_holes), T(random_touches), T(shared_touches), T(sparse_touches),
	T(touched_and_held), T(out_of_memory), T(pages_nobody_asked_for), T(fork_bomb),
	T(up_to_the_limit_of_a_cgroup), T(limit_of_cpu_time), T(file_larger_than_memory),
};
MAIN(tests)
