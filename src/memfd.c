// SPDX-License-Identifier: GPL-2.0-only
/* Files in memory: that of the guest, and an overlay. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include "box.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

/*
 * Not close-on-exec: the number is part of the box. Linux 6.3 wants to be told that
 * nobody will execve() the file (mapping it executable is another matter), older
 * ones do not know the word.
 */
int new_memfd(const char *name)
{
	int fd = -1;

	if (!is_hidden(KBOX_HIDE_NOEXEC_SEAL))
		fd = memfd_create(name, MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING);
	return fd < 0 ? memfd_create(name, MFD_ALLOW_SEALING) : fd;
}

bool seal_size(int fd)
{
	return !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}
