// SPDX-License-Identifier: GPL-2.0-only
/* Threads: create, join, locks, TLS, cancellation, robust mutexes. */
#include "tap.h"
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile long counter;

#define OK(e) EQ((e), 0)

static void *twice(void *arg)
{
	return (void *)((long)arg * 2);
}

static void hundred_threads(void)
{
	pthread_t t[100];

	for (long i = 0; i < 100; i++)
		OK(pthread_create(&t[i], NULL, twice, (void *)i));
	for (long i = 0; i < 100; i++) {
		void *r;

		OK(pthread_join(t[i], &r));
		EQ((long)r, i * 2);
	}
}

static void thousand_in_turn(void)
{
	for (long i = 0; i < 1000; i++) {
		pthread_t t;
		void *r;

		OK(pthread_create(&t, NULL, twice, (void *)i));
		OK(pthread_join(t, &r));
		EQ((long)r, i * 2);
	}
}

static void *add(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void mutex(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		OK(pthread_create(&t[i], NULL, add, NULL));
	for (int i = 0; i < 8; i++)
		OK(pthread_join(t[i], NULL));
	EQ(counter, 160000);
}

static void *ping(void *arg)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 2000; i++) {
		while (counter % 2 != (long)arg)
			pthread_cond_wait(&cond, &lock);
		counter++;
		pthread_cond_broadcast(&cond);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void condition(void)
{
	pthread_t a, b;
	struct timespec t;

	OK(pthread_create(&a, NULL, ping, (void *)0));
	OK(pthread_create(&b, NULL, ping, (void *)1));
	OK(pthread_join(a, NULL));
	OK(pthread_join(b, NULL));
	EQ(counter, 4000);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 30000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	EQ(pthread_cond_timedwait(&cond, &lock, &t), ETIMEDOUT);
}

static __thread long tls = 55;

static void *tls_thread(void *arg)
{
	EQ(tls, 55);
	tls = (long)arg;
	for (int i = 0; i < 100; i++) {
		sched_yield();
		getppid();
		EQ(tls, (long)arg);
	}
	return &tls;
}

static void thread_local_storage(void)
{
	pthread_t t[10];
	void *r;

	tls = -1;
	for (long i = 0; i < 10; i++)
		OK(pthread_create(&t[i], NULL, tls_thread, (void *)(i + 100)));
	for (int i = 0; i < 10; i++) {
		OK(pthread_join(t[i], &r));
		CHECK(r != &tls);
	}
	EQ(tls, -1);
}

static sem_t sem;

static void *post(void *arg)
{
	sem_post(&sem);
	return arg;
}

static void detached(void)
{
	pthread_attr_t a;
	pthread_t t;

	OK(sem_init(&sem, 0, 0));
	OK(pthread_attr_init(&a));
	OK(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED));
	for (int i = 0; i < 50; i++)
		OK(pthread_create(&t, &a, post, NULL));
	for (int i = 0; i < 50; i++)
		OK(sem_wait(&sem));
	FAILS(sem_trywait(&sem), EAGAIN);
}

static pthread_mutex_t robust_lock;

static void *die_with_lock(void *arg)
{
	pthread_mutex_lock(&robust_lock);
	return arg;
}

static void robust_mutex(void)
{
	pthread_mutexattr_t a;
	pthread_t t;

	OK(pthread_mutexattr_init(&a));
	OK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	OK(pthread_mutex_init(&robust_lock, &a));
	OK(pthread_create(&t, NULL, die_with_lock, NULL));
	OK(pthread_join(t, NULL));
	EQ(pthread_mutex_lock(&robust_lock), EOWNERDEAD);
	OK(pthread_mutex_consistent(&robust_lock));
	OK(pthread_mutex_unlock(&robust_lock));
	OK(pthread_mutex_lock(&robust_lock));
}

static void robust_between_processes(void)
{
	pthread_mutex_t *m = map_anon(4096, MAP_SHARED);
	pthread_mutexattr_t a;
	pid_t pid;
	int st;

	OK(pthread_mutexattr_init(&a));
	OK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	OK(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	OK(pthread_mutex_init(m, &a));
	pid = FORK();
	if (!pid) {
		pthread_mutex_lock(m);
		kill(getpid(), SIGKILL);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(pthread_mutex_lock(m), EOWNERDEAD);
}

static void shared_mutex(void)
{
	struct { pthread_mutex_t m; long n; } *s = map_anon(4096, MAP_SHARED);
	pthread_mutexattr_t a;

	OK(pthread_mutexattr_init(&a));
	OK(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	OK(pthread_mutex_init(&s->m, &a));
	for (int i = 0; i < 4; i++)
		if (!FORK()) {
			for (int j = 0; j < 5000; j++) {
				pthread_mutex_lock(&s->m);
				s->n++;
				pthread_mutex_unlock(&s->m);
			}
			_exit(0);
		}
	for (int i = 0; i < 4; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
	EQ(s->n, 20000);
}

static int cleaned, channel[2];

static void clean(void *arg)
{
	cleaned = *(int *)arg;
}

static void *wait_in_read(void *arg)
{
	char c;

	pthread_cleanup_push(clean, arg);
	EQ(read(channel[0], &c, 1), 1);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_in_read(void)
{
	pthread_t t;
	int mark = 31;
	void *r;

	OK(pipe(channel));
	OK(pthread_create(&t, NULL, wait_in_read, &mark));
	sleep_ms(30);
	OK(pthread_cancel(t));
	OK(pthread_join(t, &r));
	CHECK(r == PTHREAD_CANCELED);
	EQ(cleaned, 31);
}

static void *wait_disabled(void *arg)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	sem_post(&sem);
	sleep_ms(50);
	counter = 1;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	pthread_testcancel();
	counter = 2;
	return arg;
}

static void cancel_disabled(void)
{
	pthread_t t;
	void *r;

	OK(sem_init(&sem, 0, 0));
	OK(pthread_create(&t, NULL, wait_disabled, NULL));
	OK(sem_wait(&sem));
	OK(pthread_cancel(t));
	OK(pthread_join(t, &r));
	CHECK(r == PTHREAD_CANCELED);
	EQ(counter, 1);
}

static void *spin_async(void *arg)
{
	int old;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	sem_post(&sem);
	for (;;)
		counter++;
	return arg;
}

static void cancel_a_busy_loop(void)
{
	pthread_t t;
	void *r;

	OK(sem_init(&sem, 0, 0));
	OK(pthread_create(&t, NULL, spin_async, NULL));
	OK(sem_wait(&sem));
	OK(pthread_cancel(t));
	OK(pthread_join(t, &r));
	CHECK(r == PTHREAD_CANCELED);
}

static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spinlock;
static long onces, spun;

static void do_once(void)
{
	onces++;
}

static void *all_locks(void *arg)
{
	for (int i = 0; i < 100; i++) {
		pthread_barrier_wait(&barrier);
		pthread_once(&once, do_once);
		pthread_rwlock_wrlock(&rw);
		counter++;
		pthread_rwlock_unlock(&rw);
		pthread_rwlock_rdlock(&rw);
		CHECK(counter > 0);
		pthread_rwlock_unlock(&rw);
		pthread_spin_lock(&spinlock);
		spun++;
		pthread_spin_unlock(&spinlock);
	}
	return arg;
}

static void barrier_rwlock_once_spin(void)
{
	pthread_t t[4];

	OK(pthread_barrier_init(&barrier, NULL, 4));
	OK(pthread_spin_init(&spinlock, 0));
	for (int i = 0; i < 4; i++)
		OK(pthread_create(&t[i], NULL, all_locks, NULL));
	for (int i = 0; i < 4; i++)
		OK(pthread_join(t[i], NULL));
	EQ(counter, 400);
	EQ(spun, 400);
	EQ(onces, 1);
}

static void *late_exit(void *arg)
{
	sleep_ms(50);
	_exit((long)arg);
}

static void main_thread_may_leave_first(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		pthread_t t;

		OK(pthread_create(&t, NULL, late_exit, (void *)8));
		pthread_exit(NULL);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 8 << 8);
}

static pthread_t handler_thread;

static void note_thread(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	handler_thread = pthread_self();
	sem_post(&sem);
}

static void *wait_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void signal_to_one_thread(void)
{
	pthread_t t[4];

	OK(sem_init(&sem, 0, 0));
	on_signal(SIGUSR1, note_thread, 0);
	for (int i = 0; i < 4; i++)
		OK(pthread_create(&t[i], NULL, wait_forever, NULL));
	for (int i = 3; i >= 0; i--) {
		OK(pthread_kill(t[i], SIGUSR1));
		while (sem_wait(&sem))
			;
		CHECK(pthread_equal(handler_thread, t[i]));
	}
}

static void *forker(void *arg)
{
	pid_t pid = FORK();

	if (!pid) {
		char text[4000];

		slurp("/proc/self/status", text, sizeof(text));
		CHECK(strstr(text, "\nThreads:\t1\n"));
		EQ(syscall(SYS_gettid), getpid());
		_exit(0);
	}
	CHILD_OK(pid);
	return arg;
}

static void fork_from_a_thread(void)
{
	pthread_t t, idle;

	OK(pthread_create(&idle, NULL, wait_forever, NULL));
	OK(pthread_create(&t, NULL, forker, NULL));
	OK(pthread_join(t, NULL));
}

static void *fork_loop(void *arg)
{
	for (int i = 0; i < 30; i++) {
		pid_t pid = FORK();

		if (!pid)
			_exit(i);
		int st;

		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, i << 8);
	}
	return arg;
}

static void fork_from_four_threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		OK(pthread_create(&t[i], NULL, fork_loop, NULL));
	for (int i = 0; i < 4; i++)
		OK(pthread_join(t[i], NULL));
}

static pthread_key_t key;

static void destroy(void *value)
{
	__atomic_fetch_add((long *)&counter, (long)value, __ATOMIC_SEQ_CST);
}

static void *use_key(void *arg)
{
	pthread_setspecific(key, arg);
	return NULL;
}

static void key_destructors(void)
{
	pthread_t t[5];

	OK(pthread_key_create(&key, destroy));
	for (long i = 0; i < 5; i++)
		OK(pthread_create(&t[i], NULL, use_key, (void *)(i + 1)));
	for (int i = 0; i < 5; i++)
		OK(pthread_join(t[i], NULL));
	EQ(counter, 15);
}

static void *tid_thread(void *arg)
{
	*(long *)arg = syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void thread_ids(void)
{
	long tid[3] = { 0 }, n = 0;
	pthread_t t[3];
	struct dirent *e;
	DIR *d;

	OK(pthread_barrier_init(&barrier, NULL, 4));
	for (int i = 0; i < 3; i++)
		OK(pthread_create(&t[i], NULL, tid_thread, &tid[i]));
	pthread_barrier_wait(&barrier);
	CHECK(tid[0] != tid[1] && tid[1] != tid[2] && tid[0] != tid[2] && tid[0] != getpid());
	d = opendir("/proc/self/task");
	CHECK(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	EQ(n, 4);
	OK(syscall(SYS_tgkill, getpid(), tid[0], 0));
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 3; i++)
		OK(pthread_join(t[i], NULL));
	/*
	 * It is joined when it has cleared its number, and goes on to its end then
	 * (CLONE_CHILD_CLEARTID).
	 */
	SOON(syscall(SYS_tgkill, getpid(), tid[0], 0) == -1 && errno == ESRCH);
}

static void *spin_until(void *arg)
{
	while (!counter)
		;
	return arg;
}

static void user_code_runs_beside_system_calls(void)
{
	pthread_t t;

	OK(pthread_create(&t, NULL, spin_until, NULL));
	for (int i = 0; i < 1000; i++)
		CHECK(getppid() > 0);
	counter = 1;
	OK(pthread_join(t, NULL));
}

static int wakeups[2];
static volatile int woken;

static void *wait_for_wakeups(void *arg)
{
	char c;

	while (read(wakeups[0], &c, 1) == 1)
		woken++;
	return arg;
}

/* Who has woken another one and computes on, without a call, is not in its way. */
static void the_woken_run_beside_the_waker(void)
{
	pthread_t t;

	EQ(pipe(wakeups), 0);
	OK(pthread_create(&t, NULL, wait_for_wakeups, NULL));
	for (int i = 1; i <= 50; i++) {
		EQ(write(wakeups[1], "", 1), 1);
		while (woken < i)
			;
	}
	EQ(close(wakeups[1]), 0);
	OK(pthread_join(t, NULL));
	EQ(woken, 50);
}

static void *overflow(void *arg)
{
	volatile char buf[4096];

	buf[0] = 1;
	return arg ? arg : (char *)overflow(arg) + buf[0];
}

static void stack_overflow_hits_the_guard(void)
{
	struct rlimit none = { 0, 0 };
	pid_t pid;
	int st;

	setrlimit(RLIMIT_CORE, &none);
	pid = FORK();
	if (!pid) {
		pthread_attr_t a;
		pthread_t t;

		pthread_attr_init(&a);
		pthread_attr_setstacksize(&a, 65536 * 2);
		pthread_create(&t, &a, overflow, NULL);
		pthread_join(t, NULL);
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
}

/*
 * Of two sides that each write their word and read the other's, one at least sees what the other
 * has written.
 */
static volatile int its_word __attribute__((aligned(64))), our_word __attribute__((aligned(64)));
static volatile int its_view, turn __attribute__((aligned(64)));
#define TURNS 20000

static void *its_side(void *arg)
{
	for (int i = 1; i <= TURNS; i++) {
		while (turn < i)
			;
		its_word = i;
		asm volatile("" ::: "memory");
		its_view = our_word;
		__atomic_store_n(&turn, -i, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void membarrier(void)
{
	enum { QUERY = 0, GLOBAL = 1, PRIVATE = 8, REGISTER = 16 };
	pthread_t t;
	pid_t pid;
	long all = syscall(SYS_membarrier, QUERY, 0, 0);

	CHECK(all > 0);
	EQ(all & (GLOBAL | PRIVATE | REGISTER), GLOBAL | PRIVATE | REGISTER);
	EQ(syscall(SYS_membarrier, GLOBAL, 0, 0), 0);
	FAILS(syscall(SYS_membarrier, PRIVATE, 0, 0), EPERM);
	FAILS(syscall(SYS_membarrier, PRIVATE, 1, 0), EINVAL);
	FAILS(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
	EQ(syscall(SYS_membarrier, REGISTER, 0, 0), 0);
	EQ(pthread_create(&t, NULL, its_side, NULL), 0);
	for (int i = 1; i <= TURNS; i++) {
		int ours;

		__atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
		our_word = i;
		EQ(syscall(SYS_membarrier, PRIVATE, 0, 0), 0);
		ours = its_word;
		while (turn != -i)
			;
		CHECK(ours == i || its_view == i);
	}
	EQ(pthread_join(t, NULL), 0);
	/* It goes on in a child, which need not ask again. */
	pid = FORK();
	if (!pid) {
		EQ(syscall(SYS_membarrier, PRIVATE, 0, 0), 0);
		_exit(0);
	}
	CHILD_OK(pid);
}

static const struct test tests[] = {
	T(hundred_threads), T(thousand_in_turn), T(mutex), T(condition), T(thread_local_storage), T(detached), T(robust_mutex),
	T(robust_between_processes), T(shared_mutex), T(cancel_in_read), T(cancel_disabled), T(cancel_a_busy_loop),
	T(barrier_rwlock_once_spin), T(main_thread_may_leave_first), T(signal_to_one_thread), T(fork_from_a_thread),
	T(fork_from_four_threads), T(key_destructors), T(thread_ids), T(user_code_runs_beside_system_calls),
	T(the_woken_run_beside_the_waker), T(stack_overflow_hits_the_guard), T(membarrier),
};
MAIN(tests)
