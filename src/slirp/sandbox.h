/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kbox-slirp gives up before it reads the first frame. It keeps what it has open, memory, and
 * sockets that connect, send and receive.
 */
#ifndef SANDBOX_H
#define SANDBOX_H
#include <stdbool.h>

/*
 * Root is nobody then, and the process has no file system, where this host lets a user make a
 * namespace; nobody reads its memory, and it leaves no dump.
 */
void sandbox_leave(void);
/* It makes no other call any more. False: errno says why. */
bool sandbox_filter(void);
#endif
