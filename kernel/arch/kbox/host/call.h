/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOST_CALL_H
#define KBOX_HOST_CALL_H
/* The way into the host's kernel, for the files of this directory alone. */
#include <asm/host.h>
#include <asm/unistd.h>

/* entry.S */
extern long host_call(long nr, long a1, long a2, long a3, long a4, long a5, long a6);

#define HCALL6(nr, a, b, c, d, e, f) \
	host_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define HCALL5(nr, a, b, c, d, e)	HCALL6(nr, a, b, c, d, e, 0)
#define HCALL4(nr, a, b, c, d)		HCALL6(nr, a, b, c, d, 0, 0)
#define HCALL3(nr, a, b, c)		HCALL6(nr, a, b, c, 0, 0, 0)
#define HCALL2(nr, a, b)		HCALL6(nr, a, b, 0, 0, 0, 0)
#define HCALL1(nr, a)			HCALL6(nr, a, 0, 0, 0, 0, 0)
#define HCALL0(nr)			HCALL6(nr, 0, 0, 0, 0, 0, 0)
#endif
