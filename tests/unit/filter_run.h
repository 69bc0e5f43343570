/* SPDX-License-Identifier: GPL-2.0-only */
/* The guests' filter, run here: what test_filter*.c share. */
#ifndef TEST_FILTER_H
#define TEST_FILTER_H

#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include "arch.h"
#include "filter.h"
#include "hostcalls.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define START 0x700000123450UL
#define END 0x700000123980UL
#define X32_BIT 0x40000000
#define MEMORY 7
#define NULL_FD 9
#define EPOLL 11
#define VOLUMES 20
#define WRITTEN 23		/* to VOLUMES_END */
#define VOLUMES_END 26
#define ALL_GIVEN (WITH_FILES | WITH_MAPS | WITH_SOCKETS | WITH_NAMES | WITH_VOLUMES | WITH_WRITES | WITH_PATHS | WITH_UPPER | \
	WITH_OPENED)
#define REFUSED SECCOMP_RET_USER_NOTIF
#define ASKED SECCOMP_RET_TRACE		/* a broker, for a file of a volume; in truth that is another word */

static struct sock_filter prog[FILTER_MAX];
static size_t length;
static uint32_t paths = SECCOMP_RET_ALLOW;

static inline uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t word;

	assert_true(at % 4 == 0 && at + 4 <= sizeof(*d));
	memcpy(&word, (const char *)d + at, 4);
	return word;
}

/*
 * One instruction of those that filters are made of (kernel: net/core/filter.c); the next one's
 * place.
 */
static inline size_t step(const struct sock_filter *f, size_t pc, uint32_t *a, const struct seccomp_data *d)
{
	int jump;

	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		*a = load(d, f->k);
		return pc + 1;
	case BPF_ALU | BPF_AND | BPF_K:
		*a &= f->k;
		return pc + 1;
	case BPF_JMP | BPF_JA:
		return pc + 1 + f->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		jump = *a == f->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		jump = *a > f->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		jump = *a >= f->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		jump = (*a & f->k) != 0;
		break;
	default:
		fail_msg("instruction %zu: code %#x", pc, f->code);
		return 0;
	}
	return pc + 1 + (jump ? f->jt : f->jf);
}

static inline uint32_t decide(const struct seccomp_data *d)
{
	uint32_t a = 0;
	size_t pc = 0;

	for (;;) {
		assert_true(pc < length);
		if (prog[pc].code == (BPF_RET | BPF_K))
			return prog[pc].k;
		pc = step(&prog[pc], pc, &a, d);
	}
}

static struct filter_box box;

static inline void make(uint64_t start, uint64_t end, unsigned given)
{
	memset(prog, 0xff, sizeof(prog));
	box = (struct filter_box) {
		.start = start, .end = end, .given = given, .mem_fd = MEMORY, .null_fd = NULL_FD, .epoll_fd = EPOLL,
		.volumes = VOLUMES, .written = WRITTEN, .volumes_end = VOLUMES_END, .refused = REFUSED,
		.signals = SECCOMP_RET_ALLOW, .paths = paths,
	};
	length = make_filter(prog, &box);
}

static inline int set_up(void **state)
{
	(void)state;
	make(START, END, 0);
	return 0;
}

static inline uint32_t call(uint64_t ip, uint32_t arch, int nr)
{
	return decide(&(struct seccomp_data) { .nr = nr, .arch = arch, .instruction_pointer = ip });
}

static inline struct seccomp_data from_kernel(int nr, const uint64_t args[6])
{
	struct seccomp_data d = { .nr = nr, .arch = ARCH_AUDIT, .instruction_pointer = START };

	memcpy(d.args, args, sizeof(d.args));
	return d;
}

#define ASK(nr, ...) decide(&(struct seccomp_data) { nr, ARCH_AUDIT, START, { __VA_ARGS__ } })
#define PASSES(...) assert_int_equal(ASK(__VA_ARGS__), SECCOMP_RET_ALLOW)
#define REFUSES(...) assert_int_equal(ASK(__VA_ARGS__), REFUSED)

static inline uint64_t right(const struct check *c, int i)
{
	switch (c->fd) {
	case FD_MEMORY:
	case FD_CLOSES:
		return MEMORY;
	case FD_OPENED:
		return EPOLL;
	case FD_NULL:
		return NULL_FD;
	case FD_VOLUME:
	case FD_WRITTEN:
		return VOLUMES_END - 1;
	default:
		return c->value[i];
	}
}

static inline uint64_t random_word(void)
{
	uint64_t word = (uint64_t)random() << 33 ^ (uint64_t)random() << 2 ^ random();

	return word >> random() % 64;
}

/* One of the values that some check of the call has, with a bit changed or not. */
static inline uint64_t random_arg(int nr, int arg)
{
	const struct form *f = &host_calls[random() % nhost_calls];
	uint64_t word = random_word();

	for (size_t tries = 0; f->nr != nr && tries < nhost_calls; tries++)
		f = &host_calls[(f - host_calls + 1) % nhost_calls];
	for (int c = 0; f->nr == nr && c < CHECKS_MAX && f->check[c].nvalues; c++)
		if (f->check[c].arg == arg)
			word = right(&f->check[c], random() % f->check[c].nvalues);
	return random() % 8 ? word : word ^ 1UL << random() % 64;
}

#endif
