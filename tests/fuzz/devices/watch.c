// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the devices and the host (ld --wrap): what they ask for is inside image and overlay,
 * the guest changes its memory meanwhile, and the host refuses, is interrupted or does less.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include "hostile.h"
#include "virtqueue.h"

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __real_preadv(int fd, const struct iovec *v, int n, off_t off);
ssize_t __real_pwritev(int fd, const struct iovec *v, int n, off_t off);
int __real_fallocate(int fd, int mode, off_t off, off_t len);
ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
void __real_guest_read(void *to, const void *from, size_t n);

struct watch watch;

void finding(const char *what, const char *file, int line)
{
	fprintf(stderr, "FINDING: %s:%d: not so: %s\n", file, line, what);
	abort();
}

ssize_t put_image(const void *p, size_t n)
{
	return __real_pwrite(watch.image, p, n, 0);
}

/* One request moves what it is about, and a part of it again where the host has done less. */
static void check(int fd, bool write, uint64_t n, off_t off)
{
	uint64_t size = fd == watch.image ? DISK_SIZE : (DISK_SIZE + 4095) & -4096UL;

	MUST(fd >= 0 && (fd == watch.image || fd == watch.overlay));
	MUST(off >= 0 && (uint64_t)off <= size && n <= size - off);
	MUST(!write || fd != watch.image || !watch.frozen);
	watch.moved += n;
	MUST(watch.moved <= 16 * DISK_SIZE);
}

/* What the host says to one that would have had n. */
static ssize_t host(ssize_t n)
{
	unsigned how = input(1);

	guest_interferes();
	switch (how >> 4) {
	case 15:
		errno = EIO;
		return -1;
	case 14:
		errno = EINTR;
		return -1;
	case 13:
		return n > 1 ? n / 2 : n;
	}
	return n;
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
	ssize_t may = host(n);

	check(fd, false, n, off);
	return may < 0 ? may : __real_pread(fd, p, may, off);
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
	ssize_t may = host(n);

	check(fd, true, n, off);
	return may < 0 ? may : __real_pwrite(fd, p, may, off);
}

ssize_t __wrap_preadv(int fd, const struct iovec *v, int n, off_t off)
{
	check(fd, false, vq_bytes(v, n), off);
	return host(__real_preadv(fd, v, n, off));
}

ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t off)
{
	check(fd, true, vq_bytes(v, n), off);
	return host(__real_pwritev(fd, v, n, off));
}

int __wrap_fallocate(int fd, int mode, off_t off, off_t len)
{
	check(fd, true, len, off);
	return host(0) < 0 ? -1 : __real_fallocate(fd, mode, off, len);
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	ssize_t may = host(n);

	watch.random += n;
	MUST(watch.random <= 64 << 10);
	return may < 0 ? may : __real_getrandom(p, may, flags);
}

/* Before and behind each copy the guest may write. */
void __wrap_guest_read(void *to, const void *from, size_t n)
{
	guest_interferes();
	__real_guest_read(to, from, n);
	guest_interferes();
}
