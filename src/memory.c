// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: one unnamed memfd at one address in every process of the box. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

/*
 * Not close-on-exec: the number is part of the box. Linux 6.3 wants to be told that
 * nobody will execve() the file (mapping it executable is another matter), older
 * ones do not know the word.
 */
static int new_memfd(void)
{
	int fd = -1;

	if (!is_hidden(KBOX_HIDE_NOEXEC_SEAL))
		fd = memfd_create("kbox", MFD_NOEXEC_SEAL);
	return fd < 0 ? memfd_create("kbox", 0) : fd;
}

/* Address space randomization put something of ours there: once more, without it. */
static void try_again(char **argv)
{
	if (getenv("KBOX_AGAIN"))
		return;
	setenv("KBOX_AGAIN", "1", 1);
	personality(ADDR_NO_RANDOMIZE);	/* where that is forbidden, other dice may do */
	execv("/proc/self/exe", argv);
}

/* The guest's pages are mapped one by one, and have 4 KiB. */
bool have_small_pages(void)
{
	return sysconf(_SC_PAGESIZE) == 4096;
}

/* False: something of ours is there. */
static bool is_free(uint64_t start, uint64_t end)
{
	void *want = (void *)start, *p;

	if (start == end)
		return true;
	p = mmap(want, end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (p == MAP_FAILED)
		return errno != EEXIST;
	munmap(p, end - start);
	return p == want;
}

void map_memory(struct box *b, char **argv)
{
	void *want = (void *)KBOX_PAGE_OFFSET;

	if (!have_small_pages())
		die("this host has pages of %ld KiB; kbox needs a kernel with 4 KiB ones", sysconf(_SC_PAGESIZE) >> 10);
	b->mem_fd = new_memfd();
	if (b->mem_fd < 0)
		die("memfd_create: %s; this host cannot run kbox (see kbox doctor)", strerror(errno));
	if (ftruncate(b->mem_fd, b->opt.mem))
		die("cannot have %lu MiB of guest memory: %s; try a smaller --mem", b->opt.mem >> 20, strerror(errno));
	b->mem = mmap(want, b->opt.mem, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, b->mem_fd, 0);
	if (b->mem != want) {
		if (errno == EEXIST)
			try_again(argv);
		die("cannot map %lu MiB at %p: %s; try a smaller --mem", b->opt.mem >> 20, want, strerror(errno));
	}
	if (!is_free(ARCH_KERNEL_START, KBOX_PAGE_OFFSET) || !is_free(ARCH_MEM_END, ARCH_KERNEL_END)) {
		try_again(argv);
		die("the addresses of the guest's kernel are not free: see kbox doctor");
	}
	b->boot = (void *)(b->mem + KBOX_BOOT_PHYS);
}
