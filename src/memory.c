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

void map_memory(struct box *b, char **argv)
{
	void *want = (void *)KBOX_PAGE_OFFSET;

	b->mem_fd = memfd_create("kbox", 0);
	if (b->mem_fd < 0)
		die("memfd_create: %s; this host cannot run kbox (see kbox doctor)", strerror(errno));
	if (ftruncate(b->mem_fd, b->opt.mem))
		die("--mem: %s", strerror(errno));
	b->mem = mmap(want, b->opt.mem, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, b->mem_fd, 0);
	if (b->mem == want) {
		b->boot = (void *)(b->mem + KBOX_BOOT_PHYS);
		return;
	}
	/* ASLR put something of ours there: once more without it. */
	if (errno == EEXIST && !(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
	}
	die("cannot map %lu MiB at %p: %s; try a smaller --mem", (unsigned long)(b->opt.mem >> 20), want,
	    strerror(errno));
}
