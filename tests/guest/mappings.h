/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of memory share (memory*.c): mappings, files of a known content, and accesses that
 * may fault.
 */
#ifndef MAPPINGS_H
#define MAPPINGS_H
#include "tap.h"
#include <setjmp.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static volatile unsigned long sink;
static sigjmp_buf jump;
static volatile int fault_code;
static void *volatile fault_addr;

static inline void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	fault_code = sig * 100 + si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(jump, 1);
}

static inline void catch_faults(void)
{
	on_signal(SIGSEGV, on_fault, 0);
	on_signal(SIGBUS, on_fault, 0);
}

enum { MAPERR = SIGSEGV * 100 + SEGV_MAPERR, ACCERR = SIGSEGV * 100 + SEGV_ACCERR, ADRERR = SIGBUS * 100 + BUS_ADRERR };

static inline int read_fault(volatile char *p)
{
	if (sigsetjmp(jump, 1))
		return fault_addr == (void *)p ? fault_code : -1;
	sink = *p;
	return 0;
}

static inline int write_fault(volatile char *p)
{
	if (sigsetjmp(jump, 1))
		return fault_addr == (void *)p ? fault_code : -1;
	*p = *p + 1;
	return 0;
}

static inline void *map(size_t size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static inline int file_of(const char *name, size_t size, int c)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[PAGE];

	CHECK(fd >= 0);
	memset(buf, c, sizeof(buf));
	for (size_t i = 0; i < size; i += PAGE)
		EQ(write(fd, buf, PAGE), PAGE);
	return fd;
}

#endif
