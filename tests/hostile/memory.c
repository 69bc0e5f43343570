// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory as the guest's kernel sees it. */
#include <sys/mman.h>
#include "hostile.h"

void *guest_memory(uint64_t phys)
{
	return (void *)(KBOX_PAGE_OFFSET + phys);
}

static uint64_t find_page(const uint64_t mark[2])
{
	for (uint64_t phys = 0; phys < BOOT->mem_size; phys += PAGE)
		if (!memcmp(guest_memory(phys), mark, 16))
			return phys;
	fprintf(stderr, "hostile: a page of mine is not in guest memory\n");
	exit(2);
}

/*
 * It is marked, and the mark is looked for. The page itself is in no other place at that moment.
 * What the mark is made from is in memory, too, so it is not at the beginning of a page.
 */
uint64_t phys_of(void *page)
{
	static struct { uint64_t before[2], mark[2]; } own __attribute__((aligned(32)));
	static uint64_t n = 0x6b626f782d686f73;
	uint64_t phys, was[2];

	n++;
	own.mark[0] = n * 0x9e3779b97f4a7c15;
	own.mark[1] = ~n;
	memcpy(was, page, 16);
	memcpy(page, own.mark, 16);
	phys = find_page(own.mark);
	memcpy(page, was, 16);
	return phys;
}

void *find_code(const void *code, size_t n)
{
	return memmem((void *)KERNEL_TEXT, PAGE, code, n);
}

/*
 * The kernel's text is mapped to be executed only; here the first page of it is one of this
 * program's instead, which has the same in it, and can be written to where the program has it.
 */
void *own_kernel_text(void)
{
	char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t phys;
	long ret;

	memcpy(copy, (void *)KERNEL_TEXT, PAGE);
	phys = phys_of(copy);
	ret = host_call(SYS_mmap, KERNEL_TEXT, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, BOOT->mem_fd, phys);
	if (ret != (long)KERNEL_TEXT) {
		printf("own text: mmap = %ld\n", ret);
		exit(2);
	}
	return copy;
}
