// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: one unnamed memfd at one address in every process of the box. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

#define TRIES	30		/* until the address is free */
#define STACK	(8UL << 20)

/*
 * Something of ours is in the way: once more, without randomization. Where that is forbidden
 * (containers), other dice may do; they come out wrong half of the time where vm.mmap_rnd_bits is
 * 32. A large limit of the stack moves all there is, too.
 */
static void try_again(char **argv)
{
	struct rlimit stack;
	const char *tries = getenv("KBOX_AGAIN");
	char exe[PATH_MAX], text[16];
	int n = tries ? atoi(tries) : 0;

	if (n >= TRIES)
		return;
	snprintf(text, sizeof(text), "%d", personality(ADDR_NO_RANDOMIZE) < 0 ? n + 1 : TRIES);
	setenv("KBOX_AGAIN", text, 1);
	if (!getrlimit(RLIMIT_STACK, &stack) && stack.rlim_cur > STACK) {
		stack.rlim_cur = STACK;
		setrlimit(RLIMIT_STACK, &stack);
	}
	execv("/proc/self/exe", argv);
	if (self_path(exe))
		execv(exe, argv);
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

bool addresses_free(uint64_t mem)
{
	return is_free(KBOX_HOME_START, KBOX_PAGE_OFFSET + mem) && is_free(KBOX_VMALLOC_START, KBOX_HOME_END);
}

/* Where the host does not let its vDSO be moved, the guests' addresses end where that begins. */
static bool vdso_is_low(void)
{
	return getauxval(AT_SYSINFO_EHDR) && getauxval(AT_SYSINFO_EHDR) < KBOX_HOME_END;
}

void find_room(uint64_t mem, char **argv)
{
	if (!addresses_free(mem) || vdso_is_low())
		try_again(argv);
}

int new_memory(uint64_t mem)
{
	int fd = new_memfd("kbox");

	if (fd < 0)
		die("memfd_create: %s; this host cannot run kbox (see kbox doctor)", reason(errno));
	if (ftruncate(fd, mem))
		die("cannot have %lu MiB of guest memory: %s; try a smaller --mem", mem >> 20, reason(errno));
	/* Its size is the box's bound: what is beyond would be memory that nobody counts. */
	if (!seal_size(fd))
		die("cannot seal the guest's memory: %s", strerror(errno));
	return fd;
}

void map_memory(struct box *b)
{
	void *want = (void *)KBOX_PAGE_OFFSET;

	if (!have_small_pages())
		die("this host has pages of %ld KiB; kbox needs a kernel with 4 KiB ones", sysconf(_SC_PAGESIZE) >> 10);
	if (!addresses_free(b->opt.mem))
		die("the addresses of the guest's kernel are not free: see kbox doctor");
	if (!b->resume)
		b->mem_fd = new_memory(b->opt.mem);
	b->mem = mmap(want, b->opt.mem, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, b->mem_fd, 0);
	if (b->mem != want)
		die("cannot map %lu MiB at %p: %s; try a smaller --mem", b->opt.mem >> 20, want, reason(errno));
	b->boot = (void *)(b->mem + KBOX_BOOT_PHYS);
	b->shared = (void *)(b->mem + KBOX_SHARED_PHYS);
}

static void map_executable(const struct box *b, int i, int fd, off_t at)
{
	uint64_t start = b->image.text[i].start, size = b->image.text[i].end - start;

	if (mmap((void *)start, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, at) == MAP_FAILED)
		die("cannot map the guest's kernel to be executed: %s; allow kbox executable mappings of "
		    "its memory file (memfd), which this host's policy refuses", strerror(errno));
}

/*
 * The kernel has been written. This is for the box's first process, since the supervisor executes
 * nothing of it. Some hosts let no memory be writable and executable, nor become executable
 * (systemd's MemoryDenyWriteExecute, PR_SET_MDWE), but only be mapped so from the beginning.
 */
void map_text(const struct box *b)
{
	map_executable(b, 0, b->text_fd, b->text_at);
	map_executable(b, 1, b->mem_fd, b->image.text[1].start - KBOX_PAGE_OFFSET);
}
