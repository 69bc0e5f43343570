/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors beside a message of a socket: SCM_RIGHTS of unix(7). */
#ifndef RIGHTS_H
#define RIGHTS_H
#include <asm/kbox.h>
#include <sys/socket.h>

#define RIGHTS_MAX	(1 + KBOX_MAX_VOLUMES)	/* those of passing.c are the most */

union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
};

/* These n go with the message m, for as long as r is there. */
void rights_put(struct msghdr *m, union rights *r, const int *fds, int n);
/* The message m may bring n. More of them the host's kernel does not give us. */
void rights_expect(struct msghdr *m, union rights *r, int n);
/* Those that it has brought; how many. */
int rights_take(struct msghdr *m, int *fds);

#endif
