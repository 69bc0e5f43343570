// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring by its system calls: nop, links, files, pipes, timeouts, cancellation. The structures
 * are the kernel's.
 */
#include "tap.h"
#include "iouring.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { NOP, READV, WRITEV, FSYNC, READ_FIXED, WRITE_FIXED, POLL_ADD, POLL_REMOVE, TIMEOUT = 11, TIMEOUT_REMOVE, ACCEPT, CANCEL, LINK_TIMEOUT,
	OPENAT = 18, CLOSE, READ = 22, WRITE, SEND = 26, RECV };
enum { LINK = 4, ASYNC = 16 };
enum { GETEVENTS = 1 };

static int ring;
static struct params par;
static char *sq, *cq;
static struct sqe *sqes;

#define SQ(f) (*(volatile uint32_t *)(sq + par.sq.f))
#define CQ(f) (*(volatile uint32_t *)(cq + par.cq.f))

static void setup(unsigned entries)
{
	size_t size;

	ring = syscall(SYS_io_uring_setup, entries, &par);
	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP("no io_uring here");
	CHECK(ring >= 0);
	size = par.sq.array + par.sq_entries * 4;
	sq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, 0);
	CHECK(sq != MAP_FAILED);
	size = par.cq.cqes + par.cq_entries * sizeof(struct cqe);
	cq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0x8000000);
	CHECK(cq != MAP_FAILED);
	sqes = mmap(NULL, par.sq_entries * sizeof(struct sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0x10000000);
	CHECK(sqes != MAP_FAILED);
	EQ(SQ(entries), par.sq_entries);
	EQ(CQ(mask), par.cq_entries - 1);
}

static struct sqe *queue(int op, int fd, const void *addr, unsigned len, uint64_t off, uint64_t data)
{
	uint32_t tail = SQ(tail), i = tail & SQ(mask);
	struct sqe *s = &sqes[i];

	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->addr = (uintptr_t)addr;
	s->len = len;
	s->off = off;
	s->user_data = data;
	((volatile uint32_t *)(sq + par.sq.array))[i] = i;
	__atomic_store_n(&SQ(tail), tail + 1, __ATOMIC_RELEASE);
	return s;
}

static long enter(unsigned submit, unsigned wait)
{
	return syscall(SYS_io_uring_enter, ring, submit, wait, wait ? GETEVENTS : 0, NULL, 0);
}

/* The next completion, waited for. */
static struct cqe next(void)
{
	uint32_t head = CQ(head);
	struct cqe c;

	while (__atomic_load_n(&CQ(tail), __ATOMIC_ACQUIRE) == head)
		CHECK(enter(0, 1) >= 0);
	c = ((struct cqe *)(cq + par.cq.cqes))[head & CQ(mask)];
	__atomic_store_n(&CQ(head), head + 1, __ATOMIC_RELEASE);
	return c;
}

static void nop(void)
{
	struct cqe c;

	setup(8);
	queue(NOP, -1, NULL, 0, 0, 0x1234);
	EQ(enter(1, 1), 1);
	c = next();
	EQ(c.user_data, 0x1234);
	EQ(c.res, 0);
	EQ(CQ(head), CQ(tail));
}

static void thousands_of_nops(void)
{
	setup(32);
	for (uint64_t n = 0; n < 3200; n += 32) {
		for (int i = 0; i < 32; i++)
			queue(NOP, -1, NULL, 0, 0, n + i);
		EQ(enter(32, 32), 32);
		for (int i = 0; i < 32; i++)
			EQ(next().user_data, n + i);
	}
}

static void files(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	char in[20] = { 0 }, out[] = "by the ring";
	struct iovec v = { in, 5 };

	setup(8);
	queue(WRITE, fd, out, 11, 0, 1);
	EQ(enter(1, 1), 1);
	EQ(next().res, 11);
	queue(FSYNC, fd, NULL, 0, 0, 2);
	EQ(enter(1, 1), 1);
	EQ(next().res, 0);
	queue(READ, fd, in, 20, 0, 3);
	EQ(enter(1, 1), 1);
	EQ(next().res, 11);
	IS(in, "by the ring");
	queue(READV, fd, &v, 1, 3, 4);
	EQ(enter(1, 1), 1);
	EQ(next().res, 5);
	CHECK(!memcmp(in, "the r", 5));
	queue(READ, 999, in, 20, 0, 5);
	EQ(enter(1, 1), 1);
	EQ(next().res, -EBADF);
	queue(READ, fd, (void *)8, 20, 0, 6);
	EQ(enter(1, 1), 1);
	EQ(next().res, -EFAULT);
}

static void in_worker_threads(void)
{
	static char buf[16][4096], back[16][4096];
	int fd = open("f", O_CREAT | O_RDWR, 0644), seen = 0;

	setup(16);
	for (int i = 0; i < 16; i++) {
		memset(buf[i], 'a' + i, 4096);
		queue(WRITE, fd, buf[i], 4096, i * 4096, i)->flags = ASYNC;
	}
	EQ(enter(16, 16), 16);
	for (int i = 0; i < 16; i++)
		EQ(next().res, 4096);
	for (int i = 0; i < 16; i++)
		queue(READ, fd, back[i], 4096, i * 4096, i)->flags = ASYNC;
	EQ(enter(16, 16), 16);
	for (int i = 0; i < 16; i++) {
		struct cqe c = next();

		EQ(c.res, 4096);
		seen |= 1 << c.user_data;
	}
	EQ(seen, 0xffff);
	CHECK(!memcmp(buf, back, sizeof(buf)));
}

static void pipe_wakes_the_waiter(void)
{
	char c = 0;
	int p[2];
	pid_t pid;

	setup(4);
	EQ(pipe(p), 0);
	queue(READ, p[0], &c, 1, 0, 7);
	EQ(enter(1, 0), 1);
	EQ(CQ(head), CQ(tail));
	pid = FORK();
	if (!pid) {
		sleep_ms(50);
		EQ(write(p[1], "z", 1), 1);
		_exit(0);
	}
	EQ(next().res, 1);
	EQ(c, 'z');
	CHILD_OK(pid);
}

static void polls(void)
{
	int p[2];

	setup(4);
	EQ(pipe(p), 0);
	queue(POLL_ADD, p[0], NULL, 0, 0, 8)->op_flags = POLLIN;
	EQ(enter(1, 0), 1);
	sleep_ms(20);
	EQ(CQ(head), CQ(tail));
	EQ(write(p[1], "x", 1), 1);
	EQ(next().res, POLLIN);
}

static void links(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	char buf[4] = { 0 };
	struct cqe c[2];

	setup(8);
	queue(WRITE, fd, "abc", 3, 0, 1)->flags = LINK;
	queue(READ, fd, buf, 3, 0, 2);
	EQ(enter(2, 2), 2);
	c[0] = next(), c[1] = next();
	EQ(c[0].user_data, 1);
	EQ(c[1].res, 3);
	IS(buf, "abc");
	queue(READ, -1, buf, 3, 0, 3)->flags = LINK;
	queue(NOP, -1, NULL, 0, 0, 4);
	EQ(enter(2, 2), 2);
	c[0] = next(), c[1] = next();
	EQ(c[0].res, -EBADF);
	EQ(c[1].res, -ECANCELED);
}

static void timeouts(void)
{
	int64_t ts[2] = { 0, 50000000 };
	double start = seconds();

	setup(4);
	queue(TIMEOUT, -1, ts, 1, 0, 9);
	EQ(enter(1, 1), 1);
	EQ(next().res, -ETIME);
	CHECK(seconds() - start >= 0.0499);
}

/*
 * A timeout with a count ends with the completions; one can be taken back; one limits the entry
 * before it.
 */
static void more_timeouts(void)
{
	int64_t ts[2] = { 60, 0 }, soon[2] = { 0, 30000000 };
	struct cqe a, b;
	double start;
	int p[2];
	char c;

	setup(8);
	queue(TIMEOUT, -1, ts, 1, 1, 1);
	EQ(enter(1, 0), 1);
	EQ(CQ(head), CQ(tail));
	queue(NOP, -1, NULL, 0, 0, 2);
	EQ(enter(1, 2), 1);
	a = next(), b = next();
	EQ(a.user_data, 2);
	EQ(b.user_data, 1);
	EQ(b.res, 0);
	queue(TIMEOUT, -1, ts, 1, 0, 3);
	EQ(enter(1, 0), 1);
	queue(TIMEOUT_REMOVE, -1, (void *)3, 0, 0, 4);
	EQ(enter(1, 2), 1);
	a = next(), b = next();
	EQ(a.user_data == 3 ? a.res : b.res, -ECANCELED);
	EQ(a.user_data == 4 ? a.res : b.res, 0);
	EQ(pipe(p), 0);
	start = seconds();
	queue(READ, p[0], &c, 1, 0, 5)->flags = LINK;
	queue(LINK_TIMEOUT, -1, soon, 1, 0, 6);
	EQ(enter(2, 2), 2);
	a = next(), b = next();
	EQ(a.user_data == 5 ? a.res : b.res, -ECANCELED);
	EQ(a.user_data == 6 ? a.res : b.res, -ETIME);
	CHECK(seconds() - start >= 0.0299);
}

static void waits_with_a_limit(void)
{
	int64_t ts[2] = { 0, 30000000 };
	struct { uint64_t sigmask; uint32_t size, pad; uint64_t ts; } arg = { .ts = (uintptr_t)ts };
	double start;

	setup(4);
	if (!(par.features & 1 << 8))
		SKIP("no IORING_FEAT_EXT_ARG");
	start = seconds();
	FAILS(syscall(SYS_io_uring_enter, ring, 0, 1, GETEVENTS | 8, &arg, sizeof(arg)), ETIME);
	CHECK(seconds() - start >= 0.0299);
}

static void on_signal_noted(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
}

static void wait_interrupted(void)
{
	pid_t pid, parent = getpid();

	setup(4);
	on_signal(SIGUSR1, on_signal_noted, 0);
	pid = FORK();
	if (!pid)
		for (;;) {
			sleep_ms(20);
			kill(parent, SIGUSR1);
		}
	FAILS(enter(0, 1), EINTR);
	EQ(kill(pid, SIGKILL), 0);
	queue(NOP, -1, NULL, 0, 0, 5);
	EQ(enter(1, 0), 1);
	EQ(next().user_data, 5);
}

/* The kernel's own thread takes the entries. */
static void submission_thread(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	par.flags = 2;		/* SQPOLL */
	par.thread_idle = 50;
	setup(8);
	for (int i = 0; i < 50; i++) {
		queue(i % 2 ? NOP : WRITE, i % 2 ? -1 : fd, "spun", i % 2 ? 0 : 4, 4 * i, i);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (SQ(flags) & 1)	/* it sleeps */
			CHECK(syscall(SYS_io_uring_enter, ring, 1, 0, 2 /* wake */, NULL, 0) >= 0);
		SOON(__atomic_load_n(&CQ(tail), __ATOMIC_ACQUIRE) != CQ(head));
		EQ(next().res, i % 2 ? 0 : 4);
		if (i == 25)
			sleep_ms(150);
	}
	EQ(lseek(fd, 0, SEEK_END), 4 * 48 + 4);
	EQ(close(ring), 0);
}

static void event_descriptor(void)
{
	int ev = eventfd(0, 0), p[2];
	uint64_t n;
	char c;

	setup(8);
	EQ(syscall(SYS_io_uring_register, ring, 4 /* eventfd */, &ev, 1), 0);
	EQ(pipe(p), 0);
	queue(READ, p[0], &c, 1, 0, 1);
	EQ(enter(1, 0), 1);
	if (!FORK()) {
		sleep_ms(30);
		_exit(write(p[1], "x", 1) != 1);
	}
	EQ(read(ev, &n, 8), 8);
	CHECK(n >= 1);
	EQ(next().res, 1);
	EQ(c, 'x');
}

static void sockets(void)
{
	char buf[10] = { 0 };
	int s[2];

	setup(8);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	queue(RECV, s[0], buf, 10, 0, 1);
	EQ(enter(1, 0), 1);
	EQ(CQ(head), CQ(tail));
	queue(SEND, s[1], "by ring", 7, 0, 2)->flags = ASYNC;
	EQ(enter(1, 2), 1);
	EQ(next().res, 7);
	EQ(next().res, 7);
	IS(buf, "by ring");
}

static void bad_addresses(void)
{
	char *gone = map_anon(8192, MAP_PRIVATE);
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	setup(8);
	EQ(munmap(gone, 8192), 0);
	EQ(write(fd, "0123456789", 10), 10);
	for (int flags = 0; flags <= ASYNC; flags += ASYNC) {
		queue(READ, fd, gone, 10, 0, 1)->flags = flags;
		EQ(enter(1, 1), 1);
		EQ(next().res, -EFAULT);
		queue(WRITE, fd, gone, 10, 0, 2)->flags = flags;
		EQ(enter(1, 1), 1);
		EQ(next().res, -EFAULT);
		queue(READV, fd, gone, 1, 0, 3)->flags = flags;
		EQ(enter(1, 1), 1);
		EQ(next().res, -EFAULT);
		queue(READ, fd, (void *)(BOX_KERNEL + 0x1000), 10, 0, 4)->flags = flags;
		EQ(enter(1, 1), 1);
		EQ(next().res, -EFAULT);
		queue(OPENAT, AT_FDCWD, gone, 0, 0, 5)->flags = flags;
		EQ(enter(1, 1), 1);
		EQ(next().res, -EFAULT);
	}
	queue(200, -1, NULL, 0, 0, 6);
	EQ(enter(1, 1), 1);
	EQ(next().res, -EINVAL);
}

static void *blocked_reader(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) == 1 ? arg : NULL;
}

/*
 * Work in a worker, while the thread that gave it is blocked, and while others of the process run.
 */
static void worker_and_threads(void)
{
	int p[2], q[2];
	pthread_t t;
	void *r;
	char c = 0;

	setup(8);
	EQ(pipe(p), 0);
	EQ(pipe(q), 0);
	EQ(pthread_create(&t, NULL, blocked_reader, &q[0]), 0);
	queue(READ, p[0], &c, 1, 0, 1)->flags = ASYNC;
	EQ(enter(1, 0), 1);
	sleep_ms(30);
	EQ(CQ(head), CQ(tail));
	queue(WRITE, q[1], "q", 1, 0, 2)->flags = ASYNC;
	EQ(enter(1, 1), 1);
	EQ(next().user_data, 2);
	EQ(pthread_join(t, &r), 0);
	CHECK(r == &q[0]);
	EQ(write(p[1], "p", 1), 1);
	EQ(next().user_data, 1);
	EQ(c, 'p');
}

static void cancels(void)
{
	struct cqe a, b;
	char c;
	int p[2];

	setup(4);
	EQ(pipe(p), 0);
	queue(READ, p[0], &c, 1, 0, 10);
	EQ(enter(1, 0), 1);
	queue(CANCEL, -1, (void *)10, 0, 0, 11);
	EQ(enter(1, 2), 1);
	a = next(), b = next();
	EQ(a.user_data + b.user_data, 21);
	EQ(a.user_data == 10 ? a.res : b.res, -ECANCELED);
	EQ(a.user_data == 11 ? a.res : b.res, 0);
}

static void opens_and_closes(void)
{
	int fd;

	setup(4);
	queue(OPENAT, AT_FDCWD, "made", 0644, 0, 12)->op_flags = O_CREAT | O_WRONLY;
	EQ(enter(1, 1), 1);
	fd = next().res;
	CHECK(fd > 2);
	EQ(write(fd, "x", 1), 1);
	queue(CLOSE, fd, NULL, 0, 0, 13);
	EQ(enter(1, 1), 1);
	EQ(next().res, 0);
	FAILS(write(fd, "x", 1), EBADF);
	EQ(access("made", F_OK), 0);
}

static void registered(void)
{
	static char buf[8192] __attribute__((aligned(4096)));
	struct iovec v = { buf, sizeof(buf) };
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	setup(4);
	EQ(syscall(SYS_io_uring_register, ring, 0 /* buffers */, &v, 1), 0);
	memset(buf, 'r', 100);
	queue(WRITE_FIXED, fd, buf, 100, 0, 1);
	EQ(enter(1, 1), 1);
	EQ(next().res, 100);
	queue(READ_FIXED, fd, buf + 5000, 100, 0, 2);
	EQ(enter(1, 1), 1);
	EQ(next().res, 100);
	CHECK(!memcmp(buf, buf + 5000, 100));
	queue(READ_FIXED, fd, (char *)&v, 8, 0, 3);
	EQ(enter(1, 1), 1);
	EQ(next().res, -EFAULT);
	EQ(syscall(SYS_io_uring_register, ring, 1, NULL, 0), 0);
}

static void refusals(void)
{
	struct params p = { .flags = 0xf0000000 };

	setup(4);
	FAILS(syscall(SYS_io_uring_setup, 0, &p), EINVAL);
	FAILS(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
	FAILS(syscall(SYS_io_uring_setup, 4, NULL), EFAULT);
	FAILS(syscall(SYS_io_uring_enter, 0, 1, 0, 0, NULL, 0), EOPNOTSUPP);
	FAILS(syscall(SYS_io_uring_enter, 999, 1, 0, 0, NULL, 0), EBADF);
}

static void dies_with_work_in_flight(void)
{
	int p[2], st;
	pid_t pid;
	char c;

	setup(4);
	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		setup(4);
		queue(READ, p[0], &c, 1, 0, 1)->flags = ASYNC;
		CHECK(enter(1, 0) == 1);
		kill(getpid(), SIGKILL);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	SOON(write(p[1], "x", 1) < 0 && errno == EPIPE);
}

static const struct test tests[] = {
	T(nop), T(thousands_of_nops), T(files), T(in_worker_threads), T(pipe_wakes_the_waiter), T(polls), T(links), T(timeouts),
	T(more_timeouts), T(waits_with_a_limit), T(wait_interrupted), T(submission_thread), T(event_descriptor), T(sockets),
	T(bad_addresses), T(worker_and_threads), T(cancels), T(opens_and_closes), T(registered), T(refusals), T(dies_with_work_in_flight),
};
MAIN(tests)
