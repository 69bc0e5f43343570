// SPDX-License-Identifier: GPL-2.0-only
/* The host's calls for memory. */
#include <linux/mman.h>
#include "call.h"

long host_mmap(unsigned long addr, unsigned long size, int prot, int flags, int fd, u64 offset)
{
	return HCALL6(__NR_mmap, addr, size, prot, flags, fd, offset);
}

int host_munmap(unsigned long start, unsigned long end)
{
	return HCALL2(__NR_munmap, start, end - start);
}

int host_mprotect(unsigned long start, unsigned long end, int prot)
{
	return HCALL3(__NR_mprotect, start, end - start, prot);
}

int host_populate_write(unsigned long start, unsigned long end)
{
	return HCALL3(__NR_madvise, start, end - start, MADV_POPULATE_WRITE);
}

int host_fallocate(int fd, int mode, u64 offset, u64 size)
{
	return HCALL4(__NR_fallocate, fd, mode, offset, size);
}
