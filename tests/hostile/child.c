// SPDX-License-Identifier: GPL-2.0-only
/* A host process or thread of this program's own making, of which the guest's kernel knows nothing. */
#include <linux/futex.h>
#include "hostile.h"

volatile int child_lived;
static int never;

static void ends(void)
{
	child_lived = 1;
	for (;;)
		host_call(SYS_exit, 0);
}

static void stays(void)
{
	child_lived = 1;
	for (;;)
		host_call(SYS_futex, &never, FUTEX_WAIT, 0, 0);
}

/*
 * The host call returns to the address on top of it (x86_64). All that stay have the same stack: it is
 * shared memory, and they all write the same there.
 */
void *child_stack(int stay)
{
	static char stack[2][16384] __attribute__((aligned(4096)));
	void **top = (void **)(stack[!!stay] + sizeof(stack[0]) - 64);

	*top = stay ? stays : ends;
	return top;
}
