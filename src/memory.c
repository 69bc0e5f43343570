// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: one unnamed memfd at one address in every process of the box. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>
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
	int fd = memfd_create("kbox", MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create("kbox", 0) : fd;
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

void map_memory(struct box *b, char **argv)
{
	void *want = (void *)KBOX_PAGE_OFFSET;

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
	b->boot = (void *)(b->mem + KBOX_BOOT_PHYS);
}
