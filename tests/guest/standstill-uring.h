/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_URING_H
#define STANDSTILL_URING_H
/* A ring of requests, as iouring.c has it in short. */
#include "standstill.h"
#include "iouring.h"

enum { URING_NOP = 0, URING_TIMEOUT = 11, URING_READ = 22 };
enum { SQPOLL = 2, GETEVENTS = 1, WAKEUP = 2, NEEDS_WAKEUP = 1, ASYNC = 16 };

static struct params par;
static int ring;
static char *sq, *cq;
static struct sqe *sqes;

#define SQ(f) (*(volatile uint32_t *)(sq + par.sq.f))
#define CQ(f) (*(volatile uint32_t *)(cq + par.cq.f))

static void *map_ring(size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	CHECK(p != MAP_FAILED);
	return p;
}

static void setup_ring(unsigned flags)
{
	par.flags = flags;
	par.thread_idle = 5;
	ring = syscall(SYS_io_uring_setup, 8, &par);
	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		lacks("no io_uring");
	CHECK(ring >= 0);
	sq = map_ring(par.sq.array + par.sq_entries * 4, 0);
	cq = map_ring(par.cq.cqes + par.cq_entries * sizeof(struct cqe), 0x8000000);
	sqes = map_ring(par.sq_entries * sizeof(struct sqe), 0x10000000);
}

static void submit(struct sqe s)
{
	uint32_t tail = SQ(tail), i = tail & SQ(mask), polled = par.flags & SQPOLL;
	long ret;

	sqes[i] = s;
	((volatile uint32_t *)(sq + par.sq.array))[i] = i;
	__atomic_store_n(&SQ(tail), tail + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (polled && !(SQ(flags) & NEEDS_WAKEUP))
		return;
	do
		ret = syscall(SYS_io_uring_enter, ring, 1, 0, polled ? WAKEUP : 0, NULL, 0);
	while (ret < 0 && errno == EINTR);
	EQ(ret, 1);
}

static struct cqe complete(void)
{
	uint32_t head = CQ(head);
	struct cqe c;

	while (__atomic_load_n(&CQ(tail), __ATOMIC_ACQUIRE) == head)
		if (syscall(SYS_io_uring_enter, ring, 0, 1, GETEVENTS, NULL, 0) < 0)
			EQ(errno, EINTR);
	c = ((struct cqe *)(cq + par.cq.cqes))[head & CQ(mask)];
	__atomic_store_n(&CQ(head), head + 1, __ATOMIC_RELEASE);
	return c;
}

static void complete_all(uint64_t first, int n, const int *res)
{
	unsigned seen = 0;

	while (seen != (1u << n) - 1) {
		struct cqe c = complete();

		CHECK(c.user_data >= first && c.user_data < first + n);
		CHECK(!(seen & 1u << (c.user_data - first)));
		EQ(c.res, res[c.user_data - first]);
		seen |= 1u << (c.user_data - first);
	}
}

/* A timeout, a read that another task does, and one that does nothing. */
static void use_ring(unsigned flags)
{
	int p[2], res[] = { -ETIME, 1, 0 };
	uint64_t data = 1;
	char c;

	setup_ring(flags);
	EQ(pipe(p), 0);
	for (; goes_on(); data += 3) {
		struct { int64_t sec, nsec; } t = { 0, dice(3000000) };

		c = 0;
		submit((struct sqe) { .opcode = URING_TIMEOUT, .fd = -1, .addr = (uintptr_t)&t,
				.len = 1, .user_data = data });
		submit((struct sqe) { .opcode = URING_READ, .flags = dice(2) ? ASYNC : 0,
				.fd = p[0], .addr = (uintptr_t)&c, .len = 1,
				      .off = -1, .user_data = data + 1 });
		submit((struct sqe) { .opcode = URING_NOP, .user_data = data + 2 });
		sleep_us(dice(2000));
		EQ(write(p[1], "u", 1), 1);
		complete_all(data, 3, res);
		EQ(c, 'u');
	}
}

static void uring(void)
{
	use_ring(0);
}

static void uring_polled(void)
{
	use_ring(SQPOLL);
}

#endif
