/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTIO_H
#define KBOX_HOSTIO_H
/*
 * Host calls that wait for the host's disk: host threads without a task make them, and the virtual
 * CPU goes on meanwhile.
 */
#include <linux/types.h>
#include <asm/host.h>

/*
 * Read what the host does not have in its memory, into memory of the kernel's own (no vmalloc
 * space), as host_preadv() without flags. May sleep, and no signal ends that.
 */
ssize_t hostio_preadv(int fd, const struct host_iovec *iov, int n, loff_t pos);
/* As host_fsync(). */
int hostio_fsync(int fd, bool datasync);
/*
 * As host_preadv(), also into a user's memory: what the host has at once, or -EAGAIN if that is
 * nothing and hostio_preadv() has to be asked. *no_nowait: the host cannot tell, and waits.
 */
ssize_t hostio_preadv_now(int fd, const struct host_iovec *iov, int n, loff_t pos, bool *no_nowait);
#endif
