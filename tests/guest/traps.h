/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of traps share (traps*.c), which are of one ISA each: code in a page of its own,
 * and what is seen of the signal that ends it. collect(), a handler, is the file's own.
 */
#ifndef TRAPS_H
#define TRAPS_H
#include "tap.h"
#include <setjmp.h>
#include <ucontext.h>

#define PAGE 4096UL

enum { IP = 1, NOWHERE = 0, MEMORY = 2 };	/* si_addr */
enum { TARGET = -2 };				/* the ip, where a jump leads to */

static struct seen {
	int sig, code;
	uintptr_t addr;
	unsigned long handler_flags;
	mcontext_t m;
} seen;

static sigjmp_buf out;

static void collect(int sig, siginfo_t *si, void *uc);

static inline void prepare(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS };
	stack_t ss = { .ss_size = 16 * PAGE };

	ss.ss_sp = map_anon(ss.ss_size, MAP_PRIVATE);
	EQ(sigaltstack(&ss, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		on_signal(sigs[i], collect, SA_ONSTACK);
}

/*
 * A page of these bytes, which a box takes for a program's text if it is a file's. It stays: what a
 * box has learnt of a call's address is not to be used for another.
 */
static inline char *page_of(const char *bytes, size_t size, int is_file)
{
	char *p;
	int fd;

	if (!is_file) {
		p = map_anon(PAGE, MAP_PRIVATE);
		memcpy(p, bytes, size);
		EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
		return p;
	}
	fd = open("text", O_RDWR | O_CREAT | O_TRUNC, 0755);
	EQ(write(fd, bytes, size), size);
	EQ(ftruncate(fd, PAGE), 0);
	close(fd);
	fd = open("text", O_RDONLY);
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	EQ(unlink("text"), 0);
	return p;
}

#endif
