// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "rights.h"

void rights_put(struct msghdr *m, union rights *r, const int *fds, int n)
{
	if (!n)
		return;
	memset(r, 0, sizeof(*r));
	r->header = (struct cmsghdr) { CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&r->header), fds, n * sizeof(int));
	m->msg_control = r;
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
}

void rights_expect(struct msghdr *m, union rights *r, int n)
{
	m->msg_control = r;
	m->msg_controllen = CMSG_LEN(n * sizeof(int));	/* CMSG_SPACE() may have room for one more */
}

int rights_take(struct msghdr *m, int *fds)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	size_t size;

	if (!h || h->cmsg_type != SCM_RIGHTS)
		return 0;
	size = h->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(h), size);
	return size / sizeof(int);
}
