// SPDX-License-Identifier: GPL-2.0-only
/* That of lib/vdso/getrandom.c, which the Makefile includes. */
#include <asm/vdso/isa.h>

VDSO_FUNCTION(ssize_t, getrandom, (void *buffer, size_t len, unsigned int flags, void *state, size_t state_len))
{
	return __cvdso_getrandom(buffer, len, flags, state, state_len);
}
