// SPDX-License-Identifier: GPL-2.0-only
/* Between processes: SysV and POSIX IPC, futexes. */
#include "tap.h"
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, LOCK_PI = 6, UNLOCK_PI, WAIT_BITSET = 9, WAKE_BITSET, PRIVATE = 128 };

static long futex(volatile int *word, int op, int val, const void *timeout, volatile int *word2, int val3)
{
	return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

/* Sets of the system outlive a test that fails: take them away in any case. */
static int shm_id = -1, sem_id = -1, msg_id = -1;

static void need(int id)
{
	if (id < 0 && errno == ENOSYS)
		SKIP("no SysV IPC here");
	CHECK(id >= 0);
}

static void sysv_memory(void)
{
	struct shmid_ds ds;
	int *a, *b;
	pid_t pid;

	shm_id = shmget(IPC_PRIVATE, 65536, IPC_CREAT | 0600);
	need(shm_id);
	a = shmat(shm_id, NULL, 0);
	CHECK(a != (void *)-1);
	b = shmat(shm_id, NULL, SHM_RDONLY);
	CHECK(b != (void *)-1);
	EQ(shmctl(shm_id, IPC_RMID, NULL), 0);
	EQ(a[100], 0);
	a[100] = 5;
	EQ(b[100], 5);
	pid = FORK();
	if (!pid) {
		EQ(a[100], 5);
		a[101] = 6;
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(b[101], 6);
	EQ(shmctl(shm_id, IPC_STAT, &ds), 0);
	EQ(ds.shm_nattch, 2);
	EQ(ds.shm_segsz, 65536);
	EQ(shmdt(a), 0);
	EQ(b[101], 6);
	EQ(shmdt(b), 0);
	FAILS(shmdt(b), EINVAL);
	FAILS(shmctl(shm_id, IPC_STAT, &ds), EINVAL);
}

static void sysv_memory_by_key(void)
{
	key_t key = 0x6b620000 + getpid();
	pid_t pid;
	char *p;

	shm_id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
	need(shm_id);
	FAILS(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	FAILS(shmget(key, 8192, 0), EINVAL);
	pid = FORK();
	if (!pid) {
		p = shmat(shmget(key, 4096, 0), NULL, 0);
		strcpy(p, "by key");
		_exit(0);
	}
	CHILD_OK(pid);
	p = shmat(shm_id, NULL, 0);
	IS(p, "by key");
	EQ(shmctl(shm_id, IPC_RMID, NULL), 0);
	FAILS(shmget(key, 4096, 0), ENOENT);
}

static void sysv_semaphores(void)
{
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, 0 }, try = { 0, -1, IPC_NOWAIT };
	pid_t pid;

	sem_id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
	need(sem_id);
	EQ(semctl(sem_id, 0, SETVAL, 1), 0);
	EQ(semop(sem_id, &down, 1), 0);
	FAILS(semop(sem_id, &try, 1), EAGAIN);
	FAILS(semtimedop(sem_id, &down, 1, &(struct timespec) { 0, 20000000 }), EAGAIN);
	pid = FORK();
	if (!pid) {
		EQ(semop(sem_id, &down, 1), 0);
		EQ(semop(sem_id, &up, 1), 0);
		_exit(0);
	}
	SOON(semctl(sem_id, 0, GETNCNT) == 1);
	EQ(semop(sem_id, &up, 1), 0);
	CHILD_OK(pid);
	EQ(semctl(sem_id, 0, GETVAL), 1);
	EQ(semctl(sem_id, 0, GETPID), pid);
	down.sem_flg = SEM_UNDO;
	pid = FORK();
	if (!pid) {
		EQ(semop(sem_id, &down, 1), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(semctl(sem_id, 0, GETVAL), 1);
	pid = FORK();
	if (!pid) {
		struct sembuf zero = { 0, 0, 0 };

		FAILS(semop(sem_id, &zero, 1), EIDRM);
		_exit(0);
	}
	SOON(semctl(sem_id, 0, GETZCNT) == 1);
	EQ(semctl(sem_id, 0, IPC_RMID), 0);
	CHILD_OK(pid);
}

static void sysv_messages(void)
{
	struct { long type; char text[100]; } m = { 2, "two" };
	pid_t pid;

	msg_id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	need(msg_id);
	EQ(msgsnd(msg_id, &m, 4, 0), 0);
	m.type = 1;
	strcpy(m.text, "one");
	EQ(msgsnd(msg_id, &m, 4, 0), 0);
	EQ(msgrcv(msg_id, &m, 100, 1, 0), 4);
	IS(m.text, "one");
	FAILS(msgrcv(msg_id, &m, 2, 0, 0), E2BIG);
	EQ(msgrcv(msg_id, &m, 100, 0, 0), 4);
	IS(m.text, "two");
	EQ(m.type, 2);
	FAILS(msgrcv(msg_id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
	pid = FORK();
	if (!pid) {
		sleep_ms(30);
		m.type = 9;
		EQ(msgsnd(msg_id, &m, 100, 0), 0);
		_exit(0);
	}
	EQ(msgrcv(msg_id, &m, 100, 9, 0), 100);
	CHILD_OK(pid);
	EQ(msgctl(msg_id, IPC_RMID, NULL), 0);
}

static volatile int notified;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	notified = si->si_code == SI_MESGQ ? si->si_value.sival_int : -1;
}

static void posix_messages(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 3 };
	char name[50], buf[64];
	unsigned prio;
	struct timespec t;
	mqd_t q;
	pid_t pid;

	snprintf(name, sizeof(name), "/kbox-test-%d", getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a);
	if (q < 0 && errno == ENOSYS)
		SKIP("no POSIX message queues here");
	CHECK(q >= 0);
	EQ(mq_unlink(name), 0);
	EQ(mq_send(q, "low", 3, 1), 0);
	EQ(mq_send(q, "high", 4, 9), 0);
	EQ(mq_receive(q, buf, 64, &prio), 4);
	EQ(prio, 9);
	EQ(mq_receive(q, buf, 64, &prio), 3);
	clock_gettime(CLOCK_REALTIME, &t);
	FAILS(mq_timedreceive(q, buf, 64, &prio, &t), ETIMEDOUT);
	FAILS(mq_send(q, buf, 65, 0), EMSGSIZE);
	on_signal(SIGUSR1, note, SA_RESTART);
	EQ(mq_notify(q, &ev), 0);
	pid = FORK();
	if (!pid)
		_exit(mq_send(q, "x", 1, 0));
	CHILD_OK(pid);
	SOON(notified);
	EQ(notified, 3);
	EQ(mq_receive(q, buf, 64, &prio), 1);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 100; i++)
			EQ(mq_send(q, (char *)&i, sizeof(i), 0), 0);
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		EQ(mq_receive(q, buf, 64, NULL), sizeof(i));
		EQ(*(int *)memcpy(&prio, buf, 4), i);
	}
	CHILD_OK(pid);
}

static void posix_semaphores(void)
{
	struct { sem_t a, b; int n; } *s = map_anon(4096, MAP_SHARED);
	pid_t pid;

	EQ(sem_init(&s->a, 1, 0), 0);
	EQ(sem_init(&s->b, 1, 0), 0);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 1000; i++) {
			EQ(sem_wait(&s->a), 0);
			s->n++;
			EQ(sem_post(&s->b), 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		EQ(s->n, i);
		EQ(sem_post(&s->a), 0);
		EQ(sem_wait(&s->b), 0);
	}
	CHILD_OK(pid);
}

static void futex_values_and_timeouts(void)
{
	struct timespec t = { 0, 30000000 };
	double start = seconds();
	int word = 5;

	FAILS(futex(&word, WAIT, 4, NULL, NULL, 0), EAGAIN);
	FAILS(futex(&word, WAIT, 5, &t, NULL, 0), ETIMEDOUT);
	CHECK(seconds() - start >= 0.0299);
	FAILS(futex(&word, WAIT | PRIVATE, 5, &t, NULL, 0), ETIMEDOUT);
	CHECK(seconds() - start >= 0.0599);
	clock_gettime(CLOCK_MONOTONIC, &t);
	FAILS(futex(&word, WAIT_BITSET | PRIVATE, 5, &t, NULL, -1), ETIMEDOUT);
	EQ(futex(&word, WAKE, 100, NULL, NULL, 0), 0);
	FAILS(futex((int *)((char *)&word + 1), WAKE, 1, NULL, NULL, 0), EINVAL);
	FAILS(futex(&word, 99, 1, NULL, NULL, 0), ENOSYS);
}

static void futex_between_processes(void)
{
	volatile int *word = map_anon(4096, MAP_SHARED);
	int woken = 0;

	for (int i = 0; i < 4; i++)
		if (!FORK()) {
			__atomic_fetch_add(&word[1], 1, __ATOMIC_SEQ_CST);
			while (!word[0])
				futex(word, WAIT, 0, NULL, NULL, 0);
			_exit(0);
		}
	SOON(word[1] == 4);
	sleep_ms(30);
	SOON(woken == 2 || (woken += futex(word, WAKE, 2 - woken, NULL, NULL, 0)) == 2);
	EQ(woken, 2);
	word[0] = 1;
	futex(word, WAKE, INT_MAX, NULL, NULL, 0);
	for (int i = 0; i < 4; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
}

static void futex_in_a_file(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	volatile int *a, *b;
	pid_t pid;

	EQ(ftruncate(fd, 4096), 0);
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid = FORK();
	if (!pid) {
		b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDWR), 0);
		b[1] = 1;
		while (!b[0])
			futex(b, WAIT, 0, NULL, NULL, 0);
		_exit(b[0] != 7);
	}
	SOON(a[1]);
	sleep_ms(20);
	a[0] = 7;
	CHECK(futex(a, WAKE, 1, NULL, NULL, 0) >= 0);
	CHILD_OK(pid);
}

static volatile int words[3], tids[4];

static void *wait_on_first(void *arg)
{
	tids[(long)arg] = syscall(SYS_gettid);
	__atomic_fetch_add(&words[2], 1, __ATOMIC_SEQ_CST);
	futex(&words[0], WAIT | PRIVATE, 0, NULL, NULL, 0);
	__atomic_fetch_sub(&words[2], 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void futex_requeue(void)
{
	pthread_t t[4];
	long moved;

	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, wait_on_first, (void *)i), 0);
	SOON(words[2] == 4);
	for (int i = 0; i < 4; i++)
		SOON(sleeps_in_a_call(tids[i]));
	FAILS(futex(&words[0], CMP_REQUEUE | PRIVATE, 1, (void *)100, &words[1], 55), EAGAIN);
	moved = futex(&words[0], CMP_REQUEUE | PRIVATE, 1, (void *)100, &words[1], 0);
	EQ(moved, 4);
	SOON(words[2] == 3);
	EQ(futex(&words[0], WAKE | PRIVATE, 100, NULL, NULL, 0), 0);
	EQ(futex(&words[1], WAKE | PRIVATE, 100, NULL, NULL, 0), 3);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void *wait_bits(void *arg)
{
	tids[0] = syscall(SYS_gettid);
	EQ(futex(&words[0], WAIT_BITSET | PRIVATE, 0, NULL, NULL, 2), 0);
	return arg;
}

static void futex_bits(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, wait_bits, NULL), 0);
	SOON(tids[0] && sleeps_in_a_call(tids[0]));
	EQ(futex(&words[0], WAKE_BITSET | PRIVATE, 1, NULL, NULL, 4), 0);
	EQ(futex(&words[0], WAKE_BITSET | PRIVATE, 1, NULL, NULL, 6), 1);
	EQ(pthread_join(t, NULL), 0);
}

static void *lock_pi(void *arg)
{
	EQ(futex(&words[0], LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
	EQ(words[0] & 0x3fffffff, syscall(SYS_gettid));
	words[2] = 1;
	EQ(futex(&words[0], UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
	return arg;
}

static void futex_priority_inheritance(void)
{
	pthread_t t;

	words[0] = syscall(SYS_gettid);
	EQ(pthread_create(&t, NULL, lock_pi, NULL), 0);
	SOON((unsigned)words[0] & 0x80000000);
	sleep_ms(20);
	EQ(words[2], 0);
	FAILS(futex(&words[0], LOCK_PI | PRIVATE, 0, NULL, NULL, 0), EDEADLK);
	EQ(futex(&words[0], UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(words[2], 1);
	FAILS(futex(&words[0], UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EPERM);
}

static void mutex_with_inheritance(void)
{
	pthread_mutex_t *m = map_anon(4096, MAP_SHARED);
	pthread_mutexattr_t a;
	pid_t pid;

	EQ(pthread_mutexattr_init(&a), 0);
	if (pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT))
		SKIP("this libc has no such mutexes");
	EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	EQ(pthread_mutex_init(m, &a), 0);
	EQ(pthread_mutex_lock(m), 0);
	pid = FORK();
	if (!pid) {
		EQ(pthread_mutex_trylock(m), EBUSY);
		EQ(pthread_mutex_lock(m), 0);
		EQ(pthread_mutex_unlock(m), 0);
		_exit(0);
	}
	sleep_ms(30);
	EQ(waitpid(pid, NULL, WNOHANG), 0);
	EQ(pthread_mutex_unlock(m), 0);
	CHILD_OK(pid);
}

struct robust_head { void *list; long offset; void *pending; };

static void robust_list(void)
{
	struct { void *next; volatile int word; } *m = map_anon(4096, MAP_SHARED);
	struct robust_head *got;
	size_t len;
	pid_t pid = FORK();
	int st;

	if (!pid) {
		static struct robust_head head;

		head.list = m;
		head.offset = (char *)&m->word - (char *)m;
		m->next = &head;
		m->word = syscall(SYS_gettid);
		EQ(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
		EQ(syscall(SYS_get_robust_list, 0, &got, &len), 0);
		CHECK(got == &head && len == sizeof(head));
		kill(getpid(), SIGKILL);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
	EQ(m->word & 0x40000000, 0x40000000);
	EQ(m->word & 0x3fffffff, 0);
}

/* A waiter gets the lock of one who died with it. */
static void robust_list_wakes(void)
{
	struct { void *next; volatile int word, ready; } *m = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK(), waiter;
	int st, held;

	if (!pid) {
		static struct robust_head head;

		head.list = m;
		head.offset = (char *)&m->word - (char *)m;
		m->next = &head;
		m->word = syscall(SYS_gettid) | 0x80000000;
		EQ(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
		m->ready = 1;
		for (;;)
			pause();
	}
	SOON(m->ready);
	held = m->word;
	waiter = FORK();
	if (!waiter) {
		m->ready = 2;
		while (m->word == held)
			futex(&m->word, WAIT, held, NULL, NULL, 0);
		EQ(m->word & 0x40000000, 0x40000000);
		_exit(0);
	}
	SOON(m->ready == 2);
	sleep_ms(30);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	CHILD_OK(waiter);
}

static void robust_mutex(int protocol)
{
	struct { pthread_mutex_t m; volatile int held; } *s = map_anon(4096, MAP_SHARED);
	pthread_mutexattr_t a;
	pid_t pid;
	int st;

	EQ(pthread_mutexattr_init(&a), 0);
	EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	if (pthread_mutexattr_setprotocol(&a, protocol))
		SKIP("this libc has no such mutexes");
	EQ(pthread_mutex_init(&s->m, &a), 0);
	pid = FORK();
	if (!pid) {
		EQ(pthread_mutex_lock(&s->m), 0);
		s->held = 1;
		sleep_ms(50);
		kill(getpid(), SIGKILL);
	}
	SOON(s->held);
	EQ(pthread_mutex_lock(&s->m), EOWNERDEAD);
	EQ(pthread_mutex_consistent(&s->m), 0);
	EQ(pthread_mutex_unlock(&s->m), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
	EQ(pthread_mutex_lock(&s->m), 0);
	EQ(pthread_mutex_unlock(&s->m), 0);
}

static void robust_mutexes(void)
{
	robust_mutex(PTHREAD_PRIO_NONE);
}

static void robust_mutexes_with_inheritance(void)
{
	robust_mutex(PTHREAD_PRIO_INHERIT);
}

static void *wake_last(void *arg)
{
	sleep_ms(40);
	words[1] = 1;
	CHECK(futex(&words[1], WAKE | PRIVATE, 1, NULL, NULL, 0) >= 0);
	return arg;
}

static void futex_of_several(void)
{
	struct { uint64_t val, addr; uint32_t flags, pad; } w[2] = {
		{ 0, (uintptr_t)&words[0], 0x82 /* 32 bits, private */, 0 }, { 0, (uintptr_t)&words[1], 0x82, 0 },
	};
	struct timespec t;
	pthread_t th;
	long r;

	clock_gettime(CLOCK_MONOTONIC, &t);
	r = syscall(449 /* futex_waitv */, w, 2, 0, &t, CLOCK_MONOTONIC);
	if (r < 0 && errno == ENOSYS)
		SKIP("no futex_waitv here");
	EQ(r, -1);
	EQ(errno, ETIMEDOUT);
	EQ(pthread_create(&th, NULL, wake_last, NULL), 0);
	t.tv_sec += SOON_MS / 1000;
	r = syscall(449, w, 2, 0, &t, CLOCK_MONOTONIC);
	CHECK(r == 1 || (r < 0 && errno == EAGAIN));	/* EAGAIN: the wake came first */
	EQ(pthread_join(th, NULL), 0);
	FAILS(syscall(449, w, 2, 0, &t, CLOCK_MONOTONIC), EAGAIN);
	FAILS(syscall(449, w, 0, 0, &t, CLOCK_MONOTONIC), EINVAL);
}

static volatile int ended;

static void *woken_by_signal(void *arg)
{
	struct timespec t = { tap_seconds(), 0 };

	words[2] = 1;
	FAILS(futex(&words[0], WAIT | PRIVATE, 0, &t, NULL, 0), EINTR);
	ended = 1;
	return arg;
}

static void futex_interrupted(void)
{
	pthread_t t;

	on_signal(SIGUSR1, note, 0);
	EQ(pthread_create(&t, NULL, woken_by_signal, NULL), 0);
	SOON(words[2]);
	SOON(!pthread_kill(t, SIGUSR1) && (sleep_ms(20), ended));
	EQ(pthread_join(t, NULL), 0);
	EQ(notified, -1);
}

static void *ping(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		while (__atomic_load_n(&words[0], __ATOMIC_SEQ_CST) != 1)
			futex(&words[0], WAIT | PRIVATE, 0, NULL, NULL, 0);
		__atomic_store_n(&words[0], 0, __ATOMIC_SEQ_CST);
		futex(&words[0], WAKE | PRIVATE, 1, NULL, NULL, 0);
	}
	return arg;
}

static void futex_ping_pong(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, ping, NULL), 0);
	for (int i = 0; i < 5000; i++) {
		__atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
		futex(&words[0], WAKE | PRIVATE, 1, NULL, NULL, 0);
		while (__atomic_load_n(&words[0], __ATOMIC_SEQ_CST))
			futex(&words[0], WAIT | PRIVATE, 1, NULL, NULL, 0);
	}
	EQ(pthread_join(t, NULL), 0);
}

static const struct test tests[] = {
	T(sysv_memory), T(sysv_memory_by_key), T(sysv_semaphores), T(sysv_messages), T(posix_messages), T(posix_semaphores),
	T(futex_values_and_timeouts), T(futex_between_processes), T(futex_in_a_file), T(futex_requeue), T(futex_bits),
	T(futex_of_several), T(futex_interrupted), T(futex_priority_inheritance), T(mutex_with_inheritance), T(robust_list),
	T(robust_list_wakes), T(robust_mutexes), T(robust_mutexes_with_inheritance), T(futex_ping_pong),
};
MAIN(tests)
